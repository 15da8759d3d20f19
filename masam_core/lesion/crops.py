"""Boxes around masks, in voxels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from masam_core.lesion.lesion import tight_slices


def tight_box(mask: NDArray[np.generic]) -> tuple[int, int, int, int, int, int]:
    """First and last voxel i0, i1, j0, j1, k0, k1 (both included) of a KJI mask.

    Raises:
        ValueError: the mask is empty, so it has no box.
    """
    tight = tight_slices(mask.astype(bool))
    if tight is None:
        raise ValueError("The mask is empty, so it has no box.")
    k, j, i = tight
    return i.start, i.stop - 1, j.start, j.stop - 1, k.start, k.stop - 1
