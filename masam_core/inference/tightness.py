"""A tight box is a promise: the lesion reaches its sides. A mask that doesn't is taken back to it.

The tightness of boxes as knowledge about the mask: Lempitsky et al., ICCV 2009.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from masam_core.inference.job import Job
from masam_core.inference.view import PRIOR_LOGIT, squared_radius

LEAST_COVERAGE = 0.6  # of the box along each axis; boxes in training were at most 20 % too long
SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)


def respect_box(
    probability: NDArray[np.float32], job: Job, threshold: float
) -> tuple[NDArray[np.float32], float]:
    """Mix in the box's own shape until the mask covers enough of the box.

    Args:
        probability: (slices, rows, columns) on the job's extent.
        job: one box on one volume.
        threshold: above which a voxel belongs to the lesion.

    Returns:
        The probability, and the share of the inscribed ellipsoid in it: 0 where the mask reaches
        over at least ``LEAST_COVERAGE`` of the box along every axis, or is empty (nothing was
        found, and a shape must not be made up).
    """
    region = job.region()
    mask = (probability >= threshold) & region
    if not mask.any() or _covers(mask, region):
        return probability, 0.0
    ellipsoid = 1 / (1 + np.exp(-PRIOR_LOGIT * (1 - job_radius(job))))
    for share in SHARES:
        mixed = ((1 - share) * probability + share * ellipsoid).astype(np.float32)
        if _covers((mixed >= threshold) & region, region):
            break
    return mixed, share


def job_radius(job: Job) -> NDArray[np.float64]:
    """:func:`squared_radius` of the ellipsoid inscribed in the prompt, on the extent's voxels."""
    planes, rows, cols = (np.arange(part.start, part.stop) for part in job.extent())
    first, last = job.prompt.first_slice, job.prompt.last_slice
    return squared_radius(planes, first, last, job.boxes_at(planes), rows, cols)


def _covers(mask: NDArray[np.bool_], region: NDArray[np.bool_]) -> bool:
    for axis in range(3):
        others = tuple({0, 1, 2} - {axis})
        own, whole = (np.flatnonzero(m.any(axis=others)) for m in (mask, region))
        if own.size == 0 or np.ptp(own) + 1 < LEAST_COVERAGE * (np.ptp(whole) + 1):
            return False
    return True
