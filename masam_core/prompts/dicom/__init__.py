"""Prompts and masks out of DICOM objects: SR and GSPS lines, RTSTRUCT outlines, SEG segments."""
