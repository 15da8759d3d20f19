"""The box that cuts: which sides, how sure, and extending it until nothing is cut."""

from __future__ import annotations

import math

import numpy as np
import pytest

from masam_core.image.geometry import Geometry
from masam_core.image.volume import Volume
from masam_core.inference.answers import answer
from masam_core.inference.engine import Run
from masam_core.inference.extending import end_of, moved
from masam_core.inference.options import SegmentOptions
from masam_core.lesion.cut import Side
from masam_core.lesion.lesion import Lesion
from masam_core.prompts.boxes import BoxPrompt
from masam_core.scoring.metrics import dice

from .fake_engine import FakeEngine, ellipsoid, image_of, sure_of

SHAPE = (40, 60, 64)
LESION = ellipsoid(SHAPE, (20, 30, 32), (9, 11, 12))
TIGHT = (20, 44, 19, 41, 11, 29)
SPACING = (1.0, 1.0, 2.0)


@pytest.fixture(scope="module")
def volume() -> Volume:
    return image_of(LESION, SPACING)


def ask(volume: Volume, box: tuple[int, ...] | BoxPrompt, **settings: object) -> Lesion:
    """As a network does that keeps to its box: nothing beyond it, and unsure at its sides."""
    prompt = box if isinstance(box, BoxPrompt) else BoxPrompt.from_voxels(*box)

    def says(job: object) -> np.ndarray:
        inside = np.zeros(SHAPE, dtype=bool)
        inside[job.without_halo().extent()] = job.without_halo().region()
        return np.where(LESION & inside, 0.95, 0.02).astype(np.float32)

    engine = FakeEngine(volume, says, shape_prior="none")
    return answer(engine, prompt, Run(SegmentOptions().changed(**settings)))


@pytest.mark.parametrize(
    ("end", "value", "side"),
    [
        (0, 33, "right"),
        (1, 31, "left"),
        (2, 31, "front"),
        (3, 29, "back"),
        (4, 21, "lower"),
        (5, 19, "upper"),
    ],
)
def test_each_side_that_cuts_is_named_and_the_confidence_is_none(
    volume: Volume, end: int, value: int, side: str
) -> None:
    box = list(TIGHT)
    box[end] = value  # about half of the lesion
    lesion = ask(volume, tuple(box))
    assert [cut.side.value for cut in lesion.cuts] == [side]
    assert lesion.cuts[0].certainty > 0.5
    assert math.isnan(lesion.confidence)
    assert lesion.known_confidence is None
    assert any(f"cut the lesion off at its {side}" in message for message in lesion.messages)
    # The area is that of the lesion's cross-section there, counted by hand.
    axis = 2 - end // 2
    plane = int(LESION.take(value, axis=axis).sum())
    others = [s for a, s in enumerate(SPACING[::-1]) if a != axis]
    assert lesion.cuts[0].area_mm2 == pytest.approx(plane * np.prod(others), rel=0.1)


def test_a_tight_box_cuts_nothing(volume: Volume) -> None:
    lesion = ask(volume, TIGHT)
    assert lesion.cuts == ()
    assert lesion.confidence > 0.8


def test_a_lesion_that_is_flat_by_itself_is_not_cut() -> None:
    """It ends flat at the box's side, but so does the image."""
    slab = np.zeros(SHAPE, dtype=bool)
    slab[12:28, 20:40, 20:44] = True
    box = BoxPrompt.from_voxels(20, 43, 20, 39, 12, 27)
    engine = FakeEngine(image_of(slab, SPACING), sure_of(slab), shape_prior="none")
    assert answer(engine, box, Run(SegmentOptions())).cuts == ()


def test_the_end_of_the_volume_is_no_cut() -> None:
    half = ellipsoid(SHAPE, (20, 30, 0), (9, 11, 12))
    box = BoxPrompt.from_voxels(0, 12, 19, 41, 11, 29)
    engine = FakeEngine(image_of(half, SPACING), sure_of(half), shape_prior="none")
    assert answer(engine, box, Run(SegmentOptions())).cuts == ()


def test_what_the_network_sees_beyond_a_side_is_enough(volume: Volume) -> None:
    """Where the mask ends round, as it does when a network trusts the box too much."""
    round_off = ellipsoid(SHAPE, (20, 30, 26), (9, 11, 6.5))
    said = np.where(round_off | (LESION & (np.arange(64) >= 33)), 0.9, 0.02).astype(np.float32)
    engine = FakeEngine(volume, lambda job: said, shape_prior="none")
    lesion = answer(engine, BoxPrompt.from_voxels(20, 32, 19, 41, 11, 29), Run(SegmentOptions()))
    assert [cut.side.value for cut in lesion.cuts] == ["left"]


@pytest.mark.parametrize("end", range(6))
def test_extending_finds_the_whole_lesion(volume: Volume, end: int) -> None:
    box = list(TIGHT)
    middle = (32, 30, 20)[end // 2]
    box[end] = middle + (2 if end % 2 == 0 else -2)
    before = dice(ask(volume, tuple(box)).mask_on_volume(), LESION)
    lesion = ask(volume, tuple(box), extend="auto")
    assert before < 0.75
    assert dice(lesion.mask_on_volume(), LESION) > 0.98
    assert lesion.cuts == ()
    assert not math.isnan(lesion.confidence)
    assert any("was extended" in message for message in lesion.messages)
    # The box that was found is tight again, and the record keeps the user's.
    ends = np.stack([lesion.box.corners_ijk.min(axis=0), lesion.box.corners_ijk.max(axis=0)])
    assert np.abs(ends.T.reshape(-1) - (np.array(TIGHT) + [-0.5, 0.5] * 3)).max() < 1.01
    assert np.array_equal(lesion.prompts.first.corners_ijk, BoxPrompt.from_voxels(*box).corners_ijk)


def test_extending_is_bounded() -> None:
    """In an image that goes on for ever the box stops growing, and the cut is told."""
    endless = np.ones((40, 200, 200), dtype=bool)
    volume = image_of(endless, SPACING)
    engine = FakeEngine(volume, sure_of(endless), shape_prior="none")
    box = BoxPrompt.from_voxels(90, 96, 90, 96, 18, 22)
    lesion = answer(engine, box, Run(SegmentOptions(extend="auto")))
    assert lesion.cuts
    assert len(engine.jobs) <= 8
    assert not lesion.mask_on_volume().all()


def test_a_turned_boxs_own_end_is_moved() -> None:
    geometry = Geometry.from_spacing(SHAPE, SPACING)
    angle = np.deg2rad(20)
    axes = np.array(
        [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]]
    )
    box = BoxPrompt.from_oriented((30, 30, 40), axes, (20, 10, 16), geometry)
    assert end_of(Side.LEFT, box, geometry) == (0, 1)
    assert end_of(Side.FRONT, box, geometry) == (1, 0)
    longer = moved(box, {(0, 1)})
    edge = geometry.lps_from_ijk(longer.corners_ijk)
    assert np.linalg.norm(edge[1] - edge[0]) == pytest.approx(26.0)  # 30 % of 20 mm more
    assert np.allclose(longer.corners_ijk[[0, 2, 4, 6]], box.corners_ijk[[0, 2, 4, 6]])
