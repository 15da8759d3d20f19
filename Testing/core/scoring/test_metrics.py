"""Overlap measures against hand-computed cases and volumes."""

from __future__ import annotations

import numpy as np
import pytest

from masam_core.lesion.crops import tight_box
from masam_core.scoring.metrics import dice, inscribed_ellipsoid


def test_dice_of_hand_counted_masks() -> None:
    a, b = np.zeros((2, 3, 4)), np.zeros((2, 3, 4))
    assert dice(a, b) == 1.0
    a[0, 0, :3] = 1
    assert dice(a, b) == 0.0
    b[0, 0, 1:] = 7
    assert dice(a, b) == pytest.approx(2 * 2 / 6)
    assert dice(a, a) == 1.0
    with pytest.raises(ValueError, match="one shape"):
        dice(a, b[:1])


def test_the_ellipsoid_fills_pi_sixths_of_its_box_and_touches_it() -> None:
    mask = inscribed_ellipsoid((60, 70, 80), (10, 69, 5, 44, 20, 49))
    assert mask.sum() == pytest.approx(np.pi / 6 * 60 * 40 * 30, rel=0.01)
    assert tight_box(mask) == (10, 69, 5, 44, 20, 49)


def test_the_ellipsoid_of_one_voxel_is_that_voxel() -> None:
    mask = inscribed_ellipsoid((3, 3, 3), (1, 1, 2, 2, 0, 0))
    assert np.argwhere(mask).tolist() == [[0, 2, 1]]
