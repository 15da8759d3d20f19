"""What prompts can be read from: a file a kind, and a line for it in the registry."""
