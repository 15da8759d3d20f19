"""Sections, boxes and positions in display coordinates."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from masam_core.export.overlay.planes import (
    AXIAL,
    CORONAL,
    SAGITTAL,
    box_outline,
    canonical_crop,
    display_frame,
    lesion_view,
    planes_of,
    section,
    to_display_mm,
)
from masam_core.image.geometry import Geometry
from masam_core.prompts.boxes import BoxPrompt

SIGNED_AXES = [
    np.eye(3)[:, list(order)] * signs
    for order in itertools.permutations(range(3))
    for signs in itertools.product((1, -1), repeat=3)
]


@pytest.mark.parametrize("direction", SIGNED_AXES)
def test_display_axes_run_towards_s_p_and_l_in_all_48_storage_orders(direction):
    geometry = Geometry.from_spacing((4, 5, 6), (1.0, 2.0, 3.0), (7.0, 8.0, 9.0), direction)
    frame = display_frame(geometry)
    steps = frame.xyz_to_lps[:3, :3] / np.array(frame.spacing[::-1])
    np.testing.assert_allclose(steps, np.eye(3), atol=1e-12)
    # The centre of the lowest voxel along each axis is the lowest corner of the image.
    ends = geometry.lps_from_ijk([[0, 0, 0], [5, 4, 3]])
    lowest = frame.xyz_to_lps @ (0, 0, 0, 1)
    np.testing.assert_allclose(lowest[:3], ends.min(axis=0), atol=1e-12)


@settings(deadline=None, max_examples=60)
@given(
    direction=st.sampled_from(SIGNED_AXES),
    first=st.tuples(*[st.integers(0, 3)] * 3),
    seed=st.integers(0, 99),
)
def test_a_crop_turns_as_the_whole_image_does(direction, first, seed):
    geometry = Geometry.from_spacing((6, 7, 8), (1, 1, 1), (0, 0, 0), direction)
    frame = display_frame(geometry)
    crop = np.random.default_rng(seed).random((2, 3, 4)) > 0.5
    whole = np.zeros(geometry.shape, dtype=bool)
    whole[tuple(slice(a, a + n) for a, n in zip(first, crop.shape, strict=True))] = crop
    turned, offset = canonical_crop(crop, first, frame)
    placed = np.zeros(frame.shape, dtype=bool)
    placed[tuple(slice(a, a + n) for a, n in zip(offset, turned.shape, strict=True))] = turned
    np.testing.assert_array_equal(placed, frame.to_canonical(whole))


def test_the_acquired_plane_comes_first():
    sagittal = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])
    frame = display_frame(Geometry.from_spacing((5, 20, 20), (1, 1, 4), (0, 0, 0), sagittal))
    assert planes_of(frame) == (SAGITTAL, AXIAL, CORONAL)
    frame = display_frame(Geometry.from_spacing((5, 20, 20), (1, 1, 4)))
    assert planes_of(frame) == (AXIAL, CORONAL, SAGITTAL)
    assert planes_of(frame, first=1) == (CORONAL, AXIAL, SAGITTAL)
    thin = display_frame(Geometry.from_spacing((50, 20, 20), (0.8, 0.8, 0.7)))
    assert planes_of(thin)[0] == AXIAL


def test_display_millimetres_start_at_the_lowest_voxel_centre():
    flipped = np.diag([-1.0, 1.0, 1.0])
    frame = display_frame(Geometry.from_spacing((3, 4, 5), (0.5, 2, 6), (1, 1, 1), flipped))
    # i runs to the right, so i = 4 is the lowest along L.
    found = to_display_mm(np.array([[4.0, 1.0, 2.0], [4.5, 0.0, 0.0]]), frame)
    np.testing.assert_allclose(found, [[12.0, 2.0, 0.0], [0.0, 0.0, -0.25]])


def test_sections_of_an_array():
    array = np.arange(24).reshape(2, 3, 4)
    np.testing.assert_array_equal(section(array, AXIAL, 1), array[1])
    np.testing.assert_array_equal(section(array, CORONAL, 2), array[:, 2])
    np.testing.assert_array_equal(section(array, SAGITTAL, 0), array[:, :, 0])


def outline_of(box, plane, index, spacing=(1.0, 1.0, 1.0)):
    frame = display_frame(Geometry.from_spacing((20, 20, 20), spacing))
    return box_outline(box, frame, plane, index)


def test_an_upright_box_is_outlined_along_its_voxels_outer_edges():
    box = BoxPrompt.from_voxels(3, 5, 6, 9, 10, 12)
    corners = outline_of(box, AXIAL, 11, (0.5, 2.0, 3.0))
    assert {tuple(c) for c in corners} == {
        (1.25, 11.0),
        (2.75, 11.0),
        (1.25, 19.0),
        (2.75, 19.0),
    }
    assert outline_of(box, AXIAL, 13) is None
    corners = outline_of(box, CORONAL, 6, (0.5, 2.0, 3.0))
    assert {tuple(c) for c in corners} == {
        (1.25, 28.5),
        (2.75, 28.5),
        (1.25, 37.5),
        (2.75, 37.5),
    }


def test_a_box_on_its_edge_is_cut_into_a_diamond():
    turn = np.array([[np.sqrt(0.5), -np.sqrt(0.5), 0], [np.sqrt(0.5), np.sqrt(0.5), 0], [0, 0, 1]])
    bits = np.array([[n & 1, n >> 1 & 1, n >> 2 & 1] for n in range(8)]) - 0.5
    box = BoxPrompt((bits * (4, 4, 6)) @ turn.T + 10.0)
    half = 2 * np.sqrt(2)
    corners = outline_of(box, AXIAL, 10)
    expected = [(10 + half, 10), (10, 10 + half), (10 - half, 10), (10, 10 - half)]
    gaps = np.linalg.norm(np.array(expected)[:, None] - corners, axis=2)
    assert len(corners) == 4
    assert gaps.min(axis=1).max() < 1e-9
    # A coronal cut 1 mm off its middle is that much narrower on both sides.
    corners = outline_of(box, CORONAL, 11)
    assert np.ptp(corners, axis=0) == pytest.approx([2 * (half - 1), 6])


def test_a_lesion_is_shown_on_the_slice_of_its_diameter(oblique_volume, make_lesion):
    mask = np.ones((3, 4, 4), dtype=bool)
    mask[0, :2] = mask[2, :, 1:] = False
    lesion = make_lesion(oblique_volume, (2, 5, 4), (4, 8, 7), mask=mask)
    view = lesion_view(lesion, display_frame(oblique_volume.geometry), 2.0, 1.0)
    assert lesion.measurements.diameter_slice == 3
    assert view.index[0] == 9 - 1 - 3  # k runs downwards in this image
    # The largest side is 3 slices of 3 mm.
    assert view.side == pytest.approx(18.0)


def test_an_empty_lesion_is_shown_through_the_middle_of_its_box(oblique_volume, make_lesion):
    empty = make_lesion(oblique_volume, (2, 4, 4), (4, 8, 6), mask=np.zeros((3, 5, 3), dtype=bool))
    view = lesion_view(empty, display_frame(oblique_volume.geometry), 1.5, 1.0)
    assert view.index == (9 - 1 - 3, 6, 5)


def test_the_view_stays_inside_the_image_and_is_never_larger(oblique_volume, make_lesion):
    frame = display_frame(oblique_volume.geometry)
    lesion = make_lesion(oblique_volume, (0, 0, 0), (1, 1, 1))
    view = lesion_view(lesion, frame, 1.5, 6.0)
    assert view.side == pytest.approx(9.0)
    for axis in range(3):
        low, high = view.bounds(axis)
        assert low >= -0.5 * frame.spacing[axis] - 1e-9
        assert high <= (frame.shape[axis] - 0.5) * frame.spacing[axis] + 1e-9
    assert lesion_view(lesion, frame, 1.5, 500.0).side == pytest.approx(9 * 3.0)


def test_the_position_of_a_plane_is_given_in_patient_coordinates(make_lesion, oblique_volume):
    frame = display_frame(oblique_volume.geometry)
    lesion = make_lesion(oblique_volume, (3, 6, 5), (3, 6, 5))
    view = lesion_view(lesion, frame, 2.0, 1.0)
    left, posterior, superior = oblique_volume.geometry.lps_from_ijk([[5, 6, 3]])[0]
    assert (left, posterior, superior) == pytest.approx((-10.50, 47.99, -1.75), abs=0.01)
    assert view.position(AXIAL) == "I 1.8 mm"
    assert view.position(CORONAL) == "P 48.0 mm"
    assert view.position(SAGITTAL) == "R 10.5 mm"
