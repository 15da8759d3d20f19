"""A lesion keeps a crop and gives back the whole grid."""

from __future__ import annotations

import numpy as np
import pytest

from masam_core.errors import SegmentationError
from masam_core.export.segmentation import write_probability
from masam_core.lesion.lesion import Lesion
from masam_core.prompts.boxes import BoxPrompt


def test_the_whole_grid_holds_the_crop_at_its_place(oblique_volume, make_lesion):
    mask = np.zeros((2, 3, 4), dtype=bool)
    mask[1, 2, 3] = mask[0, 0, 1] = True
    lesion = make_lesion(oblique_volume, (3, 4, 5), (4, 6, 8), mask=mask)
    whole = lesion.mask_on_volume()
    assert whole.dtype == bool
    assert whole.shape == oblique_volume.geometry.shape
    assert np.argwhere(whole).tolist() == [[3, 4, 6], [4, 6, 8]]
    probability = lesion.probability_on_volume()
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


def test_a_lesion_of_which_only_the_mask_is_known_says_so(
    oblique_volume, make_lesion, tmp_path
) -> None:
    lesion = make_lesion(oblique_volume, (3, 4, 5), (4, 6, 8), name="Liver", probability=None)
    assert lesion.mask_on_volume().sum() == 24
    with pytest.raises(SegmentationError, match="'Liver' has no probability map"):
        lesion.probability_on_volume()
    with pytest.raises(SegmentationError, match="'Liver' has no probability map"):
        write_probability(tmp_path / "p.nii.gz", [lesion], oblique_volume)
    assert not list(tmp_path.iterdir())


def test_a_mask_on_the_image_becomes_a_lesion_that_gives_it_back(oblique_volume) -> None:
    mask = np.zeros(oblique_volume.geometry.shape, dtype=bool)
    mask[3, 4, 5] = mask[4, 6, 8] = True
    box = BoxPrompt.from_voxels(5, 8, 4, 6, 3, 4, name="Liver")
    lesion = Lesion.from_mask(mask, oblique_volume, box)
    assert (lesion.name, lesion.offset_kji, lesion.mask.shape) == ("Liver", (3, 4, 5), (2, 3, 4))
    assert np.array_equal(lesion.mask_on_volume(), mask)
    values = oblique_volume.array[mask]
    assert lesion.measurements.voxels == 2
    assert lesion.measurements.mean == pytest.approx(values.mean())
    assert np.isnan(lesion.confidence)
    empty = Lesion.from_mask(np.zeros_like(mask), oblique_volume, box.renamed(""))
    assert empty.name == "Lesion"
    assert not empty.mask_on_volume().any()
    with pytest.raises(SegmentationError, match="they must be the same"):
        Lesion.from_mask(mask[1:], oblique_volume, box)
