"""Tests of masam_core.pacs."""
