"""NRRD, in one file (.nrrd) or as header and voxels (.nhdr). Source: teem's NRRD definition."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from masam_core.errors import VolumeError
from masam_core.image.formats.base import (
    MOST_HEADER_LINES,
    Image,
    Rules,
    damaged,
    numbers,
    require_scalar_3d,
    require_size,
    whole_numbers,
)
from masam_core.image.formats.detached import beside
from masam_core.image.formats.nrrd_header import read_header
from masam_core.image.formats.payload import (
    from_text,
    native,
    offset_after_lines,
    read_packed,
    read_plain,
    read_text,
)
from masam_core.image.geometry import Geometry
from masam_core.image.squared import squared

MAGIC = b"NRRD000"
MOST_AXES = 16  # teem's NRRD_DIM_MAX
_INTEGERS = {
    "i1": "signed char,int8,int8_t",
    "u1": "uchar,unsigned char,uint8,uint8_t",
    "i2": "short,short int,signed short,signed short int,int16,int16_t",
    "u2": "ushort,unsigned short,unsigned short int,uint16,uint16_t",
    "i4": "int,signed int,int32,int32_t",
    "u4": "uint,unsigned int,uint32,uint32_t",
    "i8": "longlong,long long,long long int,signed long long,signed long long int,int64,int64_t",
    "u8": "ulonglong,unsigned long long,unsigned long long int,uint64,uint64_t",
}
TYPES = {name: code for code, names in _INTEGERS.items() for name in names.split(",")}
TYPES |= {"float": "f4", "double": "f8"}
ENCODINGS = {
    "raw": "raw",
    "gz": "gzip",
    "gzip": "gzip",
    "bz2": "bzip2",
    "bzip2": "bzip2",
    "txt": "text",
    "text": "text",
    "ascii": "text",
    "hex": "hex",
}
# Signs that bring a space's axes to L, P, S; spaces not named here are taken as they are.
SPACES = {
    "left-posterior-superior": (1, 1, 1),
    "lps": (1, 1, 1),
    "right-anterior-superior": (-1, -1, 1),
    "ras": (-1, -1, 1),
    "left-anterior-superior": (1, -1, 1),
    "las": (1, -1, 1),
}
SPATIAL_KINDS = ("domain", "space")


@dataclass(frozen=True, eq=False)
class Layers:
    """Layers of a segmentation: ``array`` (layer, K, J, I), their grid, and the header's keys."""

    array: NDArray[Any]
    geometry: Geometry
    keys: dict[str, str]


@dataclass(frozen=True)
class _Axes:
    """Which of the file's axes are I, J, K (fastest first), and how many values a voxel has."""

    spatial: tuple[int, ...]
    values: int


class Nrrd:
    """Reader of NRRD files."""

    name = "NRRD"
    may_be_packed = False

    def recognises(self, head: bytes) -> bool:
        """Tell by the magic line, NRRD0001 to NRRD0009."""
        return head.startswith(MAGIC)

    def read(self, path: Path, rules: Rules) -> Image:
        """Read a file; see :class:`masam_core.image.formats.base.Format`."""
        with path.open("rb") as file:
            header = read_header(file, path)
        fields, end = header.fields, header.end
        sizes = _sizes(path, fields)
        axes = _axes(path, fields, sizes)
        layers = "segment0_id" in header.keys or path.name.lower().endswith(".seg.nrrd")
        if axes.values > 1 and layers:
            raise VolumeError(
                f"{path} holds segments that overlap, in {axes.values} layers. Export them in "
                "Slicer as label images, one for each that overlaps another."
            )
        size = [sizes[axis] for axis in axes.spatial]
        require_scalar_3d(path, size, axes.values, False)
        dtype = _dtype(path, fields)
        count = require_size(path, size, dtype.itemsize)
        array = _values(path, fields, end, dtype, count, rules).reshape(size[::-1])
        i, j, k = size
        matrix, notes = _ijk_to_lps(path, fields, axes.spatial)
        return Image(array, Geometry((k, j, i), squared(path, matrix, (k, j, i))), notes)


def read_layers(path: Path) -> Layers:
    """Read a Slicer segmentation (``.seg.nrrd``), of one layer or of several.

    Raises:
        VolumeError: damaged, incomplete, no segmentation, or values that are no whole numbers.
    """
    with path.open("rb") as file:
        header = read_header(file, path)
    fields = header.fields
    sizes = _sizes(path, fields)
    axes = _axes(path, fields, sizes)
    size = [sizes[axis] for axis in axes.spatial]
    require_scalar_3d(path, size, 1, False)
    dtype = _dtype(path, fields)
    if dtype.kind not in "iu":
        raise VolumeError(f"{path} is no segmentation: its values are not whole numbers.")
    count = require_size(path, [*size, axes.values], dtype.itemsize)
    values = _values(path, fields, header.end, dtype, count, Rules(detached=False))
    array = np.moveaxis(values.reshape((*size[::-1], axes.values)), -1, 0)
    i, j, k = size
    matrix, _ = _ijk_to_lps(path, fields, axes.spatial)
    return Layers(array, Geometry((k, j, i), squared(path, matrix, (k, j, i))), header.keys)


def _need(path: Path, fields: dict[str, str], name: str) -> str:
    if name not in fields:
        raise damaged(path, f"its header has no field '{name}'")
    return fields[name]


def _sizes(path: Path, fields: dict[str, str]) -> list[int]:
    (count,) = whole_numbers(path, "dimension", [_need(path, fields, "dimension")], 1)
    if not 1 <= count <= MOST_AXES:
        raise damaged(path, f"its field 'dimension' is {count}, expected 1 to {MOST_AXES}")
    sizes = whole_numbers(path, "sizes", _need(path, fields, "sizes").split(), count)
    if min(sizes) < 1:
        raise damaged(path, f"its field 'sizes' is '{fields['sizes'][:80]}', expected 1 or more")
    return sizes


def _axes(path: Path, fields: dict[str, str], sizes: list[int]) -> _Axes:
    """Sort the axes: those of space by directions or kinds, else the first three."""
    count = len(sizes)
    spatial = list(range(count))
    if "spacedirections" in fields:
        vectors = _vectors(path, fields, count)
        spatial = [axis for axis in range(count) if vectors[axis] is not None]
    elif "kinds" in fields and count > 3:
        kinds = fields["kinds"].lower().split()
        if len(kinds) != count:
            raise damaged(path, f"its field 'kinds' has {len(kinds)} values, expected {count}")
        spatial = [axis for axis in range(count) if kinds[axis] in SPATIAL_KINDS] or spatial
    # One time point is a 3D image; more are not.
    while len(spatial) > 3 and sizes[spatial[-1]] == 1:
        spatial.pop()
    other = [axis for axis in range(count) if axis not in spatial and sizes[axis] > 1]
    if other and other != [0]:
        return _Axes((*spatial, *other), 1)  # 4D: refused by its size
    return _Axes(tuple(spatial), sizes[0] if other else 1)


def _dtype(path: Path, fields: dict[str, str]) -> np.dtype[Any]:
    name = _need(path, fields, "type").lower()
    if name not in TYPES:
        raise VolumeError(
            f"{path} has voxels of type '{name[:40]}', which is not read. Save it with whole "
            "numbers or floats of 8 to 64 bits."
        )
    dtype = np.dtype(TYPES[name])
    endian = fields.get("endian", "").lower()
    encoding = fields.get("encoding", "raw").lower()
    if dtype.itemsize > 1 and ENCODINGS.get(encoding) != "text":
        if endian not in ("little", "big"):
            raise damaged(path, f"its field 'endian' is '{endian[:20]}', expected little or big")
        dtype = dtype.newbyteorder("<" if endian == "little" else ">")
    return dtype


def _values(
    path: Path,
    fields: dict[str, str],
    end: int | None,
    dtype: np.dtype[Any],
    count: int,
    rules: Rules,
) -> NDArray[Any]:
    """Values of the voxels, flat."""
    source, offset = path, end or 0
    name = fields.get("datafile")
    if name is not None:
        if name.upper().startswith("LIST") or "%" in name:
            raise VolumeError(
                f"{path} keeps its voxels in several files, which is not read. Save the image as "
                "one file, e.g. .nrrd or .nii.gz."
            )
        source, offset = beside(path, name, rules.detached), 0
    elif end is None:
        raise VolumeError(
            f"{path} is incomplete or damaged: it ends with its header, before any voxel. Copy or "
            "export it again."
        )
    word = _need(path, fields, "encoding").lower()
    encoding = ENCODINGS.get(word)
    if encoding is None:
        raise damaged(path, f"its field 'encoding' is '{word[:40]}', expected one of NRRD's")
    line_skip, skip = (
        whole_numbers(path, f, [fields.get(f.replace(" ", ""), "0")], 1)[0]
        for f in ("line skip", "byte skip")
    )
    if not 0 <= line_skip <= MOST_HEADER_LINES or skip < -1 or (skip < 0 and encoding != "raw"):
        raise damaged(path, f"its fields 'line skip' and 'byte skip' are {line_skip} and {skip}")
    offset = offset_after_lines(source, offset, line_skip)
    if encoding in ("gzip", "bzip2"):
        return native(read_packed(source, encoding, offset, count, skip), dtype)
    if encoding == "raw":
        start = source.stat().st_size - count if skip == -1 else offset + skip
        return native(read_plain(source, max(start, offset), count), dtype)
    if encoding == "hex":
        text = b"".join(read_text(source, offset + skip, count).split())
        if len(text) < 2 * count:
            raise VolumeError(
                f"{source} is incomplete: {len(text) // 2} of {count} bytes are there. Copy or "
                "export it again."
            )
        try:
            return native(bytearray.fromhex(text.decode("ascii")[: 2 * count]), dtype)
        except ValueError as error:
            raise damaged(source, "its values are not written as hexadecimal digits") from error
    text = read_text(source, offset + skip, count // dtype.itemsize)
    return from_text(source, text, dtype, count // dtype.itemsize)


def _vectors(path: Path, fields: dict[str, str], count: int) -> list[list[float] | None]:
    """Entries of 'space directions': a vector, or None for an axis outside space."""
    text = fields["spacedirections"]
    entries = re.findall(r"\([^()]*\)|none|\S+", text)
    if len(entries) != count:
        raise damaged(
            path, f"its field 'space directions' has {len(entries)} entries, expected {count}"
        )
    return [None if e == "none" else _vector(path, "space directions", e) for e in entries]


def _vector(path: Path, field: str, text: str) -> list[float]:
    inside = text.strip()
    if not (inside.startswith("(") and inside.endswith(")")):
        raise damaged(path, f"its field '{field}' has '{text[:60]}', expected (x,y,z)")
    words = inside[1:-1].split(",")
    if len(words) < 3:
        raise damaged(path, f"its field '{field}' has '{text[:60]}', expected three numbers")
    return numbers(path, field, [w.strip() for w in words], len(words))[:3]


def _ijk_to_lps(
    path: Path, fields: dict[str, str], spatial: tuple[int, ...]
) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    matrix = np.eye(4)
    signs = np.array(SPACES.get(fields.get("space", "").lower().strip('"'), (1, 1, 1)), float)
    count = len(fields["sizes"].split())
    if "spaceorigin" in fields:
        matrix[:3, 3] = signs * np.array(_vector(path, "space origin", fields["spaceorigin"]))
    if "spacedirections" in fields:
        vectors = _vectors(path, fields, count)
        columns = [vectors[axis] or [0.0, 0.0, 0.0] for axis in spatial[:3]]
        matrix[:3, :3] = signs[:, None] * np.array(columns, dtype=np.float64).T
        return matrix, ()
    if "spacings" in fields:
        words = fields["spacings"].split()
        if len(words) != count:
            raise damaged(path, f"its field 'spacings' has {len(words)} values, expected {count}")
        spacing = numbers(path, "spacings", [words[axis] for axis in spatial[:3]], 3)
        matrix[:3, :3] = np.diag(spacing)
        if "axismins" in fields and "spaceorigin" not in fields:
            words = fields["axismins"].split()
            if len(words) == count:
                chosen = [words[axis] for axis in spatial[:3]]
                if all(word.lower() != "nan" for word in chosen):
                    matrix[:3, 3] = numbers(path, "axis mins", chosen, 3)
        return matrix, ()
    return matrix, (
        "The file does not say how large its voxels are: 1 x 1 x 1 mm was taken, so volumes and "
        "diameters may be wrong.",
    )
