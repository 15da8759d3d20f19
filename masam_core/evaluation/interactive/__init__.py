"""Evaluation as a user works: a first prompt of some kind, then corrections where it is wrong."""
