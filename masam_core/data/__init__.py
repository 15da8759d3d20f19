"""Cases for training and evaluation, and where they lie on disk."""
