"""What the module does without Qt: scene in, files out, and back. Never imports torch."""
