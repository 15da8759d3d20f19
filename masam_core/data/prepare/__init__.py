"""Data sets as their owners distribute them, made into the folder that train and evaluate read."""
