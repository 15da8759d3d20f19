"""The sizes that training learns from, against counting by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from masam_core.training.learned_volumes import learned_volumes
from masam_core.training.prepared import PreparedCase


def test_volumes_of_each_class_are_those_of_whole_images(prepared: list[PreparedCase]) -> None:
    first, second = prepared[0], prepared[1]  # voxels of 1 x 1 x 2 mm
    mask = np.zeros(first.mask.shape, np.uint8)
    mask[0, 0, :5], mask[1, 0, :3] = 1, 3
    other = np.zeros(second.mask.shape, np.uint8)
    other[2, 2, :9] = 1
    cases = [replace(first, mask=mask), replace(second, mask=other)]
    found = learned_volumes(cases, 3)
    assert found == [pytest.approx((0.010, 0.018)), None, pytest.approx((0.006, 0.006))]
    # Two lesions of one image are found together, as one mask.
    parts = [replace(first, mask=mask == number) for number in (1, 3)]
    assert learned_volumes(parts, 1) == [pytest.approx((0.016, 0.016))]
    assert learned_volumes([], 2) == [None, None]
