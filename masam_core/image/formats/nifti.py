"""NIfTI-1 and NIfTI-2, in one file or as a pair (.hdr and .img). Layout: nifti1.h, nifti2.h."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from masam_core.errors import VolumeError
from masam_core.image.formats.base import (
    MOST_DIMENSIONS,
    Image,
    Rules,
    damaged,
    require_scalar_3d,
    require_size,
    scaled,
    without_single,
)
from masam_core.image.formats.detached import beside
from masam_core.image.formats.payload import is_gzip, native, open_head, read_packed, read_plain
from masam_core.image.geometry import Geometry
from masam_core.image.squared import squared

NIFTI1_BYTES, NIFTI2_BYTES = 348, 540
TYPES = {
    2: "u1",
    4: "i2",
    8: "i4",
    16: "f4",
    64: "f8",
    256: "i1",
    512: "u2",
    768: "u4",
    1024: "i8",
    1280: "u8",
}
COMPLEX = (32, 1792, 2048)
COLOURS = {128: 3, 2304: 4}
# xyzt_units: metres and micrometres; all else is millimetres.
UNIT_MM = {1: 1e3, 3: 1e-3}
SCANNER = 1  # the code of a position that a scanner gave
# Entries of the two matrices that differ by less say the same.
SAME_FORM = 1e-3
# Smaller slopes are none: ITK's limit. No scanner writes such, a damaged header may hold one.
LEAST_SLOPE = float(np.finfo(np.float64).eps)
# Two accounts of a voxel's size that differ by more of it are two sizes.
SAME_SIZE = 0.01


@dataclass(frozen=True)
class Header:
    """What the header says, in its own terms.

    Attributes:
        dims: sizes along i, j, k, and further axes.
        datatype: NIfTI's code.
        order: ``<`` or ``>``.
        offset: of the first voxel's byte.
        slope, intercept: of the values; slope 0 is none.
        pixdim: qfac and mm along the axes.
        unit: mm of one unit of length.
        qform, sform: codes; 0 is none.
        quaternion: b, c, d and the offsets x, y, z.
        rows: (3, 4) of the sform, to RAS.
        pair: whether the voxels lie in a second file.
    """

    dims: tuple[int, ...]
    datatype: int
    order: str
    offset: float
    slope: float
    intercept: float
    pixdim: tuple[float, ...]
    unit: float
    qform: int
    sform: int
    quaternion: tuple[float, ...]
    rows: NDArray[np.float64]
    pair: bool


class Nifti:
    """Reader of NIfTI files."""

    name = "NIfTI"
    may_be_packed = True

    def recognises(self, head: bytes) -> bool:
        """Tell by the magic of NIfTI-1 (bytes 344 on) or NIfTI-2 (bytes 4 on)."""
        one = len(head) >= NIFTI1_BYTES and head[344:348] in (b"n+1\0", b"ni1\0")
        return one or head[4:8] in (b"n+2\0", b"ni2\0")

    def read(self, path: Path, rules: Rules) -> Image:
        """Read a file; see :class:`masam_core.image.formats.base.Format`."""
        header = parse(path, open_head(path, NIFTI2_BYTES))
        size = without_single(header.dims)
        values = COLOURS.get(header.datatype, 1)
        if len(size) == 5 and size[3] == 1:  # dimension 5 holds the parts of a vector
            values, size = size[4], size[:3]
        require_scalar_3d(path, size, values, header.datatype in COMPLEX)
        if header.datatype not in TYPES:
            raise VolumeError(
                f"{path} has voxels of NIfTI's type {header.datatype}, which is not read. Save it "
                "with whole numbers or floats of 8 to 64 bits."
            )
        dtype = np.dtype(header.order + TYPES[header.datatype])
        count = require_size(path, size, dtype.itemsize)
        source = _voxel_file(path, header, rules.detached)
        offset = _offset(path, header)
        if is_gzip(source):
            data = read_packed(source, "gzip", 0, count, skip=offset)
        else:
            data = read_plain(source, offset, count)
        array = native(data, dtype).reshape(size[::-1])
        if abs(header.slope) > LEAST_SLOPE and (header.slope, header.intercept) != (1, 0):
            array = scaled(array, header.slope, header.intercept)
        i, j, k = size
        matrix, notes = _ijk_to_lps(path, header)
        return Image(array, Geometry((k, j, i), squared(path, matrix, (k, j, i))), notes)


def parse(path: Path, head: bytes) -> Header:
    """Header of a NIfTI file.

    Raises:
        VolumeError: a field that contradicts itself, by name.
    """
    second = head[4:7] in (b"n+2", b"ni2")
    if len(head) < (NIFTI2_BYTES if second else NIFTI1_BYTES):
        raise damaged(path, f"it ends inside its header, after {len(head)} bytes")
    first, dim_at, dim_code = (540, 16, "q") if second else (348, 40, "h")
    for order in "<>":
        if struct.unpack_from(order + "i", head)[0] == first:
            break
    else:
        raise damaged(path, f"its header does not begin with its length, {first}")

    def get(fields: str, at: int) -> tuple[Any, ...]:
        return struct.unpack_from(order + fields, head, at)

    count, *dims = get(f"8{dim_code}", dim_at)
    if not 1 <= count <= MOST_DIMENSIONS:
        raise damaged(path, f"its field 'dim[0]' is {count}, expected 1 to {MOST_DIMENSIONS}")
    if second:
        places = {"type": 12, "offset": ("q", 168), "scale": ("2d", 176), "pixdim": ("8d", 104)}
        places |= {"codes": ("2i", 344), "quatern": ("6d", 352), "rows": ("12d", 400)}
        unit = get("i", 500)[0]
    else:
        places = {"type": 70, "offset": ("f", 108), "scale": ("2f", 112), "pixdim": ("8f", 76)}
        places |= {"codes": ("2h", 252), "quatern": ("6f", 256), "rows": ("12f", 280)}
        unit = head[123]
    found = {name: get(*place) for name, place in places.items() if isinstance(place, tuple)}
    slope, intercept = found["scale"]
    return Header(
        dims=tuple(dims[:count]),
        datatype=get("h", 12 if second else 70)[0],
        order=order,
        offset=found["offset"][0],
        # Some writers leave NaN where they mean "none".
        slope=slope if math.isfinite(slope) else 0.0,
        intercept=intercept if math.isfinite(intercept) else 0.0,
        pixdim=found["pixdim"],
        unit=UNIT_MM.get(unit & 7, 1.0),
        qform=found["codes"][0],
        sform=found["codes"][1],
        quaternion=found["quatern"],
        rows=np.array(found["rows"], dtype=np.float64).reshape(3, 4),
        pair=(head[4:7] == b"ni2") if second else head[344:347] == b"ni1",
    )


def _offset(path: Path, header: Header) -> int:
    least = 0 if header.pair else NIFTI1_BYTES
    if not (math.isfinite(header.offset) and header.offset >= least):
        raise damaged(
            path, f"its field 'vox_offset' is {header.offset:g}, expected {least} or more"
        )
    return int(header.offset)


def _voxel_file(path: Path, header: Header, detached: bool) -> Path:
    if not header.pair:
        return path
    stem = path.name[: path.name.lower().rindex(".hdr")] if ".hdr" in path.name.lower() else ""
    for ending in (".img", ".img.gz", ".IMG"):
        if (path.parent / (stem + ending)).exists():
            return beside(path, stem + ending, detached)
    return beside(path, stem + ".img", detached)


def _ijk_to_lps(path: Path, header: Header) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """The affine to LPS mm, and what had to be taken on trust.

    With both forms in a file the choice is ITK's (and with it Slicer's), so that boxes placed there
    fit: the sform if it is the scanner's or says the same as the qform, else the qform.
    """
    spacing = np.abs(np.array(header.pixdim[1:4], dtype=np.float64))
    matrix = np.eye(4)
    notes: tuple[str, ...] = ()
    usable_sform = header.sform > 0 and np.isfinite(header.rows).all() and header.rows[:, :3].any()
    quaternion = np.array(header.quaternion, dtype=np.float64)
    qform = None
    if header.qform > 0 or not usable_sform:
        if not (np.isfinite(spacing).all() and (spacing > 0).all()):
            shown = " ".join(f"{v:g}" for v in header.pixdim[1:4])
            raise damaged(path, f"its field 'pixdim' is {shown}, expected three sizes above 0")
        if not np.isfinite(quaternion).all():
            raise damaged(path, "its fields 'quatern' and 'qoffset' are not all finite")
        qform = _from_quaternion(quaternion, spacing, header.pixdim[0])
    if usable_sform and (
        header.qform <= 0
        or header.sform == SCANNER
        or (qform is not None and np.abs(qform - header.rows).max() < SAME_FORM)
    ):
        matrix[:3] = header.rows
        notes = _two_sizes(spacing, np.linalg.norm(header.rows[:, :3], axis=0))
    elif header.qform > 0 and qform is not None:
        matrix[:3] = qform
    else:
        # Neither form: ITK's reading, axes along L, P, S from the origin.
        matrix[:3, :3] = np.diag(spacing)
        matrix[:3] *= header.unit
        return matrix, (
            "The file does not say how the patient lies (no qform, no sform): axes were taken to "
            "run to the left, to the back and to the head.",
        )
    matrix[:3] *= header.unit
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ matrix, notes


def _two_sizes(stated: NDArray[np.float64], placed: NDArray[np.float64]) -> tuple[str, ...]:
    """A note where voxels have another size by themselves (pixdim) than by their place (sform)."""
    usable = np.isfinite(stated).all() and (stated > 0).all() and (placed > 0).all()
    if not usable or np.abs(placed / stated - 1).max() <= SAME_SIZE:
        return ()
    one, other = (" x ".join(f"{v:.4g}" for v in sizes) for sizes in (placed, stated))
    return (
        f"The file gives its voxels two sizes: {one} mm by its position matrix (sform), {other} mm "
        "by its field 'pixdim'. The first was taken; other programs, Slicer among them, may take "
        "the second, and show image and outline of another size.",
    )


def _from_quaternion(
    values: NDArray[np.float64], spacing: NDArray[np.float64], qfac: float
) -> NDArray[np.float64]:
    """(3, 4) to RAS of the qform: method 2 of nifti1.h."""
    b, c, d = values[:3]
    rest = 1.0 - (b * b + c * c + d * d)
    if rest < 1e-7:  # a half turn; rounding may lead beyond it
        b, c, d = values[:3] / math.sqrt(b * b + c * c + d * d)
        a = 0.0
    else:
        a = math.sqrt(rest)
    rotation = np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
        ]
    )
    scale = spacing * np.array([1.0, 1.0, -1.0 if qfac < 0 else 1.0])
    return np.column_stack([rotation * scale, values[3:]])
