"""What is measured on a lesion: one file each, and one line each in ``registry``."""
