"""A mask that stays on one lesion from slice to slice.

Slices are decoded by themselves, and where a lesion tapers off beside a vessel the vessel is what
stands out. From the surest slice outwards each slice's mask is held against the one before it; a
slice that jumps is decoded again, and told the neighbour's mask in place of the box's ellipse.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from masam_core.inference.job import Job
from masam_core.inference.view import PRIOR_LOGIT

Mask = NDArray[np.bool_]
Logits = NDArray[np.float32]
# Asks the network again: slice and the logits of its shape prior (rows, columns of the extent), to
# probability (rows, columns) and predicted quality.
Again = Callable[[int, Logits], tuple[NDArray[np.float32], float]]

AGREEMENT = 0.7  # of the Dice that two neighbouring cuts of an ellipsoid have
FAR = 4.0  # radii beyond which a shape says the same everywhere


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

    def mean(self) -> NDArray[np.float32]:
        return self.probability

    def mean_quality(self) -> NDArray[np.float64]:
        return self.quality


def surest_slice(probability: NDArray[np.float32], mask: Mask) -> int | None:
    """The slice with most area, weighted by the mean probability in it; None for no mask."""
    inside = np.where(mask, probability, 0).sum(axis=(1, 2), dtype=np.float64)
    return int(inside.argmax()) if mask.any() else None


def hold_together(
    probability: NDArray[np.float32],
    quality: NDArray[np.float64],
    job: Job,
    threshold: float,
    again: Again,
) -> Coherent:
    """Walk from the surest slice to both ends, and ask again where the mask jumps aside.

    Args:
        probability: (slices, rows, columns) on the extent of a job without halo.
        quality: (slices,) predicted quality.
        job: the prompt.
        threshold: above which a voxel belongs to the lesion.
        again: decodes one slice with another prior.

    Returns:
        What is held together. A slice that jumps even when it is asked again keeps only what its
        neighbour holds.
    """
    region = job.region()
    mask = (probability >= threshold) & region
    start = surest_slice(probability, mask)
    if start is None or len(probability) == 1:
        return Coherent(probability, quality)
    out = Coherent(probability.copy(), quality.copy())
    redone = []
    for step in (1, -1):
        known = _main_piece(mask[start])
        for index in range(start + step, len(mask) if step > 0 else -1, step):
            own = mask[index]
            least = AGREEMENT * _expected(index, index - step, job)
            if own.any() and _dice(own, known) < least:
                seen, sure = again(index, _prior_of(known, index, index - step, job))
                other = (seen >= threshold) & region[index]
                redone.append(index)
                if _dice(other, known) > _dice(own, known):
                    out.probability[index], out.quality[index] = seen, sure
                    own = other
            if (own & known).any():
                known = own
    out.again = tuple(sorted(redone))
    return out


def _expected(index: int, neighbour: int, job: Job) -> float:
    """The Dice of two neighbouring cuts of the ellipsoid in the box, which share their middle."""
    here, there = (max(0.05, 1 - _across(n, job)) for n in (index, neighbour))
    return 2 * min(here, there) / (here + there)


def _across(index: int, job: Job) -> float:
    """The part of the ellipsoid's squared radius that lies across the slices."""
    first, last = job.prompt.first_slice, job.prompt.last_slice
    middle, half = (first + last) / 2, (last - first + 1) / 2
    return float(((index + job.extent()[0].start - middle) / half) ** 2)


def _dice(a: Mask, b: Mask) -> float:
    return 2 * float((a & b).sum()) / max(1, int(a.sum()) + int(b.sum()))


def _main_piece(mask: Mask) -> Mask:
    """The largest connected piece of a slice's mask."""
    pieces, count = ndimage.label(mask, np.ones((3, 3)))
    if count < 2:
        return mask
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    return np.asarray(pieces == sizes.argmax())


def _prior_of(known: Mask, index: int, neighbour: int, job: Job) -> Logits:
    """The prior of a slice whose neighbour's mask is known.

    The ellipsoid's squared radius is that across the slices plus that within them. Within, the
    neighbour's mask takes the ellipse's place: its outline lies where the ellipsoid's would, so
    that a mask that is the ellipsoid's own cut gives the ellipsoid again.
    """
    here, there = _across(index, job), _across(neighbour, job)
    _, row_mm, col_mm = job.frame.spacing
    inside = ndimage.distance_transform_edt(np.pad(known, 1), sampling=(row_mm, col_mm))[
        1:-1, 1:-1
    ]
    outside = ndimage.distance_transform_edt(~known, sampling=(row_mm, col_mm))
    deepest = max(float(inside.max()), 1e-3)
    # 0 at the deepest point, 1 on the outline, and as fast outwards.
    radius = np.where(known, 1 - inside / deepest, 1 + outside / deepest)
    within = max(0.05, 1 - there) * np.minimum(radius, FAR) ** 2
    logits = PRIOR_LOGIT * (1 - here - within)
    return np.clip(logits, -PRIOR_LOGIT, PRIOR_LOGIT).astype(np.float32)
