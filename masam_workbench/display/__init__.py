"""Slice views and the 3D view of a scene, drawn off-screen by Slicer's own displayable managers."""
