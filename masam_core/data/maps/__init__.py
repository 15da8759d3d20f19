"""Maps from a data set's label values to a model's classes; a YAML file each."""
