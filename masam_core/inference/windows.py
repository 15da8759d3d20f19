"""Which windows of slices are computed for a box, and how they overlap."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from masam_core.inference.quality import Quality


def stride_of(quality: Quality, num_slices: int) -> int:
    """Slices between window starts.

    ``best`` is 1, as in the paper (a model that sees crops averages several views at ``balanced``
    instead, see ``viewpoints``); ``fast`` sets windows side by side; ``balanced`` lets each
    slice be seen by about two windows.

    Raises:
        ConfigError: another word.
    """
    strides = {
        Quality.FAST: num_slices,
        Quality.BALANCED: (num_slices + 1) // 2,
        Quality.BEST: 1,
    }
    return strides[Quality.read(quality, "Quality")]


def window_starts(first: int, last: int, num_slices: int, stride: int) -> list[int]:
    """First slices of every window that meets the slices ``first`` to ``last``.

    Starts are multiples of the stride, whatever the box, so that two boxes on the same slices
    share their windows. A window may begin before slice 0 or end after the last slice.
    """
    lowest = first - num_slices + 1
    start = -(-lowest // stride) * stride
    return list(range(start, last + 1, stride))


def window_slices(start: int, num_slices: int, count: int) -> NDArray[np.int64]:
    """Slice indices of a window in a volume of ``count`` slices, the edge slices repeated."""
    return np.clip(np.arange(start, start + num_slices), 0, count - 1)
