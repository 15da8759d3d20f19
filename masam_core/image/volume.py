"""Read images and label images: NIfTI, NRRD, MetaImage, DICOM series folders."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from masam_core.errors import VolumeError
from masam_core.image.formats.base import Image, Rules, require_scalar_3d
from masam_core.image.formats.dicom import read_series
from masam_core.image.formats.registry import read_image
from masam_core.image.geometry import Geometry
from masam_core.image.intensity import Modality, doubt_about, guess_modality
from masam_core.image.readable import readable

if TYPE_CHECKING:
    import SimpleITK as sitk

SUFFIXES = (
    ".nii.gz",
    ".nii",
    ".seg.nrrd",
    ".nrrd",
    ".nhdr",
    ".mha",
    ".mhd",
    ".hdr",
    ".img.gz",
    ".img",
)


@dataclass(frozen=True, eq=False)
class Volume:
    """A 3D scalar image.

    Attributes:
        array: KJI, any real type; treated as read-only.
        geometry: its grid.
        modality: DICOM's word (CT, MR, ...), or None where the file does not say.
        name: for users, from the file name.
        source: where it came from.
        notes: sentences for the user about what the file does not say, and what was taken for it,
            or what was put right.

    Raises:
        VolumeError: array and grid differ in shape, or the array is not 3D and real.
    """

    array: NDArray[Any]
    geometry: Geometry
    modality: str | None = None
    name: str = "volume"
    source: Path | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.array.ndim != 3 or np.iscomplexobj(self.array):
            raise VolumeError(
                f"A volume must be 3D with real values; got {self.array.ndim}D {self.array.dtype}."
            )
        if self.array.shape != self.geometry.shape:
            raise VolumeError(
                f"Image values {self.array.shape} and grid {self.geometry.shape} differ in shape."
            )

    @cached_property
    def kind(self) -> Modality:
        """CT, MR or other, by :func:`masam_core.image.intensity.guess_modality`."""
        return guess_modality(self.array, self.modality)

    @cached_property
    def doubt(self) -> str:
        """A sentence for the user where CT and MR are hard to tell apart; mostly empty."""
        return doubt_about(self.array, self.modality)

    def with_modality(self, modality: str | None) -> Volume:
        """Return the image with a modality, where its file says none; else the image as it is."""
        if self.modality is not None or not modality:
            return self
        return replace(self, modality=modality)

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 of type, shape, position and values."""
        digest = hashlib.sha256(f"{self.array.dtype.str}{self.array.shape}".encode())
        digest.update(self.geometry.ijk_to_lps.tobytes())
        digest.update(np.ascontiguousarray(self.array).data)
        return digest.hexdigest()


def read_volume(path: Path | str, series: str | None = None, detached: bool = True) -> Volume:
    """Read a 3D scalar image, by what its content is, whatever its ending.

    Args:
        path: NIfTI, NRRD or MetaImage file, a DICOM folder, or one file of a DICOM series.
        series: SeriesInstanceUID, where a folder holds several.
        detached: whether a header may have its voxels in a second file of its own folder; refused
            for files from elsewhere.

    Returns:
        The volume; voxel values and positions as stored, nothing resampled. Its notes say what
        the file left open.

    Raises:
        VolumeError: missing, damaged, incomplete, of a kind that can't be checked, 4D, RGB, 2D,
            complex, several series, or slices that make no regular grid; the message names what to
            do.
    """
    path = Path(path)
    found = _read(path, Rules(detached, series))
    name = readable(stem(path))
    return Volume(found.array, found.geometry, found.modality, name, path, found.notes)


def volume_from_sitk(image: sitk.Image, name: str = "volume") -> Volume:
    """Take over a 3D scalar SimpleITK image; nothing is resampled.

    Raises:
        VolumeError: 4D, colour, 2D or complex.
    """
    import SimpleITK as sitk

    require_scalar_3d(
        f"The image '{name}'",
        image.GetSize(),
        image.GetNumberOfComponentsPerPixel(),
        "complex" in image.GetPixelIDTypeAsString(),
    )
    return Volume(sitk.GetArrayFromImage(image), Geometry.from_sitk(image), None, name)


def read_labels(path: Path | str) -> tuple[NDArray[np.int64], Geometry]:
    """Read a label image (also a single-layer ``.seg.nrrd``).

    Returns:
        Labels KJI and their grid.

    Raises:
        VolumeError: as :func:`read_volume`; or values that are no whole numbers.
    """
    found = _read(Path(path), Rules())
    return whole_numbers(found.array, path), found.geometry


def whole_numbers(array: NDArray[Any], path: Path | str) -> NDArray[np.int64]:
    """Labels of an image's values; VolumeError where they are no whole numbers."""
    if not np.issubdtype(array.dtype, np.integer) and not np.array_equal(array, np.rint(array)):
        raise VolumeError(
            f"{path} is no label image: its values are not whole numbers. Expected 0 for "
            "background and 1, 2, ... for lesions."
        )
    return array.astype(np.int64)


def stem(path: Path) -> str:
    """File name without its (double) suffix."""
    lower = path.name.lower()
    for suffix in SUFFIXES:
        if lower.endswith(suffix):
            return path.name[: -len(suffix)]
    return path.name if path.is_dir() else path.stem


def _read(path: Path, rules: Rules) -> Image:
    return read_series(path, rules.series) if path.is_dir() else read_image(path, rules)
