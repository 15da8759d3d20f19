"""Pieces of masks, depth in them, their neighbourhood; by SimpleITK, which is always there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from masam_core.late import sitk

Mask = NDArray[np.bool_]


def label_pieces(mask: NDArray[Any], corners: bool = True) -> tuple[NDArray[np.int64], int]:
    """Number the connected pieces of a mask.

    Args:
        mask: 2D or 3D; what is not 0 counts.
        corners: whether voxels that share only an edge or a corner touch.

    Returns:
        Labels from 1 on, 0 elsewhere, of the mask's shape; and how many pieces there are.
    """
    found = sitk.ConnectedComponent(_image(mask), corners)
    labels = sitk.GetArrayFromImage(found).astype(np.int64)
    return labels, int(labels.max(initial=0))


def depth_in(mask: NDArray[Any], spacing: Sequence[float] | None = None) -> NDArray[np.float64]:
    """Distance of each voxel of a mask to the nearest voxel beside it; 0 elsewhere.

    Args:
        mask: 2D or 3D, with at least one voxel beside it.
        spacing: mm along each axis of the array; None is 1.
    """
    beside = _image(~mask.astype(bool))
    beside.SetSpacing([float(s) for s in (spacing or (1.0,) * mask.ndim)][::-1])
    apart = sitk.SignedMaurerDistanceMap(beside, False, False, True)
    return np.maximum(sitk.GetArrayFromImage(apart).astype(np.float64), 0.0)


def without_holes(mask: NDArray[Any]) -> Mask:
    """A mask (2D or 3D) and all that it encloses: what no path over faces leads out of."""
    beside = np.pad(~mask.astype(bool), 1, constant_values=True)
    labels, _ = label_pieces(beside, corners=False)
    inner = labels[(slice(1, -1),) * mask.ndim]
    return np.asarray(inner != labels.flat[0])


def with_neighbours(mask: NDArray[Any]) -> Mask:
    """A mask and every voxel that touches it, if only at a corner."""
    grown = sitk.BinaryDilate(_image(mask), [1] * mask.ndim, sitk.sitkBox)
    return np.asarray(sitk.GetArrayFromImage(grown).astype(bool))


def _image(mask: NDArray[Any]) -> sitk.Image:
    return sitk.GetImageFromArray(np.ascontiguousarray(mask.astype(bool)).astype(np.uint8))
