"""File formats of images: each read by its own header, checked for being whole; one file each."""
