"""How sure the model is of a mask as a whole."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def confidence(probability: NDArray[np.float32], mask: NDArray[np.bool_]) -> float:
    """The Dice that the mask would have if the probabilities were right; 0 for an empty mask.

    For a mask M and independent voxels with probability p the expected Dice is close to
    ``2 sum_M p / (|M| + sum p)``.
    """
    size = int(mask.sum())
    if size == 0:
        return 0.0
    return float(
        2.0 * probability[mask].sum(dtype=np.float64) / (size + probability.sum(dtype=np.float64))
    )


def predicted_confidence(quality: NDArray[np.float64], mask: NDArray[np.bool_]) -> float:
    """What the quality head expects of the mask: the mean over slices, weighted by their area.

    Args:
        quality: (slices,) predicted Dice of each slice.
        mask: (slices, rows, columns).

    Returns:
        In [0, 1]; 0 for an empty mask.
    """
    areas = mask.sum(axis=(1, 2))
    if not areas.any():
        return 0.0
    return float(np.clip(np.average(quality, weights=areas), 0.0, 1.0))
