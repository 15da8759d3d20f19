"""Patches: they show what they cover, go back to where they came from, and hold the prompt."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from masam_core.inference.patch import (
    MOST_STEP,
    PATCH_SHAPE,
    PROMPT_PIXELS,
    Patch,
    contrast,
    fade,
    patch_for,
    split,
)
from masam_core.model.corrector import contrast as trained_contrast


def test_a_patch_reads_what_linear_interpolation_reads() -> None:
    rng = np.random.default_rng(0)
    volume = ndimage.gaussian_filter(rng.normal(size=(30, 70, 80)), 2).astype(np.float32)
    patch = Patch(np.array([14.2, 33.7, 40.1]), np.array([0.9, 0.7, 0.6]), 1.3)
    places = np.meshgrid(*(patch.positions(axis) for axis in range(3)), indexing="ij")
    expected = ndimage.map_coordinates(volume, places, order=1, mode="nearest")
    assert np.abs(patch.extract(volume) - expected).max() < 1e-5


def test_a_coarse_patch_averages_what_lies_between_its_samples() -> None:
    stripes = np.zeros((20, 300, 300), dtype=np.float32)
    stripes[:, :, ::2] = 1  # every second column: half of it on the average
    patch = Patch(np.array([10.0, 150.0, 150.0]), np.array([1.0, 4.0, 4.0]), 0.25)
    assert patch.extract(stripes) == pytest.approx(0.5, abs=0.02)


def test_a_patch_on_the_grid_goes_back_as_it_came() -> None:
    rng = np.random.default_rng(1)
    volume = rng.normal(size=(20, 80, 90)).astype(np.float32)
    patch = Patch(np.array([9.5, 40.5, 44.5]), np.ones(3), 1.0)
    back, place = patch.put_back(patch.extract(volume), volume.shape)
    assert back.shape == PATCH_SHAPE
    np.testing.assert_allclose(back, volume[place], atol=1e-5)


@given(
    st.lists(st.floats(-3, 45), min_size=3, max_size=3),
    st.lists(st.floats(0.3, 3), min_size=3, max_size=3),
)
def test_a_patch_goes_back_only_to_voxels_that_it_covers(
    centre: list[float], step: list[float]
) -> None:
    shape = (12, 40, 42)
    inside = np.clip(centre, 0, np.array(shape) - 1)
    patch = Patch(inside, np.array(step), 1.0)
    ramp = np.add.outer(np.add.outer(np.arange(12.0), np.arange(40.0)), np.arange(42.0))
    back, place = patch.put_back(patch.extract(ramp), shape)
    assert back.shape == ramp[place].shape
    for axis, part in enumerate(place):
        positions = patch.positions(axis)
        assert 0 <= part.start < part.stop <= shape[axis]
        assert part.start >= np.floor(positions[0])
        assert part.stop - 1 <= np.ceil(positions[-1])
    assert np.isfinite(back).all()


@given(
    st.tuples(st.integers(0, 29), st.integers(0, 149), st.integers(0, 149)),
    st.tuples(st.integers(1, 25), st.integers(1, 120), st.integers(1, 120)),
    st.tuples(st.floats(0.4, 8), st.floats(0.3, 2), st.floats(0.3, 2)),
)
def test_the_patch_of_a_click_holds_the_click(
    click: tuple[int, ...], size: tuple[int, ...], spacing: tuple[float, ...]
) -> None:
    lesion = np.array([[2, 5, 5], [2 + size[0], 5 + size[1], 5 + size[2]]])
    patch = patch_for([click], lesion, spacing, (30, 150, 150))
    assert len(patch.nearest(np.array([click]))) == 1
    assert patch.step[0] >= 1 - 1e-9  # nothing between slices
    mm = patch.step * np.array(spacing)
    assert mm[1] == pytest.approx(mm[2])
    assert patch.z_px == pytest.approx(mm[0] / mm[1])


def test_a_long_scribble_fits_into_its_patch() -> None:
    line = [(10, 20, column) for column in range(10, 65)]
    patch = patch_for(line, [[5, 10, 10], [15, 40, 40]], (3, 1, 1), (30, 150, 150))
    columns = patch.nearest(np.array(line))[:, 2]
    assert np.ptp(columns) + 1 <= PROMPT_PIXELS + 2
    assert len(columns) > 30


def test_contrast_is_what_the_corrector_was_trained_with() -> None:
    image = np.random.default_rng(2).normal(40, 9, PATCH_SHAPE).astype(np.float32)
    expected = trained_contrast(torch.from_numpy(image)).numpy()
    assert np.allclose(contrast(image), expected, atol=1e-6)
    assert np.array_equal(contrast(np.ones(PATCH_SHAPE, np.float32)), np.zeros(PATCH_SHAPE))


def test_an_answer_fades_to_nothing_at_the_sides_of_the_patch() -> None:
    share = fade()
    assert share.shape == PATCH_SHAPE
    assert share[8, 32, 32] == 1
    for axis in range(3):
        assert not share.take(0, axis).any()
        assert np.array_equal(share, np.flip(share, axis))


@given(
    st.lists(
        st.tuples(st.integers(0, 79), st.integers(0, 399), st.integers(0, 399)),
        min_size=1,
        max_size=30,
    ),
    st.integers(1, 200),
    st.tuples(st.floats(0.4, 8), st.floats(0.3, 2), st.floats(0.3, 2)),
)
def test_all_of_a_long_prompt_lies_well_within_the_patches_of_its_runs(
    places: list[tuple[int, int, int]], size: int, spacing: tuple[float, float, float]
) -> None:
    voxels, lesion = np.array(places), np.array([[0, 0, 0], [9, size, size]])
    runs = split(voxels, lesion, spacing)
    assert sorted(np.concatenate(runs).tolist()) == list(range(len(voxels)))
    click = patch_for([[0, 0, 0]], lesion, spacing, (80, 400, 400))
    for run in runs:
        patch = patch_for(voxels[run], lesion, spacing, (80, 400, 400))
        assert patch.step[1] <= MOST_STEP * click.step[1] + 1e-9
        sample = (voxels[run] - patch.centre) / patch.step
        assert (np.abs(sample) < np.array(PATCH_SHAPE) / 2 - 1).all()
    if not np.ptp(voxels, axis=0).any():
        assert len(runs) == 1
