"""A mask that stays on one lesion from slice to slice.

Slices are decoded by themselves, and where a lesion tapers off beside a vessel the vessel is what
stands out. From the surest slice outwards each slice's mask is held against the one before it. A
slice that jumps aside, or spreads, to something that looks otherwise, is decoded again with the
neighbour's mask in place of the box's ellipse; if it still does, the neighbour's shape is mixed in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from masam_core.inference.job import Job
from masam_core.inference.view import PRIOR_LOGIT
from masam_core.lesion.morphology import depth_in, label_pieces

Mask = NDArray[np.bool_]
Plane = NDArray[np.float32]
# Asks the network again: slice of the extent and the logits of its shape prior (rows, columns of
# the extent), to probability (rows, columns) and predicted quality.
Again = Callable[[int, Plane], tuple[Plane, float]]

AGREEMENT = 0.6  # of the Dice that two neighbouring cuts of an ellipsoid have
FAR = 4.0  # radii beyond which a shape says the same everywhere
OTHER = 3.0  # spreads of the lesion's values, beyond which something is no part of it
MOST = 0.6  # of a mask's voxels
SWOLLEN = 2.0  # times the neighbour's area: no lesion grows so from slice to slice
LEAST_SPREAD = 0.02  # of the values in the extent
MIXED = (0.3, 0.45, 0.6)  # shares of the neighbour's shape; at 0.6 it outvotes a certain network


@dataclass
class Coherent:
    """Probability and quality by slice, and the slices that had to be decoded again.

    Attributes:
        probability: (slices, rows, columns) on the job's extent.
        quality: (slices,) predicted quality.
        again: indices into them.
    """

    probability: NDArray[np.float32]
    quality: NDArray[np.float64]
    again: tuple[int, ...] = ()


def surest_slice(probability: NDArray[np.float32], mask: Mask, job: Job) -> int | None:
    """Find the slice to begin from: most area, weighted by the mean probability in it and by how
    much lesion one expects there; None for no mask.

    Where a box ends there is little lesion, and sometimes none: the network may then take all that
    it is shown for one, which would be the largest mask of all.
    """
    inside = np.where(mask, probability, 0).sum(axis=(1, 2), dtype=np.float64)
    likely = [_area(index, job) for index in range(len(mask))]
    return int((inside * likely).argmax()) if mask.any() else None


def hold_together(
    first: Coherent,
    image: NDArray[np.float32],
    job: Job,
    threshold: float,
    again: Again,
    start: int | None = None,
) -> Coherent:
    """Walk from the surest slice to both ends, and ask again where the mask jumps aside.

    Args:
        first: what the network said.
        image: (slices, rows, columns) on the extent.
        job: the prompt.
        threshold: above which a voxel belongs to the lesion.
        again: decodes one slice with another prior.
        start: the slice that is surest; None finds it.

    Returns:
        What is held together; ``first`` itself where nothing jumps.
    """
    region = job.region()
    mask = (first.probability >= threshold) & region
    if start is None or not mask[start].any():
        start = surest_slice(first.probability, mask, job)
    if start is None:
        return first
    out = Coherent(first.probability.copy(), first.quality.copy())
    least = LEAST_SPREAD * float(np.ptp(image))
    redone = []
    for step in (1, -1):
        known, place = _main_piece(mask[start]), start
        for index in range(start + step, len(mask) if step > 0 else -1, step):
            own = mask[index]
            if not own.any():
                break
            if _dice(own, known) >= AGREEMENT * _expected(index, place, job):
                known, place = _near(own, known), index
                continue
            prior = _prior_of(known, index, place, job)
            other = _unlike(image[index], image[place][known], least)
            if not _jumps(own, known, prior > 0, other):
                known, place = _near(own, known), index
                continue
            seen, sure = again(index, prior)
            seen = np.where(other & own, np.minimum(seen, threshold) / 2, seen)
            seen = _mixed(seen, prior, threshold, region[index] & ~other)
            out.probability[index], out.quality[index] = seen, sure
            redone.append(index)
            own = (seen >= threshold) & region[index]
            if own.any():
                known, place = _near(own, known), index
    if not redone:
        return first
    out.again = tuple(sorted(redone))
    return out


def _unlike(here: Plane, values: NDArray[np.float32], least: float) -> Mask:
    """The pixels of a slice whose values the lesion has not.

    Args:
        here: the image on the slice.
        values: of the lesion on the neighbouring slice.
        least: spread of the lesion's values at least.
    """
    middle = float(np.median(values))
    spread = max(1.4826 * float(np.median(np.abs(values - middle))), least)
    return np.asarray(np.abs(here - middle) > OTHER * spread)


def _jumps(own: Mask, known: Mask, kept: Mask, other: Mask) -> bool:
    """Whether a slice's mask left the lesion for something else.

    That is so where most of what it holds looks otherwise than the lesion, and either most still
    looks as before where the lesion was, or the mask is far larger than it was.

    Args:
        own, known: masks of the slice and of its neighbour.
        kept: where the neighbour's shape lets one expect the lesion on this slice.
        other: what looks otherwise than the lesion.
    """
    if other[own].mean() <= MOST:
        return False
    lost = kept & ~own
    aside = lost.any() and other[lost].mean() < 1 - MOST
    return bool(aside or own.sum() > SWOLLEN * known.sum())


def _mixed(seen: Plane, prior: Plane, threshold: float, region: Mask) -> Plane:
    """The network's answer, with as much of the neighbour's shape as makes it stay there.

    Args:
        seen: probability.
        prior: logits of the neighbour's shape.
        threshold: above which a voxel belongs to the lesion.
        region: what may be lesion.
    """
    shape = np.where(region, 1 / (1 + np.exp(-prior)), 0)
    expected = (prior > 0) & region
    for share in (0.0, *MIXED):
        mixed = ((1 - share) * seen + share * shape).astype(np.float32)
        if _dice((mixed >= threshold) & region, expected) >= AGREEMENT:
            break
    return mixed


def _expected(index: int, neighbour: int, job: Job) -> float:
    """The Dice of two cuts of the ellipsoid in the box, which share their middle."""
    here, there = _area(index, job), _area(neighbour, job)
    return 2 * min(here, there) / (here + there)


def _area(index: int, job: Job) -> float:
    """The ellipsoid's cut with a slice, as a part of its largest one; never quite 0."""
    return max(0.05, 1 - _across(index, job))


def _across(index: int, job: Job) -> float:
    """The part of the ellipsoid's squared radius that lies across the slices."""
    depth = job.ends()
    middle, half = (depth.first + depth.last) / 2, (depth.last - depth.first + 1) / 2
    return float(((index + job.extent()[0].start - middle) / half) ** 2)


def _dice(a: Mask, b: Mask) -> float:
    return 2 * float((a & b).sum()) / max(1, int(a.sum()) + int(b.sum()))


def _near(own: Mask, known: Mask) -> Mask:
    """The connected pieces of a slice's mask that touch the neighbour's; all if none does."""
    pieces, count = label_pieces(own)
    if count < 2:
        return own
    touched = np.unique(pieces[known & own])
    return np.asarray(np.isin(pieces, touched[touched > 0])) if touched.any() else own


def _main_piece(mask: Mask) -> Mask:
    """The largest connected piece of a slice's mask."""
    pieces, count = label_pieces(mask)
    if count < 2:
        return mask
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    return np.asarray(pieces == sizes.argmax())


def _prior_of(known: Mask, index: int, neighbour: int, job: Job) -> Plane:
    """The prior of a slice whose neighbour's mask is known.

    The ellipsoid's squared radius is that across the slices plus that within them. Within, the
    neighbour's mask takes the ellipse's place: its outline lies where the ellipsoid's would, so
    that a mask that is the ellipsoid's own cut gives the ellipsoid again.
    """
    here = _across(index, job)
    _, row_mm, col_mm = job.frame.spacing
    inside = depth_in(np.pad(known, 1), (row_mm, col_mm))[1:-1, 1:-1]
    outside = depth_in(~known, (row_mm, col_mm))
    deepest = max(float(inside.max()), 1e-3)
    # 0 at the deepest point, 1 on the outline, and as fast outwards.
    radius = np.where(known, 1 - inside / deepest, 1 + outside / deepest)
    within = _area(neighbour, job) * np.minimum(radius, FAR) ** 2
    logits = PRIOR_LOGIT * (1 - here - within)
    return np.clip(logits, -PRIOR_LOGIT, PRIOR_LOGIT).astype(np.float32)
