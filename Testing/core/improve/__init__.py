"""Tests of masam_core.improve."""
