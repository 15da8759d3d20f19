"""Outlines of any mask: filled again by counting crossings, measured by the shoelace formula."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from masam_core.export.dicom.outline import outlines


def filled(corners: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Pixels from whose centre a ray to the left crosses the outline an odd number of times."""
    rows, columns = np.indices(shape)
    inside = np.zeros(shape, bool)
    for (ax, ay), (bx, by) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        crosses = (ay > rows) != (by > rows)
        with np.errstate(divide="ignore", invalid="ignore"):
            at = ax + (rows - ay) / (by - ay) * (bx - ax)
        inside ^= crosses & (at < columns)
    return inside


def area(corners: np.ndarray) -> float:
    x, y = corners.T
    return abs(float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))) / 2


@given(arrays(bool, st.tuples(st.integers(1, 8), st.integers(1, 8))))
def test_an_outline_holds_the_centres_of_its_pixels_and_no_others(mask: np.ndarray) -> None:
    found = outlines(mask)
    layers = [filled(corners, mask.shape) for corners in found]
    assert np.array_equal(np.sum(layers, axis=0) if layers else np.zeros(mask.shape), mask)
    assert sum(area(corners) for corners in found) == mask.sum()


def test_a_ring_is_one_outline_with_a_channel_and_no_more_corners_than_it_needs() -> None:
    mask = np.ones((5, 5), bool)
    mask[2, 2] = False
    (ring,) = outlines(mask)
    assert len(ring) == 4 + 4 + 2  # rim, hole, and the channel's end at the rim, there and back
    assert ring.min() == -0.5
    assert ring.max() == 4.5
    (square,) = outlines(np.ones((2, 3), bool))
    assert sorted(map(tuple, square)) == [(-0.5, -0.5), (-0.5, 1.5), (2.5, -0.5), (2.5, 1.5)]


def test_pieces_that_touch_by_a_corner_are_apart() -> None:
    assert len(outlines(np.eye(3, dtype=bool))) == 3
    assert outlines(np.zeros((3, 3), bool)) == []
