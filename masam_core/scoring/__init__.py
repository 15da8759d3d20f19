"""Scores of masks against expert masks; training's validation and the evaluation stand on it."""
