"""A volume as one compressed NIfTI file, written slab by slab. Layout: nifti1.h."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np

from masam_core.atomic import atomic_path
from masam_core.image.geometry import Geometry

HEADER_BYTES = 352  # header and the empty list of extensions
LEVEL = 1  # of compression: the page waits for it
_SLAB = 8 << 20  # bytes
# Types that browsers draw; others are written as one of these.
_CODES = {"u1": 2, "i2": 4, "i4": 8, "f4": 16, "f8": 64, "i1": 256, "u2": 512, "u4": 768}
_SCANNER = 1  # code of a position in the scanner's frame
_MM = 2


def writeNifti(path: Path, array: np.ndarray, geometry: Geometry) -> None:
    """Write a volume as ``.nii.gz``, whole or not at all; nothing of it is copied as a whole.

    Args:
        path: of the file.
        array: KJI; booleans, whole numbers or floating point.
        geometry: its grid.

    Raises:
        WriteError: the file can't be written.
    """
    kind = _kindOf(array)
    slab = max(1, _SLAB // max(1, array[0].size * kind.itemsize))
    with atomic_path(path, inside=False) as temporary, gzip.open(temporary, "wb", LEVEL) as out:
        out.write(header(kind, geometry))
        for first in range(0, len(array), slab):
            out.write(np.ascontiguousarray(array[first : first + slab], dtype=kind).tobytes())


def header(kind: np.dtype, geometry: Geometry) -> bytes:
    """Header of a volume of a type: the affine from voxel index (i, j, k) to RAS, mm."""
    i, j, k = geometry.size_ijk
    values = bytearray(HEADER_BYTES)
    struct.pack_into("<i", values, 0, 348)
    struct.pack_into("<8h", values, 40, 3, i, j, k, 1, 1, 1, 1)
    struct.pack_into("<2h", values, 70, _CODES[kind.str[1:]], 8 * kind.itemsize)
    struct.pack_into("<8f", values, 76, 1.0, *geometry.spacing, 1.0, 1.0, 1.0, 1.0)
    struct.pack_into("<3f", values, 108, float(HEADER_BYTES), 1.0, 0.0)
    values[123] = _MM
    struct.pack_into("<2h", values, 252, 0, _SCANNER)
    struct.pack_into("<12f", values, 280, *np.ravel(geometry.ijk_to_ras[:3]))
    values[344:348] = b"n+1\0"
    return bytes(values)


def _kindOf(array: np.ndarray) -> np.dtype:
    """Type of the file's values, little-endian."""
    own = array.dtype.newbyteorder("<")
    if own.kind == "b":
        return np.dtype("u1")
    if own.str[1:] in _CODES:
        return own
    return np.dtype("<f4") if own.kind == "f" and own.itemsize < 4 else np.dtype("<f8")
