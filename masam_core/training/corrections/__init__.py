"""Training of the corrector: fields around lesions, masks that are wrong, a user who says where."""
