"""Crops of an image grid: where a mask lies in the whole image, and the tight box around it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from masam_core.errors import SegmentationError


def crop_slices(
    shape: tuple[int, ...],
    offset_kji: tuple[int, int, int],
    full_shape: tuple[int, int, int],
) -> tuple[slice, slice, slice]:
    """Array slices (K, J, I) of a crop of ``shape`` at ``offset_kji`` in a ``full_shape`` grid.

    Raises:
        SegmentationError: when the crop reaches outside the grid.
    """
    ends = [first + length for first, length in zip(offset_kji, shape, strict=True)]
    if min(offset_kji) < 0 or any(e > n for e, n in zip(ends, full_shape, strict=True)):
        raise SegmentationError(
            f"A mask of {tuple(shape)} voxels (K, J, I) placed at {tuple(offset_kji)} does not fit "
            f"in an image of {tuple(full_shape)} voxels."
        )
    k, j, i = (slice(first, end) for first, end in zip(offset_kji, ends, strict=True))
    return k, j, i


def tight_slices(mask: NDArray[np.bool_]) -> tuple[slice, slice, slice] | None:
    """Array slices (K, J, I) of the smallest box that holds every voxel of a mask; None if empty.

    From the projections onto the axes, so that no list of voxels is made.
    """
    occupied = [np.flatnonzero(mask.any(axis=tuple({0, 1, 2} - {a}))) for a in range(3)]
    if occupied[0].size == 0:
        return None
    k, j, i = (slice(int(o[0]), int(o[-1]) + 1) for o in occupied)
    return k, j, i


def tight_box(mask: NDArray[np.generic]) -> tuple[int, int, int, int, int, int]:
    """i0, i1, j0, j1, k0, k1 (both ends included) of a KJI mask; ValueError if it is empty."""
    tight = tight_slices(mask.astype(bool))
    if tight is None:
        raise ValueError("The mask is empty, so it has no box.")
    k, j, i = tight
    return i.start, i.stop - 1, j.start, j.stop - 1, k.start, k.stop - 1
