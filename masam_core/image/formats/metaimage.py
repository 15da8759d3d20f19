"""MetaImage, in one file (.mha) or as header and voxels (.mhd). Source: MetaIO's documentation."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from masam_core.errors import VolumeError
from masam_core.image.formats.base import (
    MOST_DIMENSIONS,
    MOST_HEADER_BYTES,
    MOST_HEADER_LINES,
    Image,
    Rules,
    damaged,
    numbers,
    printable,
    require_scalar_3d,
    require_size,
    whole_numbers,
    without_single,
)
from masam_core.image.formats.detached import beside
from masam_core.image.formats.payload import from_text, native, read_packed, read_plain, read_text
from masam_core.image.geometry import Geometry
from masam_core.image.squared import squared

TYPES = {
    "MET_CHAR": "i1",
    "MET_UCHAR": "u1",
    "MET_SHORT": "i2",
    "MET_USHORT": "u2",
    "MET_INT": "i4",
    "MET_UINT": "u4",
    "MET_LONG": "i4",  # four bytes in the file on every system
    "MET_ULONG": "u4",
    "MET_LONG_LONG": "i8",
    "MET_ULONG_LONG": "u8",
    "MET_FLOAT": "f4",
    "MET_DOUBLE": "f8",
}
# One meaning, several names; the first that is there counts.
MATRIX = ("TransformMatrix", "Rotation", "Orientation")
ORIGIN = ("Offset", "Position", "Origin")
SPACING = ("ElementSpacing", "ElementSize")
BYTE_ORDER = ("BinaryDataByteOrderMSB", "ElementByteOrderMSB")
DATA = "ElementDataFile"
_FIRST_LINES = re.compile(rb"\A(?:\s*[A-Za-z]+\s*=[^\n]*\n)*?\s*(?:ObjectType|NDims)\s*=")


class MetaImage:
    """Reader of MetaImage files."""

    name = "MetaImage"
    may_be_packed = False

    def recognises(self, head: bytes) -> bool:
        """Tell by lines of 'Key = value' among which ObjectType or NDims is one of the first."""
        return _FIRST_LINES.match(head) is not None

    def read(self, path: Path, rules: Rules) -> Image:
        """Read a file; see :class:`masam_core.image.formats.base.Format`."""
        fields, end = parse(path)
        kind = fields.get("ObjectType", "Image")
        if kind.lower() != "image":
            raise VolumeError(f"{path} holds a MetaIO object '{kind[:40]}'; expected an image.")
        (count,) = whole_numbers(path, "NDims", [_need(path, fields, "NDims")], 1)
        if not 1 <= count <= MOST_DIMENSIONS:
            raise damaged(path, f"its field 'NDims' is {count}, expected 1 to {MOST_DIMENSIONS}")
        sizes = whole_numbers(path, "DimSize", _need(path, fields, "DimSize").split(), count)
        require_size(path, sizes, 1)
        size = without_single(sizes)
        channels = fields.get("ElementNumberOfChannels", "1")
        (values,) = whole_numbers(path, "ElementNumberOfChannels", [channels], 1)
        require_scalar_3d(path, size, values, False)
        array = _values(path, fields, end, size, rules).reshape(size[::-1])
        i, j, k = size
        matrix, notes = _ijk_to_lps(path, fields, count)
        return Image(array, Geometry((k, j, i), squared(path, matrix, (k, j, i))), notes)


def parse(path: Path) -> tuple[dict[str, str], int]:
    """Fields up to ElementDataFile, which ends a header, and where the next byte lies.

    Raises:
        VolumeError: a header without end, too many lines, a line that is none.
    """
    fields: dict[str, str] = {}
    with path.open("rb") as file:
        for _ in range(MOST_HEADER_LINES):
            line = file.readline(MOST_HEADER_BYTES)
            if not line:
                raise damaged(path, f"its header ends before its field '{DATA}'")
            text = printable(line.decode("utf-8", "replace").strip())
            key, mark, value = (part.strip() for part in text.partition("="))
            if not text:
                continue
            if not mark or not key:
                raise damaged(
                    path, f"its header has '{text[:60]}', expected 'Key = value' up to '{DATA}'"
                )
            # ITK puts an image's dictionary here, too: keys such as 0008|0005, or with blanks.
            if key in fields and key.isidentifier():
                raise damaged(path, f"its field '{key[:40]}' is there twice")
            fields[key] = value
            if key == DATA:
                return fields, file.tell()
            if file.tell() > MOST_HEADER_BYTES:
                break
    raise damaged(
        path,
        f"its header does not end within {MOST_HEADER_LINES} lines and {MOST_HEADER_BYTES} bytes",
    )


def _need(path: Path, fields: dict[str, str], name: str) -> str:
    if name not in fields:
        raise damaged(path, f"its header has no field '{name}'")
    return fields[name]


def _flag(fields: dict[str, str], *names: str, default: bool = False) -> bool:
    for name in names:
        if name in fields:
            return fields[name][:1].lower() in ("t", "1", "y")
    return default


def _values(
    path: Path, fields: dict[str, str], end: int, size: list[int], rules: Rules
) -> NDArray[Any]:
    """Values of the voxels, flat."""
    kind = _need(path, fields, "ElementType").upper()
    if kind not in TYPES:
        raise VolumeError(
            f"{path} has voxels of type '{kind[:40]}', which is not read. Save it with whole "
            "numbers or floats of 8 to 64 bits."
        )
    order = ">" if _flag(fields, *BYTE_ORDER) else "<"
    dtype = np.dtype(order + TYPES[kind])
    count = require_size(path, size, dtype.itemsize)
    source, offset = path, end
    name = fields[DATA]
    if name.upper() != "LOCAL":
        if name.upper().startswith("LIST") or "%" in name:
            raise VolumeError(
                f"{path} keeps its voxels in several files, which is not read. Save the image as "
                "one file, e.g. .mha or .nii.gz."
            )
        source, offset = beside(path, name, rules.detached), 0
    (skip,) = whole_numbers(path, "HeaderSize", [fields.get("HeaderSize", "0")], 1)
    packed = _flag(fields, "CompressedData")
    if skip < -1 or (skip == -1 and packed):
        raise damaged(path, f"its field 'HeaderSize' is {skip}, expected 0 or more")
    if not _flag(fields, "BinaryData", default=True):
        text = read_text(source, offset + max(0, skip), count // dtype.itemsize)
        return from_text(source, text, dtype.newbyteorder("="), count // dtype.itemsize)
    if packed:
        length = fields.get("CompressedDataSize")
        stated = whole_numbers(path, "CompressedDataSize", [length], 1)[0] if length else None
        return native(read_packed(source, "zlib", offset + skip, count, length=stated), dtype)
    start = source.stat().st_size - count if skip == -1 else offset + skip
    return native(read_plain(source, max(start, offset), count), dtype)


def _ijk_to_lps(
    path: Path, fields: dict[str, str], count: int
) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """The affine to LPS mm: MetaImage's own frame, its matrix an axis a row."""
    matrix, spacing = np.eye(4), np.ones(3)
    notes: tuple[str, ...] = ()
    for names, what in ((SPACING, "spacing"), (ORIGIN, "origin"), (MATRIX, "matrix")):
        name = next((n for n in names if n in fields), None)
        if name is None:
            if what == "spacing":
                notes = (
                    "The file does not say how large its voxels are: 1 x 1 x 1 mm was taken, so "
                    "volumes and diameters may be wrong.",
                )
            continue
        square = what == "matrix"
        values = numbers(path, name, fields[name].split(), count * count if square else count)
        if what == "spacing":
            spacing = np.array(values[:3])  # below 0 an axis runs backwards, as in ITK
        elif what == "origin":
            matrix[:3, 3] = values[:3]
        else:
            matrix[:3, :3] = np.reshape(values, (count, count))[:3, :3].T
    matrix[:3, :3] *= spacing
    return matrix, notes
