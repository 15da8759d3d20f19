"""Volumes, boxes and settings in every form that a caller may have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from masam_core.errors import ConfigError, VolumeError
from masam_core.image.volume import Volume
from masam_core.inference.segmenter import Segmenter, SegmentOptions
from masam_core.lesion.cleaning import PostprocessOptions
from masam_core.prompts.boxes import BoxPrompt
from masam_core.prompts.roi import write_roi

from .conftest import BuildModel

SIX = (12, 32, 9, 29, 5, 13)


@pytest.fixture
def segmenter(build_model: BuildModel) -> Segmenter:
    return Segmenter(build_model(), device="cpu")


def test_every_form_of_a_volume_gives_the_same_mask(
    segmenter: Segmenter, volume: Volume, tmp_path: Path
) -> None:
    image = sitk.GetImageFromArray(volume.array)
    volume.geometry.apply_to_sitk(image)
    path = tmp_path / "ball.nrrd"
    sitk.WriteImage(image, str(path))
    grid = volume.geometry
    place = {"spacing": grid.spacing, "origin": grid.origin, "direction": grid.direction}
    forms: list[tuple[Any, dict[str, Any]]] = [
        (volume, {}),
        (path, {}),
        (str(path), {}),
        (image, {}),
        (volume.array, place),
    ]
    found = []
    for form, keywords in forms:
        segmenter.set_volume(form, "MR", **keywords)
        assert segmenter.volume.geometry.same_grid(grid)
        found.append(segmenter.segment(SIX))
    for lesion in found[1:]:
        assert np.array_equal(lesion.probability, found[0].probability)
        assert lesion.measurements.centroid_lps == pytest.approx(found[0].measurements.centroid_lps)


def test_every_form_of_a_box_gives_the_same_mask(
    segmenter: Segmenter, volume: Volume, tmp_path: Path
) -> None:
    segmenter.set_volume(volume)
    low, high = np.array(SIX[::2]), np.array(SIX[1::2])
    center = volume.geometry.lps_from_ijk([(low + high) / 2])[0]
    roi = tmp_path / "liver.mrk.json"
    write_roi(roi, center, (high - low + 1) * volume.geometry.spacing)
    box = BoxPrompt.from_voxels(*SIX)
    lesions = [segmenter.segment(form) for form in (box, SIX, list(SIX), np.array(SIX), roi)]
    lesions.append(segmenter.segment(str(roi)))
    for lesion in lesions[1:]:
        assert np.array_equal(lesion.mask_on_volume(), lesions[0].mask_on_volume())
    assert [lesion.name for lesion in lesions] == ["Lesion"] * 4 + ["liver"] * 2


def test_settings_may_be_given_by_name(segmenter: Segmenter, volume: Volume) -> None:
    segmenter.set_volume(volume)
    raw = PostprocessOptions(keep="all", fill_holes=False)
    options = SegmentOptions("best", threshold=0.4, margin_mm=3.0, postprocess=raw)
    expected = segmenter.segment(SIX, options).mask_on_volume()
    flat = {"quality": "best", "threshold": 0.4, "margin_mm": 3.0, "keep": "all"}
    assert np.array_equal(
        segmenter.segment(SIX, **flat, fill_holes=False).mask_on_volume(), expected
    )
    mixed = segmenter.segment(SIX, SegmentOptions("best", 0.4), margin_mm=3.0, postprocess=raw)
    assert np.array_equal(mixed.mask_on_volume(), expected)
    assert not np.array_equal(segmenter.segment(SIX).mask_on_volume(), expected)
    with pytest.raises(ConfigError, match="Unknown setting qualty; expected quality"):
        segmenter.segment(SIX, qualty="best")


def test_what_was_not_named_stays() -> None:
    options = SegmentOptions("best", 0.3, 1.5, PostprocessOptions(smooth_mm=2.0), 1)
    assert options.changed() == options
    assert options.changed(threshold=None) == SegmentOptions(
        "best", None, 1.5, PostprocessOptions(smooth_mm=2.0), 1
    )


@pytest.mark.parametrize(
    ("given", "keywords", "says"),
    [
        (np.zeros((3, 4, 5)), {}, "give spacing"),
        (np.zeros((3, 4)), {"spacing": (1, 1, 1)}, "2 dimensions"),
        (np.zeros((3, 4, 5), complex), {"spacing": (1, 1, 1)}, "complex128"),
        (np.zeros((3, 4, 5)), {"spacing": (1, 1)}, "The spacing is .*expected 3 numbers"),
        (np.zeros((3, 4, 5)), {"spacing": (1, 0, 1)}, "must be positive"),
        (np.zeros((3, 4, 5)), {"spacing": (1, 1, 1), "origin": 0}, "The origin is 0; expected 3"),
        (sitk.Image(3, 4, sitk.sitkUInt8), {}, "2D image"),
        (sitk.Image([3, 4, 5], sitk.sitkVectorUInt8, 3), {}, "3 values per voxel"),
        (sitk.Image(3, 4, 5, sitk.sitkUInt8), {"spacing": (1, 1, 1)}, "Leave them out"),
        (7, {}, "The image is a int"),
        ("gone.nii.gz", {}, "no image at gone.nii.gz"),
    ],
)
def test_what_is_no_volume_is_refused_in_words(
    segmenter: Segmenter, given: Any, keywords: dict[str, Any], says: str
) -> None:
    with pytest.raises(VolumeError, match=says):
        segmenter.set_volume(given, **keywords)
    with pytest.raises(ConfigError, match="Choose a volume"):
        segmenter.segment(SIX)
