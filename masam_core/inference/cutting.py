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
from masam_core.lesion.cut import Cut, Side
from masam_core.prompts.boxes import side_names

Mask = NDArray[np.bool_]
Values = NDArray[np.float32]

LEAST_FLAT = 0.12  # share of the largest cross-section; sides below are tips
LEAST_OVER = 0.1  # the same, of what the network sees beyond a side
FEWEST_PLANES = 4  # along an axis: of fewer, each is a side, and flat says nothing
DEPTHS = 2  # planes at a side that are looked at
LEAST_PLANES = 5  # of a box, for the second of them: of fewer, it is no side any more
LEAST_CERTAINTY = 0.5  # of what a user is told
HALO_SHARE = 0.05  # of the box's longer side: how far beyond a side is looked
HALO_SLICES = 2
STEPS = 2  # voxels beyond a side at which the image is compared: the first may be half lesion
SPREADS = 2.0  # of the lesion's values, within which the image goes on alike
LEAST_SPREAD = 0.02  # of the values seen
# Of logistic regressions on real lesions, in tight boxes and in boxes that hold 43 % of them:
# offset, flatness, what the network sees beyond, share of the image there that is alike (less a
# half), and its step there over that at the free surface (less 1). A network that was trained with
# boxes that cut knows best; one that sees nothing beyond any side leaves it to the image.
SEEING = (-2.5, 1.3, 3.0, 0.4, -1.0)
SILENT = (-1.2, 2.0, 0.0, 2.5, -2.5)
SILENCE = 0.05  # of the largest cross-section: what a silent network sees beyond at most
MOST_STEP = 1.5  # at which the last of these ends


@dataclass(frozen=True, eq=False)
class Contact:
    """A side of the box that deserves a close look.

    Attributes:
        axis: 0, 1, 2 for slice, row, column.
        step: -1 or 1, outwards.
        depth: planes between the mask's last one and the side: 0 or 1. A network is unsure at the
            very side, so a mask that is cut often ends one voxel before it.
        voxels: (n, 3) of the mask there.
        flat: their area over the mask's largest cross-section along the axis, less what an
            ellipsoid in so many planes has; at least 0.
        over: area beyond the side that the network takes for lesion, over the same.
    """

    axis: int
    step: int
    depth: int
    voxels: NDArray[np.int64]
    flat: float
    over: float


def find_cuts(
    mask: Mask, probability: Values, image: Values, job: Job, threshold: float
) -> tuple[Cut, ...]:
    """Sides at which a box seems to cut a lesion, the surest first.

    Args:
        mask: on the extent of a job with a halo, see :meth:`Job.with_halo`.
        probability: of lesion, there.
        image: there.
        job: with the halo.
        threshold: above which a voxel belongs to the lesion.

    Returns:
        The cuts. A side at the end of the volume is none.
    """
    region = np.zeros(mask.shape, dtype=bool)
    region[job.inner()] = job.without_halo().region()
    names = side_names(job.frame)[::-1]  # of slice, row, column
    found = contacts(mask, region, probability >= threshold)
    free = _free_step(mask, region, image) if found else 0.0
    silent = all(_over(mask, region, probability >= threshold, *side) < SILENCE for side in _SIDES)
    cuts = []
    for contact in found:
        alike, step = _beyond(contact, mask, image, free)
        seen = (1.0, contact.flat, contact.over, alike - 0.5, min(step, MOST_STEP) - 1)
        certainty = float(1 / (1 + np.exp(-np.dot(SILENT if silent else SEEING, seen))))
        if certainty >= LEAST_CERTAINTY:
            face = np.prod(np.delete(job.frame.spacing, contact.axis))
            side = names[contact.axis][(contact.step + 1) // 2]
            cuts.append(Cut(Side(side), float(len(contact.voxels) * face), certainty))
    return tuple(sorted(cuts, key=lambda cut: -cut.certainty))


def contacts(mask: Mask, region: Mask, likely: Mask) -> list[Contact]:
    """Sides of a region at which a mask ends flat, or beyond which more of it is likely.

    Args:
        mask: (slices, rows, columns), within the region.
        region: voxels of the box.
        likely: what the network takes for lesion, also beyond the region.
    """
    found = []
    for axis in range(3):
        others = tuple({0, 1, 2} - {axis})
        largest = int(mask.sum(axis=others).max(initial=0))
        planes = int(region.any(axis=others).sum())
        if largest == 0:
            continue
        for step in (-1, 1):
            over = _over(mask, region, likely, axis, step)
            sides = []
            for depth in range(min(DEPTHS, (planes - 1) // LEAST_PLANES + 1)):
                voxels = np.argwhere(_at_side(mask, region, axis, step, depth))
                voxels = voxels[_has_beyond(voxels, axis, step, depth, mask.shape[axis])]
                # The centre of a plane lies within the ellipsoid's end by half a plane and more.
                tip = 1 - ((planes - 1 - 2 * depth) / planes) ** 2
                flat = max(0.0, len(voxels) / largest - tip) if planes >= FEWEST_PLANES else 0.0
                sides.append(Contact(axis, step, depth, voxels, flat, over))
            side = max(sides, key=lambda contact: contact.flat)
            if len(side.voxels) and (side.flat >= LEAST_FLAT or over >= LEAST_OVER):
                found.append(side)
    return found


_SIDES = [(axis, step) for axis in range(3) for step in (-1, 1)]


def _over(mask: Mask, region: Mask, likely: Mask, axis: int, step: int) -> float:
    """Area just beyond a side that is likely lesion, over the mask's largest cross-section."""
    beyond = likely & ~region & _shifted(region, axis, -step)
    largest = int(mask.sum(axis=tuple({0, 1, 2} - {axis})).max(initial=0))
    return float(beyond.sum()) / max(1, largest)


def _has_beyond(
    voxels: NDArray[np.int64], axis: int, step: int, depth: int, length: int
) -> NDArray[np.bool_]:
    """Which of some voxels have one beyond the side that is not beyond the volume."""
    place = voxels[:, axis] + (depth + 1) * step
    return np.asarray((place >= 0) & (place < length))


def _beyond(contact: Contact, mask: Mask, image: Values, free: float) -> tuple[float, float]:
    """How the image goes on beyond a side.

    Returns:
        The share of it that is alike, and its median step over that at the mask's free surface.
    """
    far = contact.voxels.copy()
    length = mask.shape[contact.axis]
    away = (STEPS + contact.depth) * contact.step
    far[:, contact.axis] = np.clip(far[:, contact.axis] + away, 0, length - 1)
    within, beyond = image[tuple(contact.voxels.T)], image[tuple(far.T)]
    values = image[mask]
    spread = 1.4826 * float(np.median(np.abs(values - np.median(values))))
    spread = max(spread, LEAST_SPREAD * float(np.ptp(image)))
    alike = float((np.abs(beyond - np.median(within)) < SPREADS * spread).mean())
    return alike, float(np.median(np.abs(beyond - within))) / max(free, 1e-6)


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
    """Each voxel's neighbour in a direction; False beyond the array."""
    out = np.zeros_like(mask)
    here = [slice(None)] * 3
    there = [slice(None)] * 3
    here[axis], there[axis] = (
        (slice(None, -1), slice(1, None)) if step > 0 else (slice(1, None), slice(None, -1))
    )
    out[tuple(here)] = mask[tuple(there)]
    return out
