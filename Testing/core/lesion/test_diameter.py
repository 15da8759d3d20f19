"""The two in-plane lines, against brute force over pixel corners and over clipped pixels."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage, spatial

from masam_core.lesion.diameter import convex_hull, longest_diameter

CORNERS = np.array([(-0.5, -0.5), (0.5, -0.5), (-0.5, 0.5), (0.5, 0.5)])

small_masks = hnp.arrays(
    bool, st.tuples(st.integers(1, 3), st.integers(1, 8), st.integers(1, 8))
).filter(np.any)
spacings = st.tuples(*[st.floats(0.3, 6.0)] * 3).map(np.array)


def regions_mm(mask, spacing):
    """(slice, pixel centres (n, 2) in mm as (i, j)) of each region of an axial KJI mask."""
    for k, pixels in enumerate(mask):
        labels, count = ndimage.label(pixels, structure=np.ones((3, 3)))
        for label in range(1, count + 1):
            yield k, np.argwhere(labels == label)[:, ::-1] * spacing[:2]


def corners_mm(centres, spacing):
    return (centres[:, None] + CORNERS * spacing[:2]).reshape(-1, 2)


def chord_by_clipping(centres, spacing, ends):
    """Widest cut across the line ``ends``: clip every pixel's rectangle with lines across it."""
    along = (ends[1] - ends[0]) / np.linalg.norm(ends[1] - ends[0])
    across = np.array([-along[1], along[0]])
    places = corners_mm(centres, spacing) @ along
    places = np.concatenate([places, np.linspace(places.min(), places.max(), 40)])
    widest = 0.0
    for place in places:
        low, high = np.full(len(centres), -np.inf), np.full(len(centres), np.inf)
        hit = np.ones(len(centres), dtype=bool)
        for axis in (0, 1):
            gap = centres[:, axis] - place * along[axis]
            half = spacing[axis] / 2
            if abs(across[axis]) < 1e-12:
                hit &= np.abs(gap) <= half + 1e-9
            else:
                cut = np.sort(np.stack([gap - half, gap + half]) / across[axis], axis=0)
                low, high = np.maximum(low, cut[0]), np.minimum(high, cut[1])
        hit &= low <= high + 1e-9
        if hit.any():
            widest = max(widest, high[hit].max() - low[hit].min())
    return widest


@settings(deadline=None, max_examples=60)
@given(mask=small_masks, spacing=spacings)
def test_both_lines_agree_with_brute_force(mask, spacing):
    found = longest_diameter(mask, spacing, 2)
    longest = {
        (k, index): spatial.distance.pdist(corners_mm(centres, spacing)).max()
        for index, (k, centres) in enumerate(regions_mm(mask, spacing))
    }
    assert found.length_mm == pytest.approx(max(longest.values()), abs=1e-5)

    ends = found.ends_ijk[:, :2] * spacing[:2]
    assert np.linalg.norm(ends[1] - ends[0]) == pytest.approx(found.length_mm, abs=1e-9)
    measured = [
        centres
        for k, centres in regions_mm(mask, spacing)
        if k == found.slice_index
        and spatial.distance.cdist(ends, corners_mm(centres, spacing)).min(axis=1).max() < 1e-9
    ]
    assert measured
    expected = [chord_by_clipping(centres, spacing, ends) for centres in measured]
    assert min(abs(found.perpendicular_mm - e) for e in expected) < 1e-5
    chord = (found.perpendicular_ends_ijk[:, :2]) * spacing[:2]
    assert (ends[1] - ends[0]) @ (chord[1] - chord[0]) == pytest.approx(0, abs=1e-6)


def test_a_single_voxel_is_measured_along_its_diagonals():
    found = longest_diameter(np.ones((1, 1, 1), dtype=bool), np.array([3.0, 3.0, 9.0]), 2)
    assert found.length_mm == pytest.approx(math.hypot(3, 3))
    assert found.perpendicular_mm == pytest.approx(math.hypot(3, 3))


def test_a_rectangle_is_measured_along_its_diagonal_with_unequal_pixels():
    mask = np.zeros((4, 20, 20), dtype=bool)
    mask[2, 3:7, 5:15] = True  # 10 pixels of 0.5 mm by 4 pixels of 2 mm: 5 mm x 8 mm
    found = longest_diameter(mask, np.array([0.5, 2.0, 7.0]), 2)
    assert found.length_mm == pytest.approx(math.hypot(5, 8))
    # The chord through the centre of a 5 x 8 rectangle at right angles to its diagonal.
    assert found.perpendicular_mm == pytest.approx(5 / (8 / math.hypot(5, 8)))
    assert found.slice_index == 2


@pytest.mark.parametrize("angle", [0.0, 17.0, 45.0, 118.0])
def test_a_rotated_ellipse_has_its_two_axes(angle):
    pixel, a, b = 0.5, 20.0, 9.0
    y, x = (np.indices((101, 101)) - 50) * pixel
    c, s = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    mask = ((x * c + y * s) / a) ** 2 + ((y * c - x * s) / b) ** 2 <= 1
    found = longest_diameter(mask[None], np.array([pixel, pixel, 3.0]), 2)
    # The outline of the pixels whose centres lie inside reaches at most one pixel diagonal further.
    assert 2 * a - pixel <= found.length_mm <= 2 * a + pixel * math.sqrt(2)
    assert 2 * b - pixel <= found.perpendicular_mm <= 2 * b + pixel * math.sqrt(2) + 0.3
    direction = np.diff(found.ends_ijk[:, :2], axis=0)[0]
    turned = math.degrees(math.atan2(direction[1], direction[0]))
    assert abs((turned - angle + 90) % 180 - 90) < 4


def test_slices_across_another_axis():
    mask = np.zeros((6, 5, 4), dtype=bool)
    mask[1:5, 3, 0:3] = True  # k 1..4, j 3, i 0..2: seen whole on the coronal slice j = 3
    found = longest_diameter(mask, np.array([1.0, 2.0, 3.0]), 1)
    assert found.slice_index == 3
    assert found.length_mm == pytest.approx(math.hypot(3 * 1.0, 4 * 3.0))
    assert found.ends_ijk[:, 1].tolist() == [3, 3]
    assert sorted(found.ends_ijk[:, 2].tolist()) == [0.5, 4.5]


def test_two_nodules_in_one_slice_are_not_one_long_lesion():
    mask = np.zeros((1, 30, 30), dtype=bool)
    mask[0, 5, 5:9] = True
    mask[0, 25, 5:8] = True
    found = longest_diameter(mask, np.ones(3), 2)
    assert found.length_mm == pytest.approx(math.hypot(4, 1))


def test_the_chord_is_taken_to_the_outer_outline_across_a_cavity():
    y, x = np.indices((61, 61)) - 30
    ring = (x**2 + y**2 <= 28**2) & (x**2 + y**2 > 15**2)
    disc = x**2 + y**2 <= 28**2
    spacing = np.ones(3)
    assert (
        longest_diameter(ring[None], spacing, 2).perpendicular_mm
        == longest_diameter(disc[None], spacing, 2).perpendicular_mm
    )


def test_of_equal_slices_the_one_with_the_larger_area_is_measured():
    mask = np.zeros((3, 10, 10), dtype=bool)
    mask[:, 2:8, 2:8] = True
    mask[0, 3:7, 3:7] = mask[2, 3:7, 3:7] = False
    assert longest_diameter(mask, np.ones(3), 2).slice_index == 1


@settings(deadline=None, max_examples=50)
@given(
    points=hnp.arrays(
        np.float64, st.tuples(st.integers(3, 30), st.just(2)), elements=st.integers(-9, 9)
    )
)
def test_the_hull_has_the_corners_that_scipy_finds(points):
    try:
        expected = points[spatial.ConvexHull(points).vertices]
    except spatial.QhullError:  # every point on one line
        return
    assert {tuple(p) for p in convex_hull(points)} == {tuple(p) for p in expected}


@pytest.mark.parametrize("axis", [-1, 3])
def test_an_axis_that_does_not_exist_is_refused(axis):
    with pytest.raises(ValueError, match="slice_axis"):
        longest_diameter(np.ones((1, 1, 1), dtype=bool), np.ones(3), axis)


def test_an_empty_mask_is_refused():
    with pytest.raises(ValueError, match="empty"):
        longest_diameter(np.zeros((2, 2, 2), dtype=bool), np.ones(3), 2)
