"""MASAM: outline a tumour in 3D from a tight box, with MA-SAM."""

__version__ = "0.1.0"
