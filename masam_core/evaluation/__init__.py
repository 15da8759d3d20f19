"""Comparison of masks with expert masks."""
