"""Some slices of a sample volume, for what segments one and is not about its size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk

from masam_core.image.geometry import Geometry
from masam_core.lesion.crops import tight_box
from masam_core.prompts.roi import write_roi

BESIDE = 2  # slices of the image beyond the lesion's, at each end


def few_slices(sample: Path, folder: Path, slices: int = 5) -> Path:
    """Write the middle of a sample's lesion, with its tight box and the expert's mask of it.

    Args:
        sample: a folder of Resources/SampleData.
        folder: for the same three names: image.nii.gz, box.mrk.json, expert.nii.gz.
        slices: of the lesion; by the model they are seen in one window of five.

    Returns:
        The folder.
    """
    image = sitk.ReadImage(str(sample / "image.nii.gz"))
    expert = sitk.ReadImage(str(sample / "expert.nii.gz"))
    filled = np.flatnonzero(sitk.GetArrayFromImage(expert).any(axis=(1, 2)))
    first = int(filled[0] + filled[-1] + 1 - slices) // 2
    assert filled[0] <= first <= first + slices - 1 <= filled[-1]
    ends = slice(first - BESIDE, first + slices + BESIDE)
    image, expert = image[:, :, ends], expert[:, :, ends]
    labels = sitk.GetArrayFromImage(expert)
    labels[:BESIDE] = labels[-BESIDE:] = 0
    kept = sitk.GetImageFromArray(labels)
    kept.CopyInformation(expert)
    return _write(folder, image, kept)


def thick_slices(sample: Path, folder: Path, every: int = 2) -> Path:
    """Write every second slice of a sample: all of its lesion, in half as many windows.

    Args, returns: see :func:`few_slices`.
    """
    image = sitk.ReadImage(str(sample / "image.nii.gz"))[:, :, ::every]
    expert = sitk.ReadImage(str(sample / "expert.nii.gz"))[:, :, ::every]
    return _write(folder, image, expert)


def _write(folder: Path, image: sitk.Image, expert: sitk.Image) -> Path:
    labels = sitk.GetArrayFromImage(expert)
    folder.mkdir(parents=True, exist_ok=True)
    sitk.WriteImage(image, str(folder / "image.nii.gz"))
    sitk.WriteImage(expert, str(folder / "expert.nii.gz"))
    low, high = np.array(tight_box(labels)).reshape(3, 2).T
    geometry = Geometry.from_sitk(image)
    # Faces lie half a voxel beyond the centres of the outermost voxels.
    corners = geometry.lps_from_ijk(np.array([low - 0.5, high + 0.5]))
    size = np.abs(corners[1] - corners[0])
    write_roi(folder / "box.mrk.json", corners.mean(axis=0), size, name="Sarcoma")
    return folder
