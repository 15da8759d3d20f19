"""Read images and label images: NIfTI, NRRD, MetaImage, DICOM series folders."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from masam_core.errors import VolumeError
from masam_core.image.dicom import read_series
from masam_core.image.geometry import Geometry
from masam_core.image.intensity import Modality, guess_modality
from masam_core.image.nifti import require_whole

SUFFIXES = (".nii.gz", ".nii", ".seg.nrrd", ".nrrd", ".nhdr", ".mha", ".mhd", ".hdr", ".img.gz")


@dataclass(frozen=True, eq=False)
class Volume:
    """A 3D scalar image.

    Attributes:
        array: KJI, any real type; treated as read-only.
        geometry: its grid.
        modality: DICOM's word (CT, MR, ...), or None where the file does not say.
        name: for users, from the file name.
        source: where it came from.

    Raises:
        VolumeError: array and grid differ in shape, or the array is not 3D and real.
    """

    array: NDArray[Any]
    geometry: Geometry
    modality: str | None = None
    name: str = "volume"
    source: Path | None = None

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


def read_volume(path: Path | str, series: str | None = None) -> Volume:
    """Read a 3D scalar image.

    Args:
        path: NIfTI, NRRD or MetaImage file, a DICOM folder, or one file of a DICOM series.
        series: SeriesInstanceUID, where a folder holds several.

    Returns:
        The volume; voxel values and positions as stored, nothing resampled.

    Raises:
        VolumeError: missing, damaged, 4D, RGB, 2D, complex, several series, or a slice missing;
            the message names what to do.
    """
    path = Path(path)
    if path.is_dir() or path.suffix.lower() in (".dcm", ".ima"):
        image, modality = read_series(path, series)
    else:
        image, modality = _read_file(path), None
    _require_scalar_3d(image, str(path))
    return Volume(
        sitk.GetArrayFromImage(image), Geometry.from_sitk(image), modality, stem(path), path
    )


def volume_from_sitk(image: sitk.Image, name: str = "volume") -> Volume:
    """Take over a 3D scalar SimpleITK image; nothing is resampled.

    Raises:
        VolumeError: 4D, colour, 2D or complex.
    """
    _require_scalar_3d(image, f"The image '{name}'")
    return Volume(sitk.GetArrayFromImage(image), Geometry.from_sitk(image), None, name)


def read_labels(path: Path | str) -> tuple[NDArray[np.int64], Geometry]:
    """Read a label image (also a single-layer ``.seg.nrrd``).

    Returns:
        Labels KJI and their grid.

    Raises:
        VolumeError: as :func:`read_volume`; or values that are no whole numbers.
    """
    image = _read_file(Path(path))
    if str(path).lower().endswith(".seg.nrrd") and image.GetNumberOfComponentsPerPixel() > 1:
        raise VolumeError(
            f"{path} holds segments that overlap, in {image.GetNumberOfComponentsPerPixel()} "
            "layers. Export them in Slicer as label images, one for each that overlaps another."
        )
    _require_scalar_3d(image, str(path))
    array = sitk.GetArrayFromImage(image)
    if not np.issubdtype(array.dtype, np.integer) and not np.array_equal(array, np.rint(array)):
        raise VolumeError(
            f"{path} is no label image: its values are not whole numbers. Expected 0 for "
            "background and 1, 2, ... for lesions."
        )
    return array.astype(np.int64), Geometry.from_sitk(image)


def stem(path: Path) -> str:
    """File name without its (double) suffix."""
    lower = path.name.lower()
    for suffix in SUFFIXES:
        if lower.endswith(suffix):
            return path.name[: -len(suffix)]
    return path.name if path.is_dir() else path.stem


def _read_file(path: Path) -> sitk.Image:
    if not path.exists():
        raise VolumeError(f"There is no image at {path}.")
    if path.stat().st_size == 0:
        raise VolumeError(f"{path} is empty; copy or export it again.")
    try:
        image = sitk.ReadImage(str(path))
    except RuntimeError as error:
        raise VolumeError(
            f"{path} can't be read as an image. Expected NIfTI, NRRD, MetaImage or a DICOM "
            f"folder; the file may be damaged, incomplete or of another kind. ({_reason(error)})"
        ) from error
    if path.name.lower().endswith((".nii", ".nii.gz")):
        require_whole(path)
    return image


def _require_scalar_3d(image: sitk.Image, what: str) -> None:
    size = image.GetSize()
    if image.GetDimension() == 4 or image.GetDimension() > 3:
        raise VolumeError(
            f"{what} is {image.GetDimension()}D, {' x '.join(map(str, size))} voxels (time points "
            "or several contrasts). Save the one 3D volume to segment as a file of its own."
        )
    if image.GetDimension() < 3 or min(size) < 1:
        raise VolumeError(f"{what} is a 2D image; MASAM needs a 3D volume (a stack of slices).")
    if image.GetNumberOfComponentsPerPixel() != 1:
        raise VolumeError(
            f"{what} has {image.GetNumberOfComponentsPerPixel()} values per voxel (colour or "
            "vectors). Convert it to one grey value per voxel first, e.g. in Slicer with 'Vector "
            "to Scalar Volume'."
        )
    if "complex" in image.GetPixelIDTypeAsString():
        raise VolumeError(f"{what} holds complex values. Save its magnitude as an image first.")


def _reason(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1][:200] if lines else type(error).__name__
