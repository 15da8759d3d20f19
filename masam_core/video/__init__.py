"""Videos: frames in their own colours, pictures of labels, and overlays."""
