"""Known checkpoints: where they come from, where they lie, whether they are whole."""
