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


def dice(a: np.ndarray, b: np.ndarray) -> float:
    """Overlap of two masks."""
    return 2 * float((a & b).sum()) / float(a.sum() + b.sum())
