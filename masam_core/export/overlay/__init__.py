"""Pictures of masks over their image."""
