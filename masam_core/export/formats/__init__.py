"""What lesions can be written as: a file a format, and a line for it in the registry."""
