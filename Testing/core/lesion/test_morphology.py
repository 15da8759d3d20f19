"""Pieces, depth and neighbours, checked against scipy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from masam_core.lesion.morphology import (
    depth_in,
    label_pieces,
    with_neighbours,
    without_holes,
)

ndimage = pytest.importorskip("scipy.ndimage")
SHAPES = st.sampled_from([(7, 9), (5, 6, 7)])


@given(st.integers(0, 2**32 - 1), SHAPES, st.booleans(), st.floats(0.05, 0.95))
def test_pieces_are_scipys(seed: int, shape: tuple[int, ...], corners: bool, share: float) -> None:
    mask = np.random.default_rng(seed).random(shape) < share
    labels, count = label_pieces(mask, corners)
    structure = np.ones((3,) * len(shape)) if corners else None
    expected, expected_count = ndimage.label(mask, structure)
    assert count == expected_count
    assert len({*zip(labels.ravel(), expected.ravel(), strict=True)}) == count + (not mask.all())


@given(st.integers(0, 2**32 - 1), SHAPES)
def test_depth_and_neighbours_are_scipys(seed: int, shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(seed)
    mask = np.pad(rng.random(shape) < 0.7, 1)
    spacing = rng.uniform(0.4, 4, len(shape)).tolist()
    expected = ndimage.distance_transform_edt(mask, sampling=spacing)
    assert depth_in(mask, spacing) == pytest.approx(expected, abs=1e-4)
    assert depth_in(mask) == pytest.approx(ndimage.distance_transform_edt(mask), abs=1e-4)
    grown = ndimage.binary_dilation(mask, np.ones((3,) * len(shape)))
    assert np.array_equal(with_neighbours(mask), grown)
    assert np.array_equal(without_holes(mask), ndimage.binary_fill_holes(mask))


def test_an_empty_mask_has_no_pieces() -> None:
    labels, count = label_pieces(np.zeros((3, 4), dtype=bool))
    assert (count, labels.any()) == (0, False)
    assert not with_neighbours(np.zeros((3, 4, 5), dtype=bool)).any()
