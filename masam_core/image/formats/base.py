"""What all readers share: the plan that a header gives, its limits, and the words of refusals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from masam_core.errors import VolumeError
from masam_core.image.geometry import Geometry

# Voxel values of one image; 2048^3 of 16 bits.
MOST_BYTES = 16 << 30
# A text header of more than this is no header: NRRD and MetaImage need some 20 lines.
MOST_HEADER_BYTES = 1 << 20
MOST_HEADER_LINES = 10_000
MOST_DIMENSIONS = 7  # NIfTI's own limit


@dataclass(frozen=True)
class Image:
    """What a file holds.

    Attributes:
        array: KJI.
        geometry: its grid.
        notes: sentences for the user: what the file does not say, and what was taken for it.
        modality: DICOM's word, where the file says.
    """

    array: NDArray[Any]
    geometry: Geometry
    notes: tuple[str, ...] = ()
    modality: str | None = None


@dataclass(frozen=True)
class Rules:
    """How a caller wants a file read.

    Attributes:
        detached: whether voxels may lie in a second file of the header's folder; not in uploads.
        series: SeriesInstanceUID, where a folder of DICOM files holds several.
    """

    detached: bool = True
    series: str | None = None


class Format(Protocol):
    """One file format, known by its first bytes."""

    @property
    def name(self) -> str:
        """Name for people."""

    @property
    def may_be_packed(self) -> bool:
        """Whether a whole file of this format may be compressed with gzip."""

    def recognises(self, head: bytes) -> bool:
        """Tell by the first bytes (of a gzip file: those inside) whether this format reads it."""

    def read(self, path: Path, rules: Rules) -> Image:
        """Read the file of a header.

        Raises:
            VolumeError: damaged, incomplete, or no image that can be segmented.
        """


def printable(text: str) -> str:
    """Text of a file as a message may show it: nothing that controls a terminal."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def damaged(path: Path, why: str) -> VolumeError:
    """Error about a file that contradicts itself."""
    return VolumeError(f"{path} is damaged: {why}. Copy or export it again.")


def numbers(path: Path, field: str, text: Sequence[str], count: int) -> list[float]:
    """Finite numbers of a header's field.

    Raises:
        VolumeError: not that many, or something else than finite numbers; names the field.
    """
    shown = " ".join(text)[:80]
    if len(text) != count:
        raise damaged(
            path, f"its field '{field}' has {len(text)} values ({shown}), expected {count}"
        )
    try:
        values = [float(word) for word in text]
    except ValueError:
        values = [math.nan]
    if not all(math.isfinite(v) for v in values):
        raise damaged(path, f"its field '{field}' is '{shown}', expected {count} finite numbers")
    return values


def whole_numbers(path: Path, field: str, text: Sequence[str], count: int) -> list[int]:
    """Whole numbers of a header's field; raises as :func:`numbers`."""
    values = numbers(path, field, text, count)
    if any(v != int(v) for v in values):
        raise damaged(path, f"its field '{field}' is '{' '.join(text)[:80]}', not whole numbers")
    return [int(v) for v in values]


def require_size(path: Path, size: Sequence[int], bytes_each: int) -> int:
    """Bytes that an image's values take.

    Raises:
        VolumeError: a dimension below 1, or more than :data:`MOST_BYTES`.
    """
    words = " x ".join(map(str, size))
    if not size or min(size) < 1:
        raise damaged(path, f"its header gives a size of {words or 'nothing'} voxels")
    count = math.prod(size) * bytes_each
    if count > MOST_BYTES:
        raise VolumeError(
            f"{path} claims {words} voxels, {count / 1e9:.3g} GB; {MOST_BYTES / 1e9:.3g} GB is the "
            "most that is read. Crop or resample it, or export it again if it is smaller."
        )
    return count


def require_scalar_3d(what: object, size: Sequence[int], values: int, is_complex: bool) -> None:
    """Refuse what is no 3D image of one real value a voxel.

    Args:
        what: the file, for messages.
        size: voxels along i, j, k and further axes.
        values: a voxel's values.
        is_complex: whether they are complex.

    Raises:
        VolumeError: says what it is, and what to do.
    """
    if len(size) > 3:
        raise VolumeError(
            f"{what} is {len(size)}D, {' x '.join(map(str, size))} voxels (time points or several "
            "contrasts). Save the one 3D volume to segment as a file of its own."
        )
    if len(size) < 3 or min(size) < 1:
        raise VolumeError(f"{what} is a 2D image; MASAM needs a 3D volume (a stack of slices).")
    if values != 1:
        raise VolumeError(
            f"{what} has {values} values per voxel (colour or vectors). Convert it to one grey "
            "value per voxel first, e.g. in Slicer with 'Vector to Scalar Volume'."
        )
    if is_complex:
        raise VolumeError(f"{what} holds complex values. Save its magnitude as an image first.")


def without_single(size: Sequence[int]) -> list[int]:
    """Size without axes of one entry beyond the third (one time point is a 3D image)."""
    kept = list(size)
    while len(kept) > 3 and kept[-1] == 1:
        kept.pop()
    return kept


def scaled(array: NDArray[Any], slope: float, intercept: float) -> NDArray[Any]:
    """Values times slope plus intercept, as fractions: float32, or float64 for wide types."""
    wide = array.dtype.itemsize > 2 and array.dtype != np.float32
    values = array.astype(np.float64)
    values *= slope
    values += intercept
    return values if wide else values.astype(np.float32)
