"""A lesion keeps a crop and gives back the whole grid."""

from __future__ import annotations

import numpy as np
import pytest

from masam_core.errors import SegmentationError


def test_the_whole_grid_holds_the_crop_at_its_place(oblique_volume, make_lesion):
    mask = np.zeros((2, 3, 4), dtype=bool)
    mask[1, 2, 3] = mask[0, 0, 1] = True
    lesion = make_lesion(oblique_volume, (3, 4, 5), (4, 6, 8), mask=mask)
    whole = lesion.full_mask()
    assert whole.dtype == np.uint8
    assert whole.shape == oblique_volume.geometry.shape
    assert np.argwhere(whole).tolist() == [[3, 4, 6], [4, 6, 8]]
    probability = lesion.full_probability()
    assert probability.dtype == np.float32
    assert probability[4, 6, 8] == np.float32(0.8)
    assert probability[3, 4, 5] == np.float32(0.2)
    assert np.count_nonzero(probability) == mask.size


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"offset_kji": (8, 0, 0)}, "does not fit"),
        ({"offset_kji": (-1, 0, 0)}, "does not fit"),
        ({"probability": np.zeros((2, 3, 5), np.float32)}, "probability map"),
        ({"mask": np.zeros((2, 3, 4), np.uint8)}, "true/false"),
        ({"mask": np.zeros((2, 3), bool)}, "3D"),
    ],
)
def test_arrays_that_do_not_fit_together_are_refused(oblique_volume, make_lesion, change, message):
    with pytest.raises(SegmentationError, match=message):
        make_lesion(oblique_volume, (3, 4, 5), (4, 6, 8), **change)
