"""Results as DICOM objects: segmentation (SEG), report (SR, TID 1500), structures (RTSTRUCT)."""
