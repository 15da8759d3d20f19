"""Lines, boxes on a slice and clicks as a 2D box on a slice, against results by hand."""

from __future__ import annotations

import numpy as np
import pytest

from masam_core.image.geometry import Geometry
from masam_core.inference.on_slice import SHORT_AXIS, SIZES_MM, candidates, on_slice
from masam_core.inference.view import OPEN_LOGIT
from masam_core.model.config import ModelConfig
from masam_core.prompts.first import LinePrompt, PointPrompt, SliceBoxPrompt

SHAPE = (30, 100, 120)
GEOMETRY = Geometry.from_spacing(SHAPE, (0.5, 1.0, 4.0), (-10.0, 20.0, 5.0))
CONFIG = ModelConfig(backbone="vit_s14", image_size=56, field_of_view="prompt")


def lps(*ijk: tuple[float, float, float]) -> np.ndarray:
    return GEOMETRY.lps_from_ijk(ijk)


def test_a_line_along_an_axis_is_the_long_axis_of_an_ellipse() -> None:
    place = on_slice(LinePrompt(lps((30, 50, 12), (70, 50, 12))), GEOMETRY, None)  # 20 mm
    x0, y0, x1, y1 = place.xyxy
    assert place.index == 12
    assert (x0, x1) == (30, 70)
    assert (y1 - y0) * 1.0 == pytest.approx(SHORT_AXIS * 20)
    assert (y0 + y1) / 2 == pytest.approx(50)


def test_a_line_across_gives_the_short_axis_and_moves_the_middle() -> None:
    prompt = LinePrompt(lps((30, 50, 12), (70, 50, 12)), lps((50, 46, 12), (50, 58, 12)))
    assert on_slice(prompt, GEOMETRY, None).xyxy == pytest.approx([30, 46, 70, 58])


def test_a_slanted_lines_box_holds_the_ellipse_point_by_point() -> None:
    start, end = np.array([40.0, 30.0]), np.array([80.0, 60.0])  # i, j: 20 and 30 mm
    prompt = LinePrompt(lps((*start, 12), (*end, 12)))
    place = on_slice(prompt, GEOMETRY, None)
    scale = np.array([0.5, 1.0])
    along = (end - start) * scale
    normal = np.array([-along[1], along[0]]) * SHORT_AXIS
    turn = np.linspace(0, 2 * np.pi, 2000)[:, None]
    outline = (start + end) / 2 + (np.cos(turn) * along + np.sin(turn) * normal) / 2 / scale
    low = np.minimum(outline.min(axis=0), start)
    high = np.maximum(outline.max(axis=0), end)
    assert place.xyxy == pytest.approx([*low, *high], abs=1e-3)


def test_a_box_on_a_coronal_slice_is_asked_across_that_slice() -> None:
    corners = lps((40, 50, 8), (60, 50, 8), (60, 50, 14), (40, 50, 14))
    place = on_slice(SliceBoxPrompt(corners), GEOMETRY, None)
    assert place.frame.axes[0] == 1
    assert place.index == 50
    assert place.xyxy == pytest.approx([40, 8, 60, 14])
    assert on_slice(SliceBoxPrompt(corners), GEOMETRY, 2).frame.axes[0] == 2  # the user's word


def test_the_guess_is_a_spheroid_as_deep_as_it_is_wide_on_average() -> None:
    corners = lps((30, 40, 12), (70, 40, 12), (70, 70, 12), (30, 70, 12))  # 20 x 30 mm
    place = on_slice(SliceBoxPrompt(corners), GEOMETRY, None)
    assert place.half_depth == pytest.approx((10 + 15) / 2 / 4)
    job = place.job(5, 20, CONFIG)
    assert (job.depth.first + job.depth.last) / 2 == 12
    assert job.depth.last - job.depth.first + 1 == pytest.approx(2 * place.half_depth)
    prior = job.prior(np.arange(5, 21), CONFIG)
    assert float(prior.max()) <= OPEN_LOGIT
    assert float(prior[12 - 5].max()) > 0.9 * OPEN_LOGIT
    assert float(prior[0].max()) < 0
    assert len(job.prompt.xyxy) == 16
    # Elsewhere the lesion may be wider than on the prompt's slice, as far as the crop shows.
    assert job.allowed.bounds[0] < 30
    assert job.crop.holds(job.prompt.bounds)


def test_the_found_box_is_in_voxels_of_the_volume() -> None:
    place = on_slice(LinePrompt(lps((30, 50, 12), (70, 50, 12))), GEOMETRY, None)
    box = place.box(10, 15, np.array([29.5, 40.5, 70.5, 60.5]), "node")
    assert box.corners_ijk[0] == pytest.approx([29.5, 40.5, 9.5])
    assert box.corners_ijk[7] == pytest.approx([70.5, 60.5, 15.5])
    assert box.name == "node"


def test_a_clicks_candidates_are_squares_of_known_sizes_around_it() -> None:
    found = candidates(PointPrompt(lps((60, 50, 7))[0]), GEOMETRY, None)
    sides = [place.xyxy[2:] - place.xyxy[:2] for place in found]
    assert [tuple(side * [0.5, 1.0]) for side in sides[:3]] == [
        pytest.approx((size, size)) for size in SIZES_MM[:3]
    ]
    assert all(place.index == 7 for place in found)
    assert all(
        (place.xyxy[:2] + place.xyxy[2:]) / 2 == pytest.approx([60, 50]) for place in found[:3]
    )


def test_a_prompt_at_the_volumes_edge_stays_within_it() -> None:
    found = candidates(PointPrompt(lps((0, 0, 0))[0]), GEOMETRY, None)
    assert all((place.xyxy >= -0.5).all() for place in found)
