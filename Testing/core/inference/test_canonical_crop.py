"""Crops go to the canonical frame and back, at their place."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from masam_core.image.geometry import Geometry
from masam_core.inference.canonical_crop import (
    canonical_voxels,
    crop_from_canonical,
    crop_to_canonical,
)

SHAPE = (5, 7, 9)
GRIDS = [
    (order, flips)
    for order in [(0, 1, 2), (2, 0, 1), (1, 2, 0)]
    for flips in product([False, True], repeat=3)
]


@pytest.mark.parametrize(("order", "flips"), GRIDS)
def test_a_crop_lies_where_the_whole_turned_volume_has_it(
    order: tuple[int, int, int], flips: tuple[bool, bool, bool]
) -> None:
    matrix = np.zeros((4, 4))
    for axis in range(3):
        matrix[order[axis], axis] = -1.0 if flips[axis] else 1.0
    matrix[3, 3] = 1
    frame = Geometry(SHAPE, matrix).canonical_frame()
    whole = np.arange(np.prod(SHAPE)).reshape(SHAPE)
    crop = whole[1:4, 2:6, 3:8]
    turned, first = crop_to_canonical(crop, (1, 2, 3), frame)
    place = tuple(slice(f, f + n) for f, n in zip(first, turned.shape, strict=True))
    assert np.array_equal(frame.to_canonical(whole)[place], turned)
    back, offset = crop_from_canonical(turned, first, frame)
    assert offset == (1, 2, 3)
    assert np.array_equal(back, crop)
    (voxel,) = canonical_voxels(np.array([[5, 4, 2]]), frame)
    assert frame.to_canonical(whole)[tuple(voxel)] == whole[2, 4, 5]
