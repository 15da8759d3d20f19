"""Where a mask lies in the image."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from masam_core.errors import SegmentationError
from masam_core.lesion.crops import crop_slices, tight_box, tight_slices


def test_the_tight_box_is_in_ijk_with_both_ends() -> None:
    mask = np.zeros((9, 8, 7), dtype=bool)
    mask[2:5, 3, 1:6] = True
    assert tight_box(mask) == (1, 5, 3, 3, 2, 4)
    with pytest.raises(ValueError, match="empty"):
        tight_box(np.zeros((2, 2, 2)))


def test_the_tight_slices_are_those_of_scipy() -> None:
    mask = np.random.default_rng(2).random((11, 12, 13)) > 0.995
    assert tight_slices(mask) == ndimage.find_objects(mask.astype(int))[0]
    assert tight_slices(np.zeros((2, 3, 4), dtype=bool)) is None


def test_a_crop_must_fit_in_its_image() -> None:
    assert crop_slices((1, 2, 3), (4, 3, 2), (5, 5, 5)) == np.s_[4:5, 3:5, 2:5]
    for offset in ((5, 3, 2), (4, 4, 2), (4, 3, 3), (-1, 0, 0)):
        with pytest.raises(SegmentationError, match="does not fit"):
            crop_slices((1, 2, 3), offset, (5, 5, 5))
