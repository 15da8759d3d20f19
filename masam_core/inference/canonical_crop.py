"""Crops of a volume (KJI) in the canonical frame (slice, row, column), and back."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from masam_core.image.geometry import CanonicalFrame

Triple = tuple[int, int, int]
Place = tuple[slice, slice, slice]


def crop_to_canonical(
    array: NDArray[Any], offset_kji: Triple, frame: CanonicalFrame
) -> tuple[NDArray[Any], Triple]:
    """Turn a crop KJI.

    Args:
        array: KJI.
        offset_kji: index in the volume of its first voxel.
        frame: of the volume.

    Returns:
        A view (slice, row, column), and the index of its first voxel in the canonical volume.
    """
    turned = frame.to_canonical(array)  # a permutation and flips, whatever the array's size
    first = []
    for axis, flipped, length in zip(frame.axes, frame.flips, frame.shape, strict=True):
        start, count = offset_kji[2 - axis], array.shape[2 - axis]
        first.append(length - start - count if flipped else start)
    return turned, (first[0], first[1], first[2])


def crop_from_canonical(
    array: NDArray[Any], first: Triple, frame: CanonicalFrame
) -> tuple[NDArray[Any], Triple]:
    """Turn a crop (slice, row, column) back; the inverse of :func:`crop_to_canonical`.

    Returns:
        A contiguous array KJI, and the index of its first voxel in the volume.
    """
    offset = [0, 0, 0]
    for axis, flipped, length, start, count in zip(
        frame.axes, frame.flips, frame.shape, first, array.shape, strict=True
    ):
        offset[2 - axis] = length - start - count if flipped else start
    turned = np.ascontiguousarray(frame.from_canonical(array))
    return turned, (offset[0], offset[1], offset[2])


def canonical_voxels(ijk: NDArray[np.int64], frame: CanonicalFrame) -> NDArray[np.int64]:
    """Voxel indices (n, 3) i, j, k as (n, 3) slice, row, column."""
    return np.rint(frame.canonical_from_ijk(ijk)[:, ::-1]).astype(np.int64)
