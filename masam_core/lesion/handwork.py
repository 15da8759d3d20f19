"""Changes of a mask by hand: smoother, larger, smaller, one piece of it, slices filled in."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from masam_core.errors import SegmentationError
from masam_core.lesion.cleaning import smooth
from masam_core.lesion.crops import tight_slices
from masam_core.lesion.morphology import Mask, depth_in, label_pieces

ROUNDING_MM = 1e-5  # of distances


def smoothed(mask: Mask, spacing: Sequence[float], mm: float) -> Mask:
    """A mask without details that are finer than some mm.

    Args:
        mask: bool KJI.
        spacing: mm along i, j, k.
        mm: standard deviation of the Gaussian.

    Raises:
        SegmentationError: nothing would be left, or a length that is not above 0.
    """
    _require(mm)
    found = smooth(mask, spacing, mm)
    if not found.any():
        raise SegmentationError(
            f"Smoothing by {mm:g} mm would leave nothing of this mask. Smooth it by less."
        )
    return found


def grown(mask: Mask, spacing: Sequence[float], mm: float) -> Mask:
    """A mask with every voxel whose centre is no farther from it than some mm.

    Distances are from the centre of the nearest voxel of the mask.

    Args:
        mask: bool KJI, with at least one voxel.
        spacing: mm along i, j, k.
        mm: how far.

    Raises:
        SegmentationError: an empty mask, or a length that is not above 0.
    """
    _require(mm)
    where = tight_slices(mask)
    if where is None:
        raise SegmentationError("The mask is empty: there is nothing to grow.")
    reach = np.ceil(mm / np.array(spacing)[::-1]).astype(int) + 1
    near = tuple(
        slice(max(0, part.start - n), min(size, part.stop + n))
        for part, n, size in zip(where, reach, mask.shape, strict=True)
    )
    crop = mask[near]
    out = mask.copy()
    if not crop.all():
        away = depth_in(~crop, list(spacing)[::-1])
        out[near] |= away <= mm + ROUNDING_MM
    return out


def shrunk(mask: Mask, spacing: Sequence[float], mm: float) -> Mask:
    """A mask without the voxels whose centre is no farther from its outside than some mm.

    What lies beyond the image counts as outside.

    Args:
        mask: bool KJI.
        spacing: mm along i, j, k.
        mm: how far.

    Raises:
        SegmentationError: nothing would be left, or a length that is not above 0.
    """
    _require(mm)
    where = tight_slices(mask)
    if where is None:
        raise SegmentationError("The mask is empty: there is nothing to shrink.")
    crop = np.pad(mask[where], 1)
    inner = (slice(1, -1),) * 3
    left = (depth_in(crop, list(spacing)[::-1]) > mm + ROUNDING_MM)[inner]
    if not left.any():
        raise SegmentationError(
            f"Shrinking by {mm:g} mm would leave nothing of this mask. Shrink it by less."
        )
    out = np.zeros_like(mask)
    out[where] = left
    return out


def piece_at(mask: Mask, index_kji: Sequence[int]) -> Mask:
    """The connected piece (26 neighbours) of a mask that holds a voxel, or is nearest to it.

    Args:
        mask: bool KJI.
        index_kji: of the voxel.

    Raises:
        SegmentationError: an empty mask.
    """
    labels, count = label_pieces(mask)
    if not count:
        raise SegmentationError("The mask is empty: it has no pieces.")
    here = tuple(int(n) for n in index_kji)
    inside = all(0 <= n < size for n, size in zip(here, mask.shape, strict=True))
    label = int(labels[here]) if inside else 0
    if not label:
        voxels = np.argwhere(mask)
        nearest = np.abs(voxels - np.array(here)).sum(axis=1).argmin()
        label = int(labels[tuple(voxels[nearest])])
    return np.asarray(labels == label)


def interpolated(mask: Mask, spacing: Sequence[float], axis: int | None = None) -> Mask:
    """A mask with the empty slices between painted ones filled in.

    Each is cut at zero out of the signed distances to the outlines on its two painted neighbours,
    mixed by how near these are (shape-based interpolation: Raya and Udupa, IEEE Transactions on
    Medical Imaging 9, 1990).

    Args:
        mask: bool KJI.
        spacing: mm along i, j, k.
        axis: of the array, across the slices; None takes the one with most empty slices between.

    Raises:
        SegmentationError: no empty slice between painted ones.
    """
    gaps = [_gaps(mask, each) for each in range(3)]
    missing = [sum(after - before - 1 for before, after in each) for each in gaps]
    chosen = int(np.argmax(missing)) if axis is None else axis
    if not missing[chosen]:
        raise SegmentationError(
            "There is no empty slice between painted ones: paint the lesion on some slices, and "
            "leave out those in between."
        )
    slices = np.moveaxis(mask.copy(), chosen, 0)
    pixel = [each for n, each in enumerate(list(spacing)[::-1]) if n != chosen]
    for before, after in gaps[chosen]:
        first, last = (_signed(slices[n], pixel) for n in (before, after))
        for number in range(before + 1, after):
            share = (number - before) / (after - before)
            slices[number] = (1 - share) * first + share * last > 0
    return np.ascontiguousarray(np.moveaxis(slices, 0, chosen))


def _gaps(mask: Mask, axis: int) -> list[tuple[int, int]]:
    """Pairs of painted slices with empty ones in between."""
    painted = np.flatnonzero(mask.any(axis=tuple({0, 1, 2} - {axis})))
    return [(int(a), int(b)) for a, b in pairwise(painted) if b - a > 1]


def _signed(outline: Mask, pixel: Sequence[float]) -> NDArray[np.float64]:
    """Distance to the outline of a mask on a slice, above 0 inside it."""
    padded = np.pad(outline, 1)
    return (depth_in(padded, pixel) - depth_in(~padded, pixel))[1:-1, 1:-1]


def _require(mm: float) -> None:
    if not (np.isfinite(mm) and mm > 0):
        raise SegmentationError(f"The length is {mm:g} mm; expected more than 0.")
