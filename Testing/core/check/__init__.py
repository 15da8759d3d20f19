"""Tests of masam_core.check."""
