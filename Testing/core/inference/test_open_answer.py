"""The third extent is found: how far a lesion reaches across slices that nobody named."""

from __future__ import annotations

import numpy as np
import pytest

from masam_core.image.geometry import Geometry
from masam_core.inference.answers import answer
from masam_core.inference.engine import Run
from masam_core.inference.growth import ROUNDS, grow
from masam_core.inference.on_slice import on_slice
from masam_core.inference.options import SegmentOptions
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
