"""Write an image as uncompressed NRRD, for another process on this machine to take up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from masam_core.image.geometry import Geometry

TYPES = {
    "b1": "uint8",
    "i1": "int8",
    "u1": "uint8",
    "i2": "int16",
    "u2": "uint16",
    "i4": "int32",
    "u4": "uint32",
    "i8": "int64",
    "u8": "uint64",
    "f4": "float",
    "f8": "double",
}


def write_plain_nrrd(path: Path, array: NDArray[Any], geometry: Geometry) -> None:
    """Write without a copy of the voxels, positions to the last digit.

    Args:
        path: replaced if there.
        array: KJI, any real type; float16 becomes float32.
        geometry: its grid.

    Raises:
        OSError: the file can't be written whole.
    """
    if array.dtype == np.float16:
        array = array.astype(np.float32)
    values = np.ascontiguousarray(array)
    little = values.astype(values.dtype.newbyteorder("<"), copy=False)
    axes = geometry.ijk_to_lps[:3, :3].T.tolist()
    header = [
        "NRRD0004",
        f"type: {TYPES[little.dtype.str[1:]]}",
        "dimension: 3",
        "space: left-posterior-superior",
        f"sizes: {' '.join(map(str, geometry.size_ijk))}",
        f"space directions: {' '.join(map(_vector, axes))}",
        "kinds: domain domain domain",
        "endian: little",
        "encoding: raw",
        f"space origin: {_vector(geometry.origin.tolist())}",
    ]
    with path.open("wb") as file:
        file.write("\n".join(header).encode("ascii") + b"\n\n")
        file.write(little.data.cast("B"))


def _vector(values: list[float]) -> str:
    return "(" + ",".join(repr(float(v)) for v in values) + ")"
