"""Regions: a thing that stands out is found, the lesion is left alone, and results are kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from masam_core.data.cases import Case
from masam_core.image.geometry import Geometry
from masam_core.training import regions as module
from masam_core.training.prepared import PreparedCase, corners_of
from masam_core.training.regions import find_regions, kept_regions, region_case


@pytest.fixture
def scene() -> PreparedCase:
    """A bright ball and, elsewhere, a bright lesion on a dark, slightly noisy background."""
    shape = (18, 64, 80)
    z, y, x = np.indices(shape)
    ball = ((z - 9) / 4) ** 2 + ((y - 20) / 10) ** 2 + ((x - 22) / 12) ** 2 <= 1
    lesion = ((z - 9) / 4) ** 2 + ((y - 44) / 9) ** 2 + ((x - 58) / 9) ** 2 <= 1
    values = 0.2 + 0.5 * (ball | lesion) + np.random.default_rng(0).normal(0, 0.005, shape)
    frame = Geometry.from_spacing(shape, (1.0, 1.0, 3.0)).canonical_frame()
    case = Case("scene", "p", "MR", "train", Path("i"), Path("l"))
    return PreparedCase(case, values.astype(np.float16), lesion, frame, corners_of(lesion))


def test_a_ball_that_stands_out_is_found_and_the_lesion_is_not(scene: PreparedCase) -> None:
    found = find_regions(scene)
    assert found.boxes
    assert not any(scene.mask[found.labels == n].mean() > 0.2 for n in found.boxes)
    z, y, x = np.indices(scene.mask.shape)
    ball = ((z - 9) / 4) ** 2 + ((y - 20) / 10) ** 2 + ((x - 22) / 12) ** 2 <= 1
    overlaps = [
        2 * (ball & (found.labels == n)).sum() / (ball.sum() + (found.labels == n).sum())
        for n in found.boxes
    ]
    assert max(overlaps) > 0.8


def test_a_region_takes_the_lesions_place(scene: PreparedCase) -> None:
    case = region_case(replace(scene, regions=find_regions(scene)), np.random.default_rng(0))
    assert case is not None
    assert case.box == corners_of(case.mask)
    assert case.slices.shape == case.mask.shape
    assert case.mask.sum() != scene.mask.sum()


def test_an_image_without_regions_gives_none(scene: PreparedCase) -> None:
    assert region_case(scene, np.random.default_rng(0)) is None
    flat = replace(scene, slices=np.full_like(scene.slices, 0.5))
    assert not find_regions(flat).boxes


def test_kept_regions_are_those_that_were_found(
    scene: PreparedCase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = kept_regions(scene, tmp_path)
    monkeypatch.setattr(module, "find_regions", lambda prepared: pytest.fail("found again"))
    second = kept_regions(scene, tmp_path)
    assert second.boxes == first.boxes
    assert np.array_equal(second.labels, first.labels)


def test_lesions_of_one_image_share_regions_that_keep_clear_of_all(
    scene: PreparedCase, tmp_path: Path
) -> None:
    from masam_core.training.train import _with_regions

    z, y, x = np.indices(scene.mask.shape)
    ball = ((z - 9) / 4) ** 2 + ((y - 20) / 10) ** 2 + ((x - 22) / 12) ** 2 <= 1
    other = replace(scene, mask=ball, box=corners_of(ball))
    first, second = _with_regions([scene, other], tmp_path)
    assert first.regions is second.regions
    assert first.regions is not None
    for number in first.regions.boxes:
        assert (ball | scene.mask)[first.regions.labels == number].mean() <= 0.2
