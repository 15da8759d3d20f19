"""Label images: values 1 to n in the order of the lesions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from masam_core.atomic import checked
from masam_core.export.formats.format import Format, Results
from masam_core.image.geometry import Geometry
from masam_core.late import sitk
from masam_core.lesion.lesion import Lesion


def shares(name: str) -> str:
    """Words with which the message about a lesion begins that was cut for another."""
    return f"'{name}' shares "


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
                f"{shares(lesion.name)}{shared[other]} voxels with '{lesions[other - 1].name}'; "
                f"a label image can hold one lesion per voxel, so they stay with the latter. "
                "Write a .seg.nrrd file to keep both whole."
            )
    return labels, tuple(messages)


def write_image(path: Path, array: NDArray[Any], geometry: Geometry) -> None:
    """Write an array KJI as an image on a grid, and read it back.

    Raises:
        RuntimeError: SimpleITK can't write it.
        Incomplete: it reads back as something else.
    """
    image = sitk.GetImageFromArray(array)
    geometry.apply_to_sitk(image)
    sitk.WriteImage(image, str(path), useCompression=True)
    checked(path, lambda written: _same(sitk.ReadImage(str(written)), array, geometry))


def _same(image: sitk.Image, array: NDArray[Any], geometry: Geometry) -> bool:
    size_matches = image.GetSize() == tuple(geometry.size_ijk)
    place_matches = np.allclose(image.GetOrigin(), geometry.ijk_to_lps[:3, 3], atol=1e-3)
    return (
        size_matches and place_matches and np.array_equal(sitk.GetArrayViewFromImage(image), array)
    )


def _write(path: Path, results: Results) -> tuple[str, ...]:
    labels, messages = label_image(results.lesions, results.geometry.shape)
    write_image(path, labels, results.geometry)
    return messages


LABEL_IMAGE = Format((".nii.gz", ".nii", ".nrrd", ".mha"), "a label image", _write)
