"""A box that cuts a lesion off: on which sides, and how sure that is.

A tight box touches a lesion with a tip on each side. Where a mask ends flat, with a large area,
either the lesion is flat there or the box cuts it. What lies just beyond the side decides: what the
network thinks of it, and whether the image goes on as it is within.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from masam_core.inference.job import Job
from masam_core.lesion.cut import Cut
from masam_core.prompts.boxes import side_names

Mask = NDArray[np.bool_]
Values = NDArray[np.float32]

LEAST_FLAT = 0.12  # share of the largest cross-section; flatter sides are looked at closely
DEPTHS = 2  # planes at a side that are looked at
LEAST_PLANES = 5  # of a box, for the second of them: of fewer, it is no side any more
LEAST_CERTAINTY = 0.5  # of what a user is told
HALO_SHARE = 0.05  # of the box's longer side: how far beyond a side is looked
HALO_SLICES = 2
STEPS = 2  # voxels beyond a side at which the image is compared: the first may be half lesion
SPREADS = 2.0  # of the values at the side, within which the image goes on alike
LEAST_SPREAD = 0.02  # of the values seen
# Logistic regression on the training cases: offset, flatness, probability beyond the side, share
# of the image beyond it that is alike, and its step over that at the lesion's free surface.
WEIGHTS = (-4.0, 5.0, 3.0, 2.5, -2.0)
MOST_STEP = 1.5  # at which the last of these ends


@dataclass(frozen=True)
class Contact:
    """A side of the box at which a mask ends flat.

    Attributes:
        axis: 0, 1, 2 for slice, row, column.
        step: -1 or 1, outwards.
        depth: planes between the mask's last one and the side: 0 or 1. A network is unsure at the
            very side, so a mask that is cut often ends one voxel before it.
        area_mm2: of the mask there.
        flat: that area over the mask's largest cross-section along the axis, less what an ellipsoid
            in so many planes has.
    """

    axis: int
    step: int
    depth: int
    area_mm2: float
    flat: float


def flat_contacts(mask: Mask, region: Mask, spacing: tuple[float, float, float]) -> list[Contact]:
    """Sides of a region at which a mask ends flat.

    Args:
        mask: (slices, rows, columns), within the region.
        region: voxels of the box.
        spacing: mm between slices, rows, columns.
    """
    found = []
    for axis in range(3):
        others = tuple({0, 1, 2} - {axis})
        largest = int(mask.sum(axis=others).max(initial=0))
        planes = int(region.any(axis=others).sum())
        if largest == 0 or planes < 2:
            continue
        face = float(np.prod([spacing[other] for other in others]))
        for step in (-1, 1):
            sides = []
            for depth in range(min(DEPTHS, (planes - 1) // LEAST_PLANES + 1)):
                area = int(_at_side(mask, region, axis, step, depth).sum())
                # The centre of a plane lies within the ellipsoid's end by half a plane and more.
                tip = 1 - ((planes - 1 - 2 * depth) / planes) ** 2
                sides.append(Contact(axis, step, depth, area * face, area / largest - tip))
            flattest = max(sides, key=lambda contact: contact.flat)
            if flattest.flat >= LEAST_FLAT:
                found.append(flattest)
    return found


def find_cuts(
    contacts: list[Contact], mask: Mask, probability: Values, image: Values, job: Job
) -> tuple[Cut, ...]:
    """Judge flat sides by what lies beyond them.

    Args:
        contacts: of the mask.
        mask: on the extent of a job with a halo.
        probability: of lesion, there.
        image: there.
        job: with the halo.

    Returns:
        Those that seem to cut the lesion, the surest first. A side of the volume is none.
    """
    region = np.zeros(mask.shape, dtype=bool)
    region[job.inner()] = job.without_halo().region()
    free = _free_step(mask, region, image)
    names = side_names(job.frame)[::-1]  # of slice, row, column
    cuts = []
    for contact in contacts:
        seen = _evidence(contact, mask, region, probability, image, free)
        if seen is None:
            continue
        certainty = float(1 / (1 + np.exp(-np.dot(WEIGHTS, seen))))
        if certainty >= LEAST_CERTAINTY:
            side = names[contact.axis][(contact.step + 1) // 2]
            cuts.append(Cut(side, contact.area_mm2, certainty))
    return tuple(sorted(cuts, key=lambda cut: -cut.certainty))


def _evidence(
    contact: Contact,
    mask: Mask,
    region: Mask,
    probability: Values,
    image: Values,
    free: float,
) -> tuple[float, ...] | None:
    """What :data:`WEIGHTS` weigh; None where nothing lies beyond the side."""
    where = np.argwhere(_at_side(mask, region, contact.axis, contact.step, contact.depth))
    length = mask.shape[contact.axis]
    first, far = where.copy(), where.copy()
    first[:, contact.axis] += contact.step * (contact.depth + 1)
    inside = (first[:, contact.axis] >= 0) & (first[:, contact.axis] < length)
    if not inside.any():
        return None
    where, first, far = where[inside], first[inside], far[inside]
    far[:, contact.axis] = np.clip(
        far[:, contact.axis] + (STEPS + contact.depth) * contact.step, 0, length - 1
    )
    within, beyond = image[tuple(where.T)], image[tuple(far.T)]
    middle = float(np.median(within))
    values = image[mask]
    spread = 1.4826 * float(np.median(np.abs(values - np.median(values))))
    spread = max(spread, LEAST_SPREAD * float(np.ptp(image)))
    alike = float((np.abs(beyond - middle) < SPREADS * spread).mean())
    step = float(np.median(np.abs(beyond - within))) / max(free, 1e-6)
    likely = float(probability[tuple(first.T)].mean())
    return 1.0, contact.flat, likely, alike - 0.5, min(step, MOST_STEP) - 1.0


def _free_step(mask: Mask, region: Mask, image: Values) -> float:
    """Median step of the image across the mask's surface where the box does not bound it."""
    steps = []
    for axis in range(3):
        for step in (-1, 1):
            edge = mask & _shifted(region & ~mask, axis, step)
            where = np.argwhere(edge)
            far = where.copy()
            length = mask.shape[axis]
            far[:, axis] = np.clip(far[:, axis] + STEPS * step, 0, length - 1)
            steps.append(np.abs(image[tuple(far.T)] - image[tuple(where.T)]))
    values = np.concatenate(steps)
    return float(np.median(values)) if len(values) else float(np.ptp(image))


def _at_side(mask: Mask, region: Mask, axis: int, step: int, depth: int) -> Mask:
    """Voxels of a mask from which it is ``depth`` voxels to a region's last in a direction."""
    last = region & ~_shifted(region, axis, step)
    for _ in range(depth):
        last = region & _shifted(last, axis, step)
    return np.asarray(mask & last)


def _shifted(mask: Mask, axis: int, step: int) -> Mask:
    """For each voxel, the value of its neighbour in a direction; False beyond the array."""
    out = np.zeros_like(mask)
    here = [slice(None)] * 3
    there = [slice(None)] * 3
    here[axis], there[axis] = (
        (slice(None, -1), slice(1, None)) if step > 0 else (slice(1, None), slice(None, -1))
    )
    out[tuple(here)] = mask[tuple(there)]
    return out
