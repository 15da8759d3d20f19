"""What the samples are known to hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

Box = tuple[list[float], list[list[float]], list[float]]


def boxOf(folder: Path) -> Box:
    """Centre, axes and size of a sample's box in RAS, as the file of the markup says."""
    (roi,) = json.loads((folder / "box.mrk.json").read_text())["markups"]
    flip = np.diag([-1.0, -1.0, 1.0]) if roi["coordinateSystem"] == "LPS" else np.eye(3)
    axes = np.array(roi["orientation"]).reshape(3, 3).T @ flip
    return (flip @ roi["center"]).tolist(), axes.tolist(), roi["size"]


def middleSlicesOf(folder: Path, slices: int) -> tuple[Box, np.ndarray]:
    """A box round some slices of a sample's lesion alone, which takes a fraction of the time, and
    the expert's mask in these, bool KJI."""
    center, axes, size = boxOf(folder)
    image, expert = imageOf(folder), expertOf(folder)
    inside = np.flatnonzero(expert.any(axis=(1, 2)))
    first = int(inside[0] + inside[-1] + 1 - slices) // 2
    expert[:first] = expert[first + slices :] = False
    along = int(np.abs(np.array(axes)[:, 2]).argmax())
    _, j, i = (n // 2 for n in expert.shape)
    low, high = (np.array(rasOf(folder, (k, j, i))) for k in (first, first + slices - 1))
    axis = np.array(axes[along])
    middle = np.array(center) + axis * ((low + high) / 2 - center).dot(axis)
    size = [*size]
    size[along] = slices * image.GetSpacing()[2]
    return (middle.tolist(), axes, size), expert


def expertOf(folder: Path) -> np.ndarray:
    """The expert's mask, bool KJI."""
    return np.asarray(sitk.GetArrayFromImage(sitk.ReadImage(str(folder / "expert.nii.gz"))) > 0)


def imageOf(folder: Path) -> Any:
    """The image, by SimpleITK."""
    return sitk.ReadImage(str(folder / "image.nii.gz"))


def rasOf(folder: Path, kji: Any) -> list[float]:
    """Position of a voxel in RAS, mm."""
    k, j, i = (int(n) for n in kji)
    x, y, z = imageOf(folder).TransformIndexToPhysicalPoint((i, j, k))
    return [-x, -y, z]


def writeSlices(folder: Path, few: slice, path: Path) -> Path:
    """Write some slices of a sample's image as a file of their own; its path."""
    sitk.WriteImage(imageOf(folder)[:, :, few], str(path))
    return path


def dice(a: np.ndarray, b: np.ndarray) -> float:
    """Overlap of two masks."""
    return 2 * float((a & b).sum()) / float(a.sum() + b.sum())
