"""Telling Hounsfield units from other values, and padding from what was seen.

Padding is no evidence of CT: tools fill MR images with -1000, -1024, -2000 or -32768, too, where
they turn or crop them. CT shows itself by what lies between: air is a mode of its own with the
scanner's noise around it, and fat lies below zero, where the values of MR have nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LOW_HU = -500  # nothing but air, lung and padding is lower
LEAST_HU = -1200  # air with the noise of a low dose; what is lower is padding
# A single value is padding when it is this share of the image, and this many times as frequent as
# the values up to so many units away are on the average.
SPIKE_SHARE, SPIKE_TIMES, AROUND = 0.005, 8.0, 15
# A phantom has no more values than these beside its air; so many voxels are looked at first.
MOST_DRAWN, DRAWN = 8, 1000


def padding_in(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether each value is padding: below any air, or one low value that stands alone.

    Args:
        values: finite, flat.
    """
    found = values < LEAST_HU
    for value in _spikes(values):
        found |= np.rint(values) == value
    return found


def seen_values(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values of an image that is no CT, without padding and the rim that resampling made of it.

    Args:
        values: finite, flat.

    Returns:
        Those that are left; all where there is no padding, or nothing else.
    """
    padding = padding_in(values)
    if not padding.any() or padding.all():
        return values
    left = values[~padding]
    # Few negative values beside padding are mixtures of it and of what it surrounds.
    rim = left < (0 if np.mean(left < 0) < 0.1 else LOW_HU)
    return left if rim.all() else left[~rim]


def looks_like_ct(values: NDArray[np.float64]) -> bool:
    """Tell CT by its values: fat and tissue, or air with noise and tissue, as modes of their own.

    Air of one value (cut off, or filled in around the patient) says nothing. What interpolation
    leaves between padding and tissue is spread evenly and makes no mode. A phantom of a few values
    is CT where they are those of air and soft tissue.

    Args:
        values: finite, flat.
    """
    if not values.size or values.min() > LOW_HU:
        return False
    padding = padding_in(values)
    inside = values[~padding]
    if not inside.size:
        return False

    def share(low: float, high: float) -> float:
        return float(np.mean((inside >= low) & (inside < high)))

    few = np.unique(inside[:DRAWN])
    if few.size <= MOST_DRAWN and np.unique(inside).size <= MOST_DRAWN:
        # Drawn, not seen: no noise. Its values are taken at their word.
        tissues = inside[inside > LOW_HU]
        drawn_air = np.any((values >= LEAST_HU) & (values <= -900))
        return bool(drawn_air and tissues.size and -150 <= np.median(tissues) <= 100)
    tissue, between = share(-200, 300), share(-500, -250) / 250
    air, fat = share(LEAST_HU, -600), share(-200, -30)
    if tissue >= 0.3 and fat >= 0.05 and fat / 170 >= 3 * between:
        return bool(np.mean(values <= LOW_HU) >= 0.001)
    noisy_air = air >= 0.01 and air / 600 >= 2 * between and not _rings(values, inside)
    return bool(noisy_air and tissue >= 0.05 and np.median(inside[inside >= -200]) < 500)


def _spikes(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Low values, rounded, that stand alone."""
    low = np.rint(values[(values >= LEAST_HU) & (values <= LOW_HU)]).astype(np.int64)
    counts = np.bincount(low - LEAST_HU, minlength=LOW_HU - LEAST_HU + 1).astype(np.float64)
    window = np.ones(2 * AROUND + 1)
    found = np.zeros(counts.size, dtype=bool)
    while True:
        # Without those that are found: rounding may spread one value over two.
        left = np.where(found, 0.0, counts)
        neighbours = (np.convolve(left, window, "same") - left) / (2 * AROUND)
        bar = np.maximum(SPIKE_SHARE * values.size, SPIKE_TIMES * neighbours)
        more = left > bar
        if not more.any():
            return np.flatnonzero(found) + LEAST_HU
        found |= more


def _rings(values: NDArray[np.float64], inside: NDArray[np.float64]) -> bool:
    """Whether values lie below a constant one: what sharp interpolation makes around padding."""
    spikes = _spikes(values)
    if not spikes.size:
        return False
    return bool(np.mean(inside < spikes.max() - 1) > 0.002)
