"""Look through a case before anything is written: files, geometry, label values, colours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from masam_core.data.prepare.dataset import Dataset, Found
from masam_core.errors import VolumeError
from masam_core.image.geometry import Geometry
from masam_core.image.lattice import difference, on_grid
from masam_core.image.volume import read_labels
from masam_core.video.pictures import UNKNOWN_SHARE, classes_of_colours, open_picture
from masam_core.whole import require_whole

MOST_COUNTED = 1 << 16


def problems_of(case: Found, dataset: Dataset, image_geometry: bool = False) -> list[str]:
    """Everything that keeps a case from being prepared, each as a sentence with the file's name.

    Args:
        case: as found.
        dataset: says which label values there are.
        image_geometry: whether a label of the image's size takes the image's place in space.
    """
    damaged = [problem for file in case.files if (problem := _damage(file))]
    if damaged:
        return damaged
    try:
        if isinstance(case.image, tuple):
            return _frames(case, dataset)
        labels, _ = labels_on_image(case, dataset, image_geometry)
    except VolumeError as error:
        return [str(error)]
    return [] if labels.any() else [f"{case.label} holds no labelled voxel."]


def labels_on_image(
    case: Found, dataset: Dataset, image_geometry: bool = False
) -> tuple[NDArray[np.uint8], Geometry]:
    """The label image of a volume, KJI on the image's grid, and that grid.

    Raises:
        VolumeError: a label value that the data set does not have, an image that is not 3D, or
            grids that differ.
    """
    assert isinstance(case.image, Path)
    assert isinstance(case.label, Path)
    geometry = geometry_of(case.image)
    labels, own = read_labels(case.label)
    known = {0, *dataset.classes, *dataset.merged}
    strange = sorted(set(_values(labels)) - known)
    if strange:
        raise VolumeError(
            f"{case.label} holds the label values {strange[:5]}; expected {sorted(known)}."
        )
    if not own.same_grid(geometry):
        labels = _moved(labels, own, geometry, case.label, image_geometry)
    for value, counts_as in dataset.merged.items():
        labels[labels == value] = counts_as
    return labels.astype(np.uint8), geometry


def _values(labels: NDArray[np.int64]) -> list[int]:
    """Which values there are; sorting a hundred million voxels would take long."""
    if labels.min() >= 0 and labels.max() < MOST_COUNTED:
        return [int(v) for v in np.flatnonzero(np.bincount(labels.ravel()))]
    return [int(v) for v in np.unique(labels)]


def geometry_of(path: Path) -> Geometry:
    """The grid of a volume, from its header alone; VolumeError where it is none of 3D."""
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        raise VolumeError(f"{path} can't be read as an image.") from error
    if reader.GetDimension() != 3:
        raise VolumeError(f"{path} has {reader.GetDimension()} dimensions; expected 3.")
    i, j, k = reader.GetSize()
    direction = np.array(reader.GetDirection())
    return Geometry.from_spacing((k, j, i), reader.GetSpacing(), reader.GetOrigin(), direction)


def _moved(
    labels: NDArray[Any], own: Geometry, image: Geometry, path: Path, image_geometry: bool
) -> NDArray[Any]:
    try:
        return on_grid(labels, own, image, path)
    except VolumeError:
        if own.shape != image.shape:
            raise
        if image_geometry:
            return labels
        raise VolumeError(
            f"{path} has the image's size and another place in space ({difference(own, image)}). "
            "Where the voxels are known to belong together, --image-geometry takes the image's."
        ) from None


def _damage(file: Path) -> str | None:
    try:
        if file.stat().st_size == 0:
            return f"{file} is empty."
        require_whole(file)
    except OSError as error:
        return f"{file} is damaged or was not downloaded whole: {error.strerror or error}."
    return None


def _frames(case: Found, dataset: Dataset) -> list[str]:
    assert isinstance(case.image, tuple)
    assert isinstance(case.label, tuple)
    size = open_picture(case.image[0]).size
    any_label = False
    for image, label in zip(case.image, case.label, strict=True):
        for file in (image, label):
            found = open_picture(file).size
            if found != size:
                return [
                    f"{file} has {found[0]} x {found[1]} pixels; the first frame of "
                    f"{case.name} has {size[0]} x {size[1]}."
                ]
        classes, unknown = classes_of_colours(label, dataset.colours)
        if unknown > UNKNOWN_SHARE:
            return [
                f"{label}: {unknown:.1%} of the pixels have a colour that stands for no class of "
                f"{dataset.name}."
            ]
        any_label = any_label or bool(classes.any())
    return [] if any_label else [f"{case.label[0].parent} holds no labelled pixel."]
