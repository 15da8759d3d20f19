"""Image files made byte by byte, so that a test can write what no library would."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np

ARRAY = np.random.default_rng(0).integers(-900, 900, (5, 6, 7)).astype(np.int16)


def nifti(path: Path, array: np.ndarray = ARRAY, **fields: Any) -> Path:
    """Write a NIfTI-1 file of 16-bit values.

    Args:
        path: of the file.
        array: KJI.
        fields: ``affine`` (3, 4) to RAS mm, ``vox_offset``, ``dim`` (8 numbers), ``pixdim``,
            ``datatype``, ``magic``.
    """
    k, j, i = array.shape
    header = bytearray(352)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, *fields.get("dim", (3, i, j, k, 1, 1, 1, 1)))
    struct.pack_into("<hh", header, 70, fields.get("datatype", 4), 16)
    struct.pack_into("<8f", header, 76, *fields.get("pixdim", (1, 1, 1, 3, 0, 0, 0, 0)))
    struct.pack_into("<f", header, 108, fields.get("vox_offset", 352.0))
    header[123] = 2
    struct.pack_into("<h", header, 254, fields.get("sform", 1))
    affine = np.asarray(fields.get("affine", np.diag([1.0, 1.0, 3.0, 1.0])[:3]))
    struct.pack_into("<12f", header, 280, *affine.flatten())
    header[344:348] = fields.get("magic", b"n+1\0")
    path.write_bytes(bytes(header) + array.astype("<i2").tobytes())
    return path


def nrrd(path: Path, data: bytes | None = None, **fields: str | None) -> Path:
    """Write a NRRD file of 16-bit values; a field that is None is left out."""
    values: dict[str, str | None] = {
        "type": "short",
        "dimension": "3",
        "space": "left-posterior-superior",
        "sizes": "7 6 5",
        "space directions": "(1,0,0) (0,1,0) (0,0,3)",
        "endian": "little",
        "encoding": "raw",
        "space origin": "(0,0,0)",
    }
    values |= {name.replace("_", " "): value for name, value in fields.items()}
    lines = ["NRRD0004", *(f"{n}: {v}" for n, v in values.items() if v is not None)]
    body = ARRAY.astype("<i2").tobytes() if data is None else data
    path.write_bytes("\n".join(lines).encode() + b"\n\n" + body)
    return path


def metaimage(path: Path, data: bytes | None = None, **fields: str | None) -> Path:
    """Write a MetaImage file of 16-bit values; a field that is None is left out."""
    values: dict[str, str | None] = {
        "ObjectType": "Image",
        "NDims": "3",
        "BinaryData": "True",
        "BinaryDataByteOrderMSB": "False",
        "CompressedData": "False",
        "TransformMatrix": "1 0 0 0 1 0 0 0 1",
        "Offset": "0 0 0",
        "ElementSpacing": "1 1 3",
        "DimSize": "7 6 5",
        "ElementType": "MET_SHORT",
        "ElementDataFile": "LOCAL",
    }
    last = fields.pop("ElementDataFile", values.pop("ElementDataFile"))
    values |= fields
    lines = [f"{n} = {v}" for n, v in values.items() if v is not None]
    if last is not None:
        lines.append(f"ElementDataFile = {last}")
    body = ARRAY.astype("<i2").tobytes() if data is None else data
    path.write_bytes("\n".join(lines).encode() + b"\n" + body)
    return path
