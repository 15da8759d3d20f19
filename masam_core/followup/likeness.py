"""How alike two images are under a transform, whatever their contrasts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

BINS = 24
LEAST_SAMPLES = 500


@dataclass(frozen=True)
class Likeness:
    """What was found.

    Attributes:
        value: in [0, 1]; the information coefficient of correlation sqrt(1 - exp(-2 MI)) (Linfoot,
            Information and Control 1 (1957) 85-89): of two images with Gaussian noise the size of
            their correlation, and the same for any relation of their values.
        overlap: share of the compared part of the later image that lies in the earlier one.
    """

    value: float
    overlap: float


def likeness(
    fixed: sitk.Image,
    moving: sitk.Image,
    transform: sitk.Transform,
    leave_out: NDArray[np.bool_] | None = None,
) -> Likeness:
    """Compare two images.

    Args:
        fixed: the later image, of single values.
        moving: the earlier one.
        transform: takes LPS mm of the later to LPS mm of the earlier one.
        leave_out: KJI on the later image's grid: what does not count, as a lesion that has grown.
    """
    moved = resampled_values(fixed, moving, transform)
    still = sitk.GetArrayViewFromImage(fixed)
    inside = np.isfinite(moved)
    counted = inside if leave_out is None else inside & ~leave_out
    of = inside.size if leave_out is None else max(1, int(np.count_nonzero(~leave_out)))
    overlap = float(np.count_nonzero(counted) / of)
    return Likeness(coefficient(still[counted], moved[counted]), overlap)


def resampled_values(
    fixed: sitk.Image, moving: sitk.Image, transform: sitk.Transform
) -> NDArray[np.float32]:
    """The earlier image on the later one's grid (KJI); NaN where it does not reach."""
    outside = float("nan")
    moved = sitk.Resample(moving, fixed, transform, sitk.sitkLinear, outside, sitk.sitkFloat32)
    return np.asarray(sitk.GetArrayFromImage(moved))


def coefficient(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Information coefficient of correlation of paired values, 0 where there is too little."""
    if a.size < LEAST_SAMPLES:
        return 0.0
    ranks = [_bins(values) for values in (a, b)]
    if any(found.max() == 0 for found in ranks):  # an even image says nothing
        return 0.0
    joint = np.bincount(ranks[0] * BINS + ranks[1], minlength=BINS * BINS).reshape(BINS, BINS)
    total = joint.sum()
    p = joint / total
    expected = p.sum(axis=1, keepdims=True) * p.sum(axis=0, keepdims=True)
    filled = p > 0
    information = float((p[filled] * np.log(p[filled] / expected[filled])).sum())
    # Few samples look alike by chance: Miller and Madow's correction of the bias.
    used = [np.count_nonzero(p.sum(axis=axis)) - 1 for axis in (0, 1)]
    information = max(0.0, information - used[0] * used[1] / (2 * total))
    return float(np.sqrt(1 - np.exp(-2 * information)))


def _bins(values: NDArray[np.float32]) -> NDArray[np.int64]:
    """Bins of even width between the rarest values."""
    low, high = np.percentile(values, (1, 99))
    if high <= low:
        return np.zeros(values.size, dtype=np.int64)
    scaled = (values - low) / (high - low) * BINS
    return np.clip(scaled.astype(np.int64), 0, BINS - 1)
