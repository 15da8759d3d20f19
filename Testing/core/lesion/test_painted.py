"""What was painted by hand, between two masks and voxel by voxel."""

from __future__ import annotations

import numpy as np
import pytest

from masam_core.errors import SegmentationError
from masam_core.lesion.painted import Painted


def test_the_difference_of_two_masks_is_what_was_painted() -> None:
    before, after = np.zeros((2, 6, 8, 9), dtype=bool)
    before[2, 3, 4] = before[3, 3, 4] = True
    after[3, 3, 4] = after[4, 5, 6] = True
    painted = Painted.between(before, after)
    assert painted.values.shape == (3, 3, 3)
    assert painted.voxels_ijk(1).tolist() == [[6, 5, 4]]
    assert painted.voxels_ijk(-1).tolist() == [[4, 3, 2]]


def test_where_nothing_was_painted_there_is_nothing() -> None:
    mask = np.ones((3, 3, 3), dtype=bool)
    assert len(Painted.between(mask, mask).voxels_ijk(1)) == 0


@pytest.mark.parametrize("values", [np.full((2, 2, 2), 3), np.zeros((2, 2))])
def test_other_values_are_refused(values: np.ndarray) -> None:
    with pytest.raises(SegmentationError, match="painted by hand"):
        Painted(values, (0, 0, 0))
