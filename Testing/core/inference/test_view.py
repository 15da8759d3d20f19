"""Crops, pixel coordinates and the ellipsoid prior, against plain formulas."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch.nn import functional as F

from masam_core.image.geometry import Geometry
from masam_core.inference.sliding import restored
from masam_core.inference.view import (
    PRIOR_LOGIT,
    Crop,
    choose_crop,
    ellipsoid_prior,
    local_channels,
    network_input,
    prompt_crop,
    slice_crop,
)
from masam_core.model.config import ModelConfig

CONFIG = ModelConfig(backbone="vit_s14", image_size=56)


def frame(rows: int = 60, cols: int = 80, row_mm: float = 1.0, col_mm: float = 1.0):
    return Geometry.from_spacing((9, rows, cols), (col_mm, row_mm, 4.0)).canonical_frame()


def random(*shape: int) -> NDArray[np.float32]:
    return np.random.default_rng(0).random(shape, dtype=np.float32)


@given(
    st.tuples(st.integers(-30, 30), st.integers(-30, 30)),
    st.tuples(st.integers(1, 90), st.integers(1, 90)),
    st.integers(1, 60),
    st.sampled_from([0.0, -3.0]),
)
@settings(deadline=None, max_examples=60)
def test_a_crop_is_what_pytorch_cuts_and_averages(
    corner: tuple[int, int], sides: tuple[int, int], size: int, outside: float
) -> None:
    slices, crop = random(2, 30, 40), Crop(*corner, *sides)
    padded = np.full((2, 160, 160), outside, np.float32)
    padded[:, 30:60, 30:70] = slices
    top, left = crop.y0 + 30, crop.x0 + 30
    cut = padded[:, top : top + crop.height, left : left + crop.width]
    expected = F.interpolate(
        torch.from_numpy(cut)[:, None], size=(size, size), mode="bilinear", antialias=True
    )
    assert np.allclose(crop.extract(slices, size, outside), expected[:, 0], atol=1e-5)


def test_a_crop_inside_the_slice_at_its_own_size_is_a_plain_cut() -> None:
    slices = random(2, 30, 40)
    out = Crop(5, 7, 16, 16).extract(slices, 16)
    assert np.allclose(out, slices[:, 7:23, 5:21], atol=1e-6)


def test_outside_the_slice_is_zero() -> None:
    out = Crop(-4, -6, 16, 16).extract(np.ones((1, 30, 40), np.float32), 16)[0]
    expected = np.zeros((16, 16))
    expected[6:, 4:] = 1
    assert np.allclose(out, expected, atol=1e-6)


def test_an_integer_reduction_averages_and_keeps_the_mean() -> None:
    slices = random(1, 32, 32)
    out = Crop(0, 0, 32, 32).extract(slices, 16)
    assert abs(float(out.mean() - slices.mean())) < 0.01
    assert float(out.std()) < float(slices.std())


@given(
    st.floats(-3, 60), st.floats(-3, 50), st.integers(-9, 9), st.integers(-9, 9), st.integers(4, 90)
)
@settings(deadline=None, max_examples=60)
def test_a_point_keeps_its_place_from_voxels_to_pixels(
    x: float, y: float, x0: int, y0: int, side: int
) -> None:
    pixels = Crop(x0, y0, side, side).to_pixels(np.array([[x, y, x, y]]), 56)[0]
    # the fraction of the crop to the left of the point is the same in voxels and in pixels
    assert (pixels[0] + 0.5) / 56 == pytest.approx((x + 0.5 - x0) / side, abs=1e-5)
    assert (pixels[1] + 0.5) / 56 == pytest.approx((y + 0.5 - y0) / side, abs=1e-5)


def test_a_box_that_fills_the_crop_fills_the_pixels() -> None:
    pixels = Crop(10, 20, 8, 8).to_pixels(np.array([[9.5, 19.5, 17.5, 27.5]]), 56)
    assert pixels[0].tolist() == [-0.5, -0.5, 55.5, 55.5]


def test_a_crop_holds_what_lies_inside_its_outer_edges() -> None:
    crop = Crop(10, 20, 8, 6)
    assert crop.holds((9.5, 19.5, 17.5, 25.5))
    for side, step in ((0, -0.1), (1, -0.1), (2, 0.1), (3, 0.1)):
        bounds = [9.5, 19.5, 17.5, 25.5]
        bounds[side] += step
        assert not crop.holds((bounds[0], bounds[1], bounds[2], bounds[3]))


def test_a_bright_disc_comes_back_where_it_was() -> None:
    rows, cols = np.mgrid[0:60, 0:80]
    disc = ((rows - 31.0) ** 2 + (cols - 44.0) ** 2 < 100).astype(np.float32)
    crop = Crop(24, 11, 40, 40)
    seen = crop.extract(disc[None], 56)
    back = restored(torch.from_numpy(seen[:, None]), crop)[0, 0].numpy() > 0.5
    original = disc[11:51, 24:64] > 0.5
    assert (back == original).mean() > 0.99


def test_whole_slice_view_is_square_in_mm_and_starts_at_the_corner() -> None:
    crop = slice_crop(frame(rows=60, cols=80, row_mm=2.0, col_mm=0.5))
    assert (crop.x0, crop.y0) == (0, 0)
    assert (crop.width * 0.5, crop.height * 2.0) == (120.0, 120.0)


@given(
    st.floats(0, 40),
    st.floats(0, 30),
    st.floats(9, 35),
    st.floats(9, 25),
    st.floats(0.4, 2.0),
    st.floats(0.4, 2.0),
)
@settings(deadline=None, max_examples=100)
def test_prompt_view_holds_the_box_at_a_bounded_scale(
    x: float, y: float, w: float, h: float, row_mm: float, col_mm: float
) -> None:
    crop = prompt_crop((x, y, x + w, y + h), frame(60, 80, row_mm, col_mm), 1.5)
    assert crop.x0 - 0.5 <= x
    assert x + w <= crop.x0 + crop.width - 0.5
    assert crop.y0 - 0.5 <= y
    assert y + h <= crop.y0 + crop.height - 0.5
    side = max(crop.width * col_mm, crop.height * row_mm)
    longest = max(w * col_mm, h * row_mm, 8 * max(row_mm, col_mm))
    assert side <= longest * 1.5 * 2**0.25 + max(row_mm, col_mm)
    assert crop.width * col_mm == pytest.approx(crop.height * row_mm, abs=row_mm + col_mm)


def test_small_edits_of_a_box_keep_the_crop() -> None:
    crops = {prompt_crop((20.0 + d, 20, 40, 38), frame(), 1.5) for d in np.linspace(0, 0.9, 10)}
    assert len(crops) <= 2


def test_field_of_view_follows_the_config() -> None:
    bounds = (10.0, 10.0, 20.0, 20.0)
    assert choose_crop(bounds, frame(), ModelConfig()) == slice_crop(frame())
    config = ModelConfig(field_of_view="prompt")
    assert choose_crop(bounds, frame(), config) == prompt_crop(bounds, frame(), 1.5)


def test_prior_is_the_literal_inscribed_ellipsoid() -> None:
    slices = np.arange(3, 9)
    box = np.array([10.0, 4.0, 40.0, 50.0], dtype=np.float32)
    prior = ellipsoid_prior(slices, 4, 7, np.tile(box, (6, 1)), CONFIG)
    assert prior.shape == (6, 1, 16, 16)
    for number, z in enumerate(slices):
        for row in (0, 5, 8, 15):
            for col in (1, 7, 12):
                x, y = (col + 0.5) * 3.5 - 0.5, (row + 0.5) * 3.5 - 0.5
                squared = ((x - 25) / 15) ** 2 + ((y - 27) / 23) ** 2 + ((z - 5.5) / 2) ** 2
                expected = max(-PRIOR_LOGIT, PRIOR_LOGIT * (1 - squared))
                assert float(prior[number, 0, row, col]) == pytest.approx(expected, abs=1e-4)


def test_local_channels_are_the_volumes_the_crops_and_the_middles_contrast() -> None:
    window = random(5, 64, 64) * 4 - 2
    window[:, 16:48, 16:48] = window[:, 16:48, 16:48] * 0.05 + 0.4  # a faint thing in the middle
    seen = local_channels(window)
    assert seen.shape == (5, 3, 64, 64)
    assert np.array_equal(seen[:, 0], window.clip(0, 1))
    for channel, part, tail in ((1, window, 1), (2, window[:, 16:48, 16:48], 2)):
        low, high = np.percentile(part[:, ::2, ::2], [tail, 100 - tail])
        expected = ((window - low) / (high - low)).clip(0, 1)
        assert np.abs(seen[:, channel] - expected).max() < 0.03
    middle = seen[:, :, 16:48, 16:48].std(axis=(0, 2, 3))
    assert middle[2] > 5 * middle[0]


def test_a_nearly_flat_crop_is_not_blown_up() -> None:
    window = np.float32(0.5) + np.float32(0.001) * random(5, 32, 32)
    assert local_channels(window).std(axis=(0, 2, 3)).max() < 0.05


def test_outside_the_slice_is_as_dark_as_its_darkest_place_where_values_are_not_cut() -> None:
    config = ModelConfig(backbone="vit_s14", image_size=56, channels="local")
    slices = random(5, 40, 40) - 3
    seen = network_input(slices, Crop(-20, -20, 56, 56), config)
    assert seen.shape == (5, 3, 56, 56)
    assert float(seen[:, 1, :20].max()) < 0.05
    assert np.array_equal(
        network_input(slices, Crop(2, 2, 20, 20), CONFIG), Crop(2, 2, 20, 20).extract(slices, 56)
    )


@pytest.mark.parametrize("gain", [0.5, 3.0])
def test_local_contrast_does_not_depend_on_the_scale_of_the_values(gain: float) -> None:
    window = random(5, 48, 48)
    first, second = local_channels(window), local_channels(np.float32(gain) * window + 7)
    assert np.allclose(first[:, 1:], second[:, 1:], atol=1e-4)
