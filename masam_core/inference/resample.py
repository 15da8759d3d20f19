"""Bilinear resampling of a part of an image, from the samples that this part needs."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def bilinear_part(have: int, want: int, part: slice, multiple: int = 1) -> tuple[slice, Tensor]:
    """Samples and weights for a part of a resampled axis.

    The weights are those of ``torch.nn.functional.interpolate(mode="bilinear",
    align_corners=False)``: output n lies at (n + 1/2) * have / want - 1/2, and beyond the first and
    last sample the values go on unchanged.

    Args:
        have: samples of the whole axis.
        want: outputs of the whole axis.
        part: the outputs that are wanted, not empty.
        multiple: begin and end the samples at multiples of this.

    Returns:
        The samples needed, n of them, and the weights (outputs in the part, n).
    """
    outputs = np.arange(part.start, part.stop)
    place = np.clip((outputs + 0.5) * have / want - 0.5, 0, have - 1)
    low = np.floor(place).astype(np.int64)
    high = np.minimum(low + 1, have - 1)
    first = int(low[0]) // multiple * multiple
    last = min(have, -(-(int(high[-1]) + 1) // multiple) * multiple)
    weights = np.zeros((len(outputs), last - first))
    row = np.arange(len(outputs))
    np.add.at(weights, (row, low - first), 1 - (place - low))
    np.add.at(weights, (row, high - first), place - low)
    return slice(first, last), torch.from_numpy(weights.astype(np.float32))
