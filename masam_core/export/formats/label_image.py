"""Label images: values 1 to n in the order of the lesions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from masam_core.export.formats.format import Format, Results
from masam_core.image.geometry import Geometry
from masam_core.lesion.lesion import Lesion


def label_image(
    lesions: Sequence[Lesion], shape: tuple[int, int, int]
) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Labels 1 to n in the order given (KJI, uint8, or uint16 from 256 lesions), and messages.

    A voxel that two lesions share stays with the earlier one, and a message says so.
    """
    labels = np.zeros(shape, dtype=np.uint8 if len(lesions) < 256 else np.uint16)
    messages = []
    for number, lesion in enumerate(lesions, start=1):
        part = labels[lesion.slices_kji()]
        shared = np.bincount(part[lesion.mask], minlength=1)
        part[lesion.mask & (part == 0)] = number
        for other in (int(label) for label in np.flatnonzero(shared[1:]) + 1):
            messages.append(
                f"'{lesion.name}' shares {shared[other]} voxels with '{lesions[other - 1].name}'; "
                f"a label image can hold one lesion per voxel, so they stay with the latter. "
                "Write a .seg.nrrd file to keep both whole."
            )
    return labels, tuple(messages)


def write_image(path: Path, array: NDArray[Any], geometry: Geometry) -> None:
    """Write an array KJI as an image on a grid; RuntimeError where it can't be written."""
    image = sitk.GetImageFromArray(array)
    geometry.apply_to_sitk(image)
    sitk.WriteImage(image, str(path), useCompression=True)


def _write(path: Path, results: Results) -> tuple[str, ...]:
    labels, messages = label_image(results.lesions, results.geometry.shape)
    write_image(path, labels, results.geometry)
    return messages


LABEL_IMAGE = Format((".nii.gz", ".nii", ".nrrd", ".mha"), "a label image", _write)
