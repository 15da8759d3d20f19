"""Bilinear resampling by matrices: of whole axes, and of the part of one that is needed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def bilinear_part(
    have: int, want: int, part: slice, multiple: int = 1
) -> tuple[slice, NDArray[np.float32]]:
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
    return slice(first, last), weights.astype(np.float32)


def averaging(have: int, want: int) -> NDArray[np.float32]:
    """Weights (want, have) of bilinear resampling that averages where it makes an axis shorter.

    They are those of ``torch.nn.functional.interpolate(mode="bilinear", align_corners=False,
    antialias=True)``, which are Pillow's: a triangle around each output's place,
    (n + 1/2) * have / want - 1/2, as wide as an output where that is wider than a sample.

    Args:
        have: samples of the axis.
        want: outputs.
    """
    step = have / want
    wide = max(1.0, step)
    centre = step * (np.arange(want) + 0.5)[:, None]
    place = np.arange(have)[None] + 0.5
    first, end = np.floor(centre - wide + 0.5), np.floor(centre + wide + 0.5)
    weights = np.maximum(0, 1 - np.abs(place - centre) / wide)
    weights *= (place > first) & (place < end)
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
