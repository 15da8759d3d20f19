"""Checking an installation: what is there, whether it works, and what to do where it does not."""
