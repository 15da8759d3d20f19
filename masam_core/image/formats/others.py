"""Kinds of files that are not read, by name: nothing in them tells whether they are whole."""

from __future__ import annotations

import struct

ADVICE = "MASAM reads NIfTI, NRRD, MetaImage and DICOM"
_STARTS = (
    (b"II*\0", "a TIFF image"),
    (b"MM\0*", "a TIFF image"),
    (b"II+\0", "a TIFF image"),
    (b"MM\0+", "a TIFF image"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 picture"),
    (b"\0\0\0\x0cjP", "a JPEG 2000 picture"),
    (b"GIF8", "a GIF picture"),
    (b"BM", "a BMP picture"),
    (b"\x89HDF", "an HDF5 file"),
    (b"CDF\x01", "a MINC file"),
    (b"CDF\x02", "a MINC file"),
    (b"# vtk DataFile", "a VTK file"),
    (b"<?xml", "an XML file"),
    (b"<VTKFile", "a VTK file"),
    (b"PK\x03\x04", "a zip archive"),
    (b"%PDF", "a PDF document"),
    (b"\x93NUMPY", "a numpy array"),
    (b"solid ", "a surface model (STL)"),
    (b"{", "a JSON file"),
    (b"numDim:", "a Stimulate image"),
)
GIPL_MAGIC = (0x2AE389B8, 0xEFFFE9B0)


def kind_of(head: bytes) -> str | None:
    """Name a file's kind by its first bytes, with its article; None where they say nothing."""
    for start, name in _STARTS:
        if head.startswith(start):
            return name
    if head[208:212] == b"MAP ":
        return "an MRC map"
    if len(head) >= 256 and struct.unpack_from(">I", head, 252)[0] in GIPL_MAGIC:
        return "a GIPL image"
    if len(head) >= 348 and 348 in (
        *struct.unpack_from("<i", head),
        *struct.unpack_from(">i", head),
    ):
        return "an Analyze 7.5 header, which does not say left from right"
    return None
