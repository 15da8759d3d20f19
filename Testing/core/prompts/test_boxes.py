"""Boxes cut into slices, against dense sampling; clipping and refusals."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import ndimage
from scipy.spatial.transform import Rotation

from masam_core.errors import BoxError
from masam_core.image.geometry import Geometry
from masam_core.prompts.boxes import BoxPrompt

AXIAL = Geometry.from_spacing((20, 40, 50), (1.0, 1.0, 2.5))
angles = st.tuples(*[st.floats(-60, 60)] * 3)


def turned(degrees: tuple[float, float, float]) -> np.ndarray:
    return np.asarray(Rotation.from_euler("xyz", degrees, degrees=True).as_matrix())


@given(
    st.tuples(st.integers(0, 40), st.integers(0, 30), st.integers(0, 12)),
    st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 7)),
)
@settings(deadline=None, max_examples=50)
def test_a_voxel_box_selects_exactly_its_voxels(
    low: tuple[int, int, int], extra: tuple[int, int, int]
) -> None:
    (i0, j0, k0), (i1, j1, k1) = low, [a + b for a, b in zip(low, extra, strict=True)]
    boxes = BoxPrompt.from_voxels(i0, i1, j0, j1, k0, k1).slice_boxes(AXIAL.canonical_frame())
    assert list(boxes.slices) == list(range(k0, k1 + 1))
    assert np.allclose(boxes.xyxy, [i0 - 0.5, j0 - 0.5, i1 + 0.5, j1 + 0.5])
    expected = np.zeros((40, 50), dtype=bool)
    expected[j0 : j1 + 1, i0 : i1 + 1] = True
    assert all(np.array_equal(plane, expected) for plane in boxes.region())
    assert boxes.messages == ()


@given(angles, angles, st.tuples(*[st.floats(5, 16)] * 3))
@example((0.0, 0.0, 0.0), (0.0, -6.103515625e-05, 0.0), (5.0, 5.0, 5.0))
@settings(deadline=None, max_examples=30)
def test_an_oblique_box_in_an_oblique_volume_is_the_extent_of_its_cut(
    volume_angles: tuple[float, float, float],
    box_angles: tuple[float, float, float],
    size: tuple[float, float, float],
) -> None:
    geometry = Geometry.from_spacing(
        (20, 40, 50), (1.0, 0.8, 2.5), (5.0, 6.0, 7.0), turned(volume_angles)
    )
    center = geometry.lps_from_ijk([[24, 21, 10]])[0]
    axes = turned(box_angles)
    box = BoxPrompt.from_oriented(center, axes, size, geometry)
    frame = geometry.canonical_frame()
    boxes = box.slice_boxes(frame)
    fine = 0.1
    for z in (boxes.first_slice, (boxes.first_slice + boxes.last_slice) // 2, boxes.last_slice):
        # Independently: sample the slice's plane densely, keep the points inside the box in mm.
        x, y = np.meshgrid(np.arange(-0.5, 49.5, fine), np.arange(-0.5, 39.5, fine))
        if frame.axes != (2, 1, 0):
            x, y = np.meshgrid(*[np.arange(-0.5, n - 0.5, fine) for n in frame.shape[:0:-1]])
        points = np.c_[x.ravel(), y.ravel(), np.full(x.size, float(z)), np.ones(x.size)]
        lps = (frame.xyz_to_lps @ points.T).T[:, :3]
        # Not those on a face: where it lies in the slice, rounding alone decides.
        inside = (np.abs((lps - center) @ axes) <= np.array(size) / 2 - 1e-3).all(axis=1)
        if not inside.any():
            continue  # a sliver between two sample points
        found = points[inside]
        expected = [found[:, 0].min(), found[:, 1].min(), found[:, 0].max(), found[:, 1].max()]
        got = boxes.xyxy[z - boxes.first_slice]
        assert (got[:2] <= np.array(expected[:2]) + 1e-6).all()
        assert (got[2:] >= np.array(expected[2:]) - 1e-6).all()
        # Nor much farther: slivers fall between points, so of a box larger by their distance.
        near = points[(np.abs((lps - center) @ axes) <= np.array(size) / 2 + fine).all(axis=1)]
        assert (got[:2] >= near[:, :2].min(axis=0) - 2 * fine).all()
        assert (got[2:] <= near[:, :2].max(axis=0) + 2 * fine).all()


@given(angles)
@settings(deadline=None, max_examples=30)
def test_every_voxel_inside_a_rotated_box_is_selected(
    box_angles: tuple[float, float, float],
) -> None:
    center, axes = AXIAL.lps_from_ijk([[24, 20, 9]])[0], turned(box_angles)
    size = np.array([18.0, 12.0, 20.0])
    box = BoxPrompt.from_oriented(center, axes, size, AXIAL)
    boxes = box.slice_boxes(AXIAL.canonical_frame())
    k, j, i = (n.ravel() for n in np.indices(AXIAL.shape))
    offsets = (AXIAL.lps_from_ijk(np.c_[i, j, k]) - center) @ axes
    inside = (np.abs(offsets) < size / 2 - 1e-6).all(axis=1).reshape(AXIAL.shape)
    region = np.zeros(AXIAL.shape, dtype=bool)
    region[boxes.first_slice : boxes.last_slice + 1] = boxes.region()
    assert inside.any()
    assert not (inside & ~region).any()


def test_physical_boxes_agree_in_lps_ras_and_oriented() -> None:
    geometry = Geometry.from_spacing((20, 40, 50), (1, 1, 2.5), (10, -30, 5), turned((5, 10, 20)))
    low, high = np.array([20.0, -10.0, 12.0]), np.array([34.0, 2.0, 40.0])
    lps = BoxPrompt.from_lps_bounds(low, high, geometry)
    ras = BoxPrompt.from_ras_bounds(
        [-high[0], -high[1], low[2]], [-low[0], -low[1], high[2]], geometry
    )
    oriented = BoxPrompt.from_oriented((low + high) / 2, np.eye(3), high - low, geometry)
    assert np.allclose(lps.corners_ijk, oriented.corners_ijk)
    assert np.allclose(lps.corners_ijk, ras.corners_ijk)
    expected = geometry.ijk_from_lps([low, high])
    assert np.allclose(lps.corners_ijk[[0, 7]], expected)


def test_a_margin_widens_every_side_in_mm() -> None:
    box = BoxPrompt.from_voxels(20, 25, 15, 18, 8, 10)
    boxes = box.slice_boxes(AXIAL.canonical_frame(), margin_mm=5.0)
    assert list(boxes.slices) == [6, 7, 8, 9, 10, 11, 12]
    assert np.allclose(boxes.xyxy, [14.5, 9.5, 30.5, 23.5])


def test_a_box_beyond_the_volume_is_cut_off_and_says_where() -> None:
    box = BoxPrompt.from_voxels(-4, 10, 30, 45, 15, 25)
    boxes = box.slice_boxes(AXIAL.canonical_frame())
    assert boxes.last_slice == 19
    assert boxes.bounds == (-0.5, 29.5, 10.5, 39.5)
    (message,) = boxes.messages
    assert "4.0 mm at its right side" in message
    assert "6.0 mm at its back side" in message
    assert "15.0 mm at its upper side" in message


def test_words_for_sides_follow_the_patient_not_the_array() -> None:
    flipped = Geometry.from_spacing((20, 40, 50), direction=np.diag([-1.0, -1.0, 1.0]))
    boxes = BoxPrompt.from_voxels(-4, 10, 5, 9, 3, 6).slice_boxes(flipped.canonical_frame())
    assert "4.0 mm at its left side" in boxes.messages[0]


@pytest.mark.parametrize(
    "voxels", [(60, 70, 5, 9, 3, 6), (5, 9, -9, -2, 3, 6), (5, 9, 5, 9, 25, 30)]
)
def test_a_box_outside_is_refused_with_both_extents(voxels: tuple[int, ...]) -> None:
    i0, i1, j0, j1, k0, k1 = voxels
    box = BoxPrompt.from_voxels(i0, i1, j0, j1, k0, k1)
    with pytest.raises(BoxError, match=r"outside the volume.*volume has 0\.\..*RAS mm"):
        box.slice_boxes(AXIAL.canonical_frame())


@pytest.mark.parametrize("z", [7.3, 7.5, 0.0, 19.4])
def test_a_box_thinner_than_a_slice_takes_the_nearest_slice(z: float) -> None:
    corners = BoxPrompt.from_voxels(10, 20, 10, 20, 0, 0).corners_ijk.copy()
    corners[:, 2] = z + np.where(corners[:, 2] < 0, -0.05, 0.05)
    boxes = BoxPrompt(corners).slice_boxes(AXIAL.canonical_frame())
    assert len(boxes.xyxy) == 1
    assert abs(boxes.first_slice - z) <= 0.5


def test_a_box_thinner_than_a_voxel_takes_the_nearest_voxels_and_says_so() -> None:
    corners = BoxPrompt.from_voxels(10, 10, 10, 20, 3, 6).corners_ijk.copy()
    corners[:, 0] = 10.3 + np.where(corners[:, 0] < 10, -0.1, 0.1)
    boxes = BoxPrompt(corners).slice_boxes(AXIAL.canonical_frame())
    assert (np.nonzero(boxes.region())[2] == 10).all()
    assert "thinner than a voxel" in boxes.messages[0]


@pytest.mark.parametrize(
    "make",
    [
        lambda: BoxPrompt.from_voxels(5, 4, 0, 1, 0, 1),
        lambda: BoxPrompt.from_lps_bounds([0, 0, 0], [1, -1, 1], AXIAL),
        lambda: BoxPrompt.from_ras_bounds([0, 0, 0], [1, 1, 0], AXIAL),
        lambda: BoxPrompt.from_oriented([0, 0, 0], np.eye(3), [1, 0, 1], AXIAL),
        lambda: BoxPrompt.from_oriented([0, np.nan, 0], np.eye(3), [1, 1, 1], AXIAL),
        lambda: BoxPrompt(np.zeros((8, 3))),
        lambda: BoxPrompt.from_labels(np.zeros((3, 3, 3), dtype=int)),
    ],
)
def test_what_is_no_box_is_refused(make: object) -> None:
    with pytest.raises(BoxError):
        make()  # type: ignore[operator]


def test_boxes_of_labels_are_the_tight_boxes_of_scipys_components() -> None:
    rng = np.random.default_rng(2)
    labels = np.zeros((14, 30, 30), dtype=np.int64)
    for value in (1, 2, 5):
        blobs = ndimage.gaussian_filter(rng.normal(size=labels.shape), 2) > 0.11
        labels[blobs & (labels == 0)] = value
    found = BoxPrompt.from_labels(labels)
    expected = []
    for value in (1, 2, 5):
        pieces, _ = ndimage.label(labels == value, np.ones((3, 3, 3)))
        expected += [(value, where) for where in ndimage.find_objects(pieces)]
    assert len(found) == len(expected) > 5
    bounds = {
        (*(s.start - 0.5 for s in where[::-1]), *(s.stop - 0.5 for s in where[::-1]))
        for _, where in expected
    }
    got = {(*b.corners_ijk.min(axis=0), *b.corners_ijk.max(axis=0)) for b in found}
    assert got == bounds
    assert [int(b.name.split()[1]) for b in found] == [value for value, _ in expected]
    whole = BoxPrompt.from_labels(labels, per="label")
    assert [b.name for b in whole] == ["label 1", "label 2", "label 5"]


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int32, np.int64, np.uint64])
def test_labels_of_every_type_give_the_same_boxes(dtype: type) -> None:
    labels = np.zeros((6, 7, 8), dtype)
    labels[1:3, 2:4, 3:5] = 100
    labels[4, 5, 6] = 100
    labels[0, 0, 0] = 7
    if np.issubdtype(dtype, np.signedinteger):
        labels[5, 0, 0] = -3
    boxes = BoxPrompt.from_labels(labels)
    assert [b.name for b in boxes] == ["label 7", "label 100 component 1", "label 100 component 2"]
    assert boxes[1].corners_ijk[[0, 7]].tolist() == [[2.5, 1.5, 0.5], [4.5, 3.5, 2.5]]


def test_a_hundred_labels_cost_little_more_than_one() -> None:
    """Each took an image of its own: 104 labels of a whole body, 67 seconds."""
    labels = np.zeros((80, 200, 200), np.uint8)
    for number in range(104):
        k, j = divmod(number, 13)
        labels[10 * k : 10 * k + 5, 15 * j : 15 * j + 9, 3:40] = number + 1

    def seconds(of: np.ndarray) -> float:
        began = time.process_time()
        assert len(BoxPrompt.from_labels(of)) == len(np.unique(of)) - 1
        return time.process_time() - began

    seconds(labels)
    assert seconds(labels) < 10 * seconds((labels == 1).astype(np.uint8)) + 0.5
