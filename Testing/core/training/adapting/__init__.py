"""Tests of masam_core.training.adapting."""
