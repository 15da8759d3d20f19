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
