"""DICOM: choose the series, put its images in order by their positions, refuse what is no grid."""

from masam_core.image.formats.dicom.series import list_series, read_file, read_series

__all__ = ["list_series", "read_file", "read_series"]
