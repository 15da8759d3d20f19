"""What a user says about where a lesion is: boxes, ROIs, label images."""
