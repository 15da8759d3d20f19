"""Layouts of data sets on disk: one file each, and one line each in ``registry``."""
