"""Measures of agreement, and the baseline that every model must beat."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from masam_core.lesion.crops import tight_slices

if TYPE_CHECKING:
    import torch

    from masam_core.image.geometry import Geometry

Mask = NDArray[np.bool_]


def dice(a: NDArray[np.generic], b: NDArray[np.generic]) -> float:
    """Dice similarity of two masks of one shape: 2 |a and b| / (|a| + |b|); 1 if both are empty."""
    first, second = a.astype(bool), b.astype(bool)
    if first.shape != second.shape:
        raise ValueError(f"Dice needs masks of one shape; got {first.shape} and {second.shape}.")
    total = int(first.sum()) + int(second.sum())
    return 1.0 if total == 0 else 2.0 * int((first & second).sum()) / total


def iou(a: NDArray[np.generic], b: NDArray[np.generic]) -> float:
    """Intersection over union, from Dice: D / (2 - D)."""
    similarity = dice(a, b)
    return similarity / (2.0 - similarity)


def surface_distances(found: Mask, expert: Mask, geometry: Geometry) -> tuple[float, float] | None:
    """95th percentile (Hausdorff) and mean of the symmetric surface distance, by MONAI.

    Args:
        found, expert: KJI masks of one shape.
        geometry: gives the spacing.

    Returns:
        (HD95, ASD) in mm; None where a mask is empty, which has no surface.
    """
    if not found.any() or not expert.any():
        return None
    from monai.metrics import compute_average_surface_distance, compute_hausdorff_distance

    first, second, spacing = _for_monai(found, expert, geometry)
    hausdorff = compute_hausdorff_distance(
        first, second, include_background=True, percentile=95, spacing=spacing
    )
    average = compute_average_surface_distance(
        first, second, include_background=True, symmetric=True, spacing=spacing
    )
    return float(hausdorff[0, 0]), float(average[0, 0])


def surface_dice(found: Mask, expert: Mask, geometry: Geometry, tolerance_mm: float) -> float:
    """Normalised surface Dice (Nikolov et al. 2021): share of both surfaces that lie within a
    tolerance of each other, by MONAI.

    Args:
        found, expert: KJI masks of one shape.
        geometry: gives the spacing.
        tolerance_mm: distance that counts as none.

    Returns:
        In [0, 1]; 1 where both masks are empty, 0 where one is.
    """
    if not found.any() or not expert.any():
        return 1.0 if found.any() == expert.any() else 0.0
    from monai.metrics import compute_surface_dice

    first, second, spacing = _for_monai(found, expert, geometry)
    score = compute_surface_dice(
        first, second, [tolerance_mm], include_background=True, spacing=spacing
    )
    return float(score[0, 0])


def _for_monai(
    found: Mask, expert: Mask, geometry: Geometry
) -> tuple[torch.Tensor, torch.Tensor, list[float]]:
    """Two masks, not both empty, as MONAI's measures take them, and mm along k, j, i."""
    import torch

    both = tight_slices(found | expert)
    # One voxel of margin, so that no surface lies on the edge of the array.
    first, second = (
        torch.from_numpy(np.pad(m[both], 1)[None, None].astype(np.float32)) for m in (found, expert)
    )
    return first, second, [float(s) for s in geometry.spacing[::-1]]


def inscribed_ellipsoid(
    shape: tuple[int, int, int], box: tuple[float, float, float, float, float, float]
) -> Mask:
    """The ellipsoid inscribed in a voxel box, the naive answer to a box prompt.

    Args:
        shape: KJI shape of the volume.
        box: i0, i1, j0, j1, k0, k1, both ends included.

    Returns:
        KJI mask of the voxels whose centre lies inside the ellipsoid that touches the outer faces
        of the box's voxels.
    """
    squared = np.zeros(shape, dtype=np.float64)
    for axis, (low, high) in zip((2, 1, 0), zip(box[::2], box[1::2], strict=True), strict=True):
        centre, half = (low + high) / 2, (high - low + 1) / 2
        r = (np.arange(shape[axis]) - centre) / half
        squared += (r**2).reshape([-1 if a == axis else 1 for a in range(3)])
    return squared <= 1.0
