"""Many images, one after the other, whatever becomes of each."""
