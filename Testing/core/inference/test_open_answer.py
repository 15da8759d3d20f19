"""The third extent is found: how far a lesion reaches across slices that nobody named."""

from __future__ import annotations

import numpy as np
import pytest

from masam_core.image.geometry import Geometry
from masam_core.inference.answers import NOTHING_AT_CLICK, answer
from masam_core.inference.engine import Run
from masam_core.inference.growth import ROUNDS, grow
from masam_core.inference.on_slice import on_slice
from masam_core.inference.options import SegmentOptions
from masam_core.lesion.lesion import Lesion
from masam_core.prompts.first import FirstPrompt, LinePrompt, PointPrompt, SliceBoxPrompt
from masam_core.scoring.metrics import dice

from .fake_engine import FakeEngine, ellipsoid, image_of, sure_of

SHAPE = (48, 60, 64)
SPACING = (1.0, 1.0, 2.0)
MIDDLE = (24, 30, 32)
LESION = ellipsoid(SHAPE, MIDDLE, (15, 10, 12))  # longer than it is wide: 60 mm against 24
GEOMETRY = Geometry.from_spacing(SHAPE, SPACING)


def lps(*ijk: tuple[float, float, float]) -> np.ndarray:
    return GEOMETRY.lps_from_ijk(ijk)


def line(k: int = 24) -> LinePrompt:
    i = np.flatnonzero(LESION[k, 30])
    return LinePrompt(lps((i[0] - 0.5, 30, k), (i[-1] + 0.5, 30, k)), name="mass")


def slice_box(k: int = 24) -> SliceBoxPrompt:
    j, i = (np.flatnonzero(LESION[k].any(axis=axis)) for axis in (1, 0))
    low, high = (i[0] - 0.5, j[0] - 0.5), (i[-1] + 0.5, j[-1] + 0.5)
    corners = [low, (high[0], low[1]), high, (low[0], high[1])]
    return SliceBoxPrompt(lps(*[(*corner, k) for corner in corners]))


def engine(**config: object) -> FakeEngine:
    return FakeEngine(image_of(LESION, SPACING), sure_of(LESION), **config)


@pytest.mark.parametrize(
    "prompt", [line(), line(20), slice_box(), slice_box(29), PointPrompt(lps((32, 30, 24))[0])]
)
def test_the_whole_lesion_is_found_and_how_far_was_looked_is_told(prompt: FirstPrompt) -> None:
    lesion = answer(engine(), prompt, Run(SegmentOptions()))
    assert dice(lesion.mask_on_volume(), LESION) > 0.97
    assert lesion.looked_mm >= 31 * 2
    assert any(
        message.startswith(f"Looked {lesion.looked_mm:.0f} mm") and "62 mm (31 slices)" in message
        for message in lesion.messages
    )
    assert lesion.prompts.first is prompt
    assert lesion.name == (prompt.name or "Lesion")
    # The box that was found can be gone on with: it holds the lesion, tight across the slices.
    assert lesion.box.corners_ijk[:, 2].min() == pytest.approx(8.5, abs=1.1)
    assert lesion.box.corners_ijk[:, 2].max() == pytest.approx(39.5, abs=1.1)


def test_looking_goes_on_where_the_lesion_does_and_stops_where_it_ends() -> None:
    fake = engine()
    start = on_slice(line(), GEOMETRY, None)
    found = grow(fake, start, Run(SegmentOptions()))
    looks = [(job.allowed.first_slice, job.allowed.last_slice) for job in fake.jobs]
    assert len(looks) == 2
    assert looks[1][0] < looks[0][0]
    assert (found.first, found.last) == (9, 39)
    assert found.ended


def test_a_vessel_that_goes_on_for_ever_ends_the_search() -> None:
    tube = np.zeros((90, 60, 64), dtype=bool)
    tube[:, 26:35, 28:37] = True
    fake = FakeEngine(image_of(tube, SPACING), sure_of(tube))
    prompt = LinePrompt(fake.volume.geometry.lps_from_ijk([(28, 30, 45), (36, 30, 45)]))
    found = grow(fake, on_slice(prompt, fake.volume.geometry, None), Run(SegmentOptions()))
    assert len(fake.jobs) == ROUNDS
    assert not found.ended
    lesion = answer(fake, prompt, Run(SegmentOptions()))
    assert any("It may go on further." in message for message in lesion.messages)


def test_a_piece_that_is_not_connected_is_left_out() -> None:
    other = ellipsoid(SHAPE, (24, 30, 32), (4, 10, 12))
    beyond = np.zeros(SHAPE, dtype=bool)
    beyond[31:36, 28:33, 28:36] = True
    fake = FakeEngine(image_of(other | beyond, SPACING), sure_of(other | beyond))
    found = grow(fake, on_slice(line(), GEOMETRY, None), Run(SegmentOptions()))
    assert (found.first, found.last) == (20, 28)


def test_where_nothing_stands_out_the_depth_is_a_guess_and_said_to_be() -> None:
    nothing = np.zeros(SHAPE, dtype=bool)
    fake = FakeEngine(image_of(nothing, SPACING), sure_of(nothing))
    lesion = answer(fake, line(), Run(SegmentOptions()))
    assert any("the depth was guessed" in message for message in lesion.messages)
    assert not lesion.mask.any()


def clicked(fake: FakeEngine, *ijk: int) -> Lesion:
    prompt = PointPrompt(fake.volume.geometry.lps_from_ijk([ijk])[0])
    return answer(fake, prompt, Run(SegmentOptions()))


def test_a_click_at_the_images_edge_answers_the_lesion_that_was_clicked() -> None:
    node = ellipsoid(SHAPE, (24, 30, 3), (3, 3, 3))
    mass = ellipsoid(SHAPE, (24, 30, 22), (8, 12, 12))
    probability = np.select([node, mass], [0.9, 0.99], 0.02).astype(np.float32)
    fake = FakeEngine(image_of(node | mass, SPACING), lambda job: probability)
    mask = clicked(fake, 3, 30, 24).mask_on_volume()
    assert mask[24, 30, 3]
    assert dice(mask, node) > 0.9


@pytest.mark.parametrize("column", [32, 42])
def test_a_lesion_with_a_bright_rim_is_found_from_its_rim_and_from_its_middle(column: int) -> None:
    """The model outlines the rim alone."""
    rim = ellipsoid(SHAPE, MIDDLE, (9, 12, 12)) & ~ellipsoid(SHAPE, MIDDLE, (7, 9, 9))
    lesion = clicked(FakeEngine(image_of(rim, SPACING), sure_of(rim)), column, 30, 24)
    assert lesion.mask_on_volume()[rim].mean() > 0.95
    assert np.ptp(lesion.box.corners_ijk[:, 0]) == pytest.approx(25, abs=2)
    assert NOTHING_AT_CLICK not in lesion.messages


def test_a_click_beside_everything_is_said_to_have_found_nothing() -> None:
    """What lies near it is not taken for what was clicked."""
    other = ellipsoid(SHAPE, (24, 30, 37), (3, 3, 3))
    lesion = clicked(FakeEngine(image_of(other, SPACING), sure_of(other)), 32, 30, 24)
    assert NOTHING_AT_CLICK in lesion.messages
    assert any("nothing stands out at the click" in message for message in lesion.messages)
    assert np.argwhere(lesion.mask_on_volume()).tolist() == [[24, 30, 32]]
    assert lesion.known_confidence is None


def test_a_click_just_beside_a_lesion_takes_it_and_lies_in_the_mask() -> None:
    beside = int(np.flatnonzero(LESION[24, 30])[-1]) + 1
    mask = clicked(engine(), beside, 30, 24).mask_on_volume()
    assert mask[24, 30, beside]


def test_an_empty_answer_keeps_the_depth_that_was_guessed() -> None:
    nothing = np.zeros(SHAPE, dtype=bool)
    fake = FakeEngine(image_of(nothing, SPACING), sure_of(nothing))
    prompt = line()
    lesion = answer(fake, prompt, Run(SegmentOptions()))
    half = int(on_slice(prompt, GEOMETRY, None).half_depth)
    assert half > 1
    assert np.ptp(lesion.box.corners_ijk[:, 2]) == pytest.approx(2 * half + 1)


@pytest.mark.parametrize("prompt", [line(), slice_box(), PointPrompt(lps((32, 30, 24))[0])])
def test_who_drew_no_box_gets_no_advice_to_draw_it_otherwise(prompt: FirstPrompt) -> None:
    thin = LESION.copy()
    thin[:24], thin[25:] = False, False
    lesion = answer(
        FakeEngine(image_of(thin, SPACING), sure_of(thin)), prompt, Run(SegmentOptions())
    )
    assert not any("Set its first and last slice" in message for message in lesion.messages)


def test_the_note_tells_the_depth_after_the_box_was_extended() -> None:
    """The model sees more of a tube the farther it is asked to look."""
    tube = np.zeros((90, 60, 64), dtype=bool)
    tube[8:82, 26:35, 28:37] = True
    fake = FakeEngine(image_of(tube, SPACING), sure_of(tube))
    prompt = LinePrompt(fake.volume.geometry.lps_from_ijk([(28, 30, 45), (36, 30, 45)]))
    lesion = answer(fake, prompt, Run(SegmentOptions(extend="auto")))
    slices = int(lesion.mask.any(axis=(1, 2)).sum())
    note = next(message for message in lesion.messages if message.startswith("Looked"))
    assert slices == 74
    assert f"the lesion takes {slices * 2} mm ({slices} slices)." in note
    assert note.startswith(f"Looked {lesion.looked_mm:.0f} mm")
    assert lesion.looked_mm >= slices * 2
    assert "The box that was found cut the lesion off and was extended." in lesion.messages
    assert "The box cut the lesion off and was extended." not in lesion.messages
