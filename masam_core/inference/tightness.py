"""A tight box is a promise: the lesion reaches its sides. A mask that doesn't is taken back to it.

The tightness of boxes as knowledge about the mask: Lempitsky et al., ICCV 2009.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from masam_core.inference.job import Job
from masam_core.inference.view import PRIOR_LOGIT, squared_radius

# Along each axis, of the box: boxes in training were at most 20 % too long.
REACH = (0.45, 0.6)
# Of the box's voxels. Of the 400 lesions of the training data none fills less than a tenth of its
# tight box, and one in a hundred less than 15 %.
FILL = (0.10, 0.15)
MOST_SHARE = 0.6  # at which the ellipsoid outvotes a network that is certain
THRESHOLDS = tuple(float(step) for step in np.linspace(-0.2, 0.2, 9))  # around the one in use


def respect_box(
    probability: NDArray[np.float32], job: Job, threshold: float
) -> tuple[NDArray[np.float32], float]:
    """Mix in the box's own shape, the more the less of the promise a mask keeps.

    A promise that is kept (the mask reaches over enough of the box along every axis, and fills
    enough of it) changes nothing; one that is broken altogether takes :data:`MOST_SHARE` of the
    ellipsoid; between them the share grows steadily. How much is kept is the mean over several
    thresholds, so that a slightly other probability gives a slightly other mask.

    Args:
        probability: (slices, rows, columns) on the job's extent.
        job: one box on one volume.
        threshold: above which a voxel belongs to the lesion.

    Returns:
        The probability, and the share of the inscribed ellipsoid in it: 0 where the promise is
        kept or the mask is empty (nothing was found, and a shape must not be made up).
    """
    region = job.region()
    if not ((probability >= threshold) & region).any():
        return probability, 0.0
    kept = [_kept((probability >= threshold + step) & region, region) for step in THRESHOLDS]
    reach, fill = np.mean(kept, axis=0)
    share = MOST_SHARE * max(_broken(float(reach), REACH), _broken(float(fill), FILL))
    if share == 0:
        return probability, 0.0
    ellipsoid = 1 / (1 + np.exp(-PRIOR_LOGIT * (1 - job_radius(job))))
    return ((1 - share) * probability + share * ellipsoid).astype(np.float32), share


def _broken(kept: float, ramp: tuple[float, float]) -> float:
    """How far a promise is broken, 0 to 1."""
    none, all_of_it = ramp
    return min(1.0, max(0.0, (all_of_it - kept) / (all_of_it - none)))


def _kept(mask: NDArray[np.bool_], region: NDArray[np.bool_]) -> tuple[float, float]:
    """Least share of the box's extent along an axis, and share of its voxels, in a mask."""
    reach = 1.0
    for axis in range(3):
        others = tuple({0, 1, 2} - {axis})
        own, whole = (np.flatnonzero(m.any(axis=others)) for m in (mask, region))
        length = np.ptp(own) + 1 if own.size else 0
        reach = min(reach, float(length / (np.ptp(whole) + 1)))
    return reach, float(mask.sum() / region.sum())


def job_radius(job: Job) -> NDArray[np.float64]:
    """:func:`squared_radius` of the ellipsoid inscribed in the prompt, on the extent's voxels."""
    planes, rows, cols = (np.arange(part.start, part.stop) for part in job.extent())
    first, last = job.prompt.first_slice, job.prompt.last_slice
    return squared_radius(planes, first, last, job.boxes_at(planes), rows, cols)
