"""Cleaning a mask: what stays, what goes, and that nothing leaves the box."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from masam_core.errors import ConfigError, SegmentationError
from masam_core.lesion.cleaning import PostprocessOptions, fill_enclosed, postprocess

SPACING = (1.0, 1.0, 1.0)
RAW = PostprocessOptions(keep="all", fill_holes=False)


def grid(*boxes, shape=(12, 16, 16)):
    mask = np.zeros(shape, dtype=bool)
    for box in boxes:
        mask[tuple(slice(a, b) for a, b in box)] = True
    return mask


def middle(shape=(12, 16, 16)):
    """The middle half of the grid along each axis."""
    return grid([(n // 4, n - n // 4) for n in shape], shape=shape)


CENTRAL = ((4, 8), (5, 11), (5, 11))
CORNER = ((0, 3), (0, 9), (0, 3))
LARGE_CORNER = ((0, 2), (0, 16), (0, 16))


def clean(mask, options=None, region=None, centre=None, spacing=SPACING):
    everywhere = np.ones(mask.shape, dtype=bool)
    return postprocess(
        mask,
        everywhere if region is None else region,
        middle(mask.shape) if centre is None else centre,
        spacing,
        PostprocessOptions() if options is None else options,
    )


def test_pieces_away_from_the_centre_are_dropped_even_when_larger():
    kept = clean(grid(CENTRAL, LARGE_CORNER))
    np.testing.assert_array_equal(kept, grid(CENTRAL))


def test_every_piece_that_reaches_into_the_centre_is_kept():
    two = grid(((4, 8), (5, 7), (5, 11)), ((4, 8), (9, 11), (5, 11)))
    np.testing.assert_array_equal(clean(two | grid(CORNER)), two)


def test_the_largest_piece_is_kept_when_none_reaches_the_centre():
    kept = clean(grid(CORNER, ((11, 12), (15, 16), (15, 16))))
    np.testing.assert_array_equal(kept, grid(CORNER))


def test_largest_and_all():
    mask = grid(CENTRAL, LARGE_CORNER)
    np.testing.assert_array_equal(
        clean(mask, PostprocessOptions(keep="largest")), grid(LARGE_CORNER)
    )
    np.testing.assert_array_equal(clean(mask, PostprocessOptions(keep="all")), mask)


def test_pieces_that_touch_at_a_corner_are_one():
    mask = grid(((4, 6), (5, 8), (5, 8)), ((6, 12), (8, 16), (8, 16)))
    np.testing.assert_array_equal(clean(mask), mask)


def test_a_ring_around_a_necrotic_core_is_filled_and_reaches_the_centre():
    ring = grid(((1, 11), (1, 15), (1, 15))) & ~grid(((2, 10), (2, 14), (2, 14)))
    speck = grid(((5, 6), (8, 9), (8, 9)))
    np.testing.assert_array_equal(clean(ring | speck), grid(((1, 11), (1, 15), (1, 15))))
    unfilled = clean(ring | speck, PostprocessOptions(fill_holes=False))
    np.testing.assert_array_equal(unfilled, speck)


def test_a_cavity_that_is_open_at_one_end_stays_open():
    cup = grid(CENTRAL) & ~grid(((4, 6), (7, 9), (7, 9)))
    np.testing.assert_array_equal(clean(cup), cup)


def test_a_hole_in_a_lesion_of_one_slice_is_filled():
    flat = grid(((6, 7), (5, 11), (5, 11))) & ~grid(((6, 7), (7, 9), (7, 9)))
    np.testing.assert_array_equal(clean(flat), grid(((6, 7), (5, 11), (5, 11))))


@settings(deadline=None, max_examples=40)
@given(mask=hnp.arrays(bool, st.tuples(*[st.integers(2, 6)] * 3)))
def test_filling_agrees_with_scipy(mask):
    # At least two voxels thick: a flat mask is filled in its plane, which scipy does not do.
    assume(all(np.ptp(np.argwhere(mask), axis=0) > 0) if mask.any() else True)
    expected = ndimage.binary_fill_holes(np.pad(mask, 1))[1:-1, 1:-1, 1:-1]
    np.testing.assert_array_equal(fill_enclosed(mask), expected)


@settings(deadline=None, max_examples=40)
@given(
    masks=st.tuples(*[st.integers(1, 7)] * 3).flatmap(
        lambda shape: st.tuples(*[hnp.arrays(bool, shape)] * 3)
    ),
    keep=st.sampled_from(["all", "centre", "largest"]),
    smooth_mm=st.sampled_from([0.0, 0.6, 2.0]),
)
def test_no_voxel_outside_the_region_is_ever_set(masks, keep, smooth_mm):
    mask, region, centre = masks
    before = mask.copy()
    options = PostprocessOptions(keep=keep, smooth_mm=smooth_mm)
    kept = postprocess(mask, region, centre, (0.8, 1.1, 3.0), options)
    assert not (kept & ~region).any()
    assert kept.any() == (mask & region).any()
    np.testing.assert_array_equal(mask, before)


def test_smoothing_rounds_corners_and_keeps_the_size():
    cube = grid(((3, 21), (3, 21), (3, 21)), shape=(24, 24, 24))
    rounded = clean(cube, PostprocessOptions(smooth_mm=1.5))
    assert cube[3, 3, 3]
    assert not rounded[3, 3, 3]
    assert rounded[3, 12, 12]
    assert rounded.sum() == pytest.approx(cube.sum(), rel=0.05)


def test_smoothing_is_in_millimetres_along_i_j_k():
    # Along k the voxels are 10 mm apart: 1 mm of smoothing must not reach the next slice.
    notched = grid(((5, 6), (3, 13), (3, 13))) | grid(((6, 7), (3, 13), (3, 8)))
    smooth = PostprocessOptions(keep="all", fill_holes=False, smooth_mm=1.0)
    thick = clean(notched, smooth, spacing=(1.0, 1.0, 10.0))
    assert thick[5, 8, 11]
    assert not thick[6, 8, 11]


def test_a_lesion_too_thin_to_smooth_is_left_as_it_was():
    speck = grid(((6, 7), (8, 9), (8, 9)))
    np.testing.assert_array_equal(clean(speck, PostprocessOptions(smooth_mm=4.0)), speck)


def test_an_empty_mask_stays_empty():
    assert not clean(grid()).any()


def test_arrays_of_different_shape_are_refused():
    with pytest.raises(SegmentationError, match="one shape"):
        postprocess(grid(), grid()[1:], grid(), SPACING, RAW)


@pytest.mark.parametrize(
    "options", [{"keep": "biggest"}, {"smooth_mm": -1.0}, {"smooth_mm": float("nan")}]
)
def test_options_that_mean_nothing_are_refused(options):
    with pytest.raises(ConfigError):
        PostprocessOptions(**options)
