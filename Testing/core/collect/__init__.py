"""Tests of masam_core.collect."""
