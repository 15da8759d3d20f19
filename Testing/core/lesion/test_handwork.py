"""Masks changed by hand, against distances and shapes that are known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from masam_core.errors import SegmentationError
from masam_core.lesion.handwork import grown, interpolated, piece_at, shrunk, smoothed

SPACING = [0.8, 0.9, 2.5]  # along i, j, k


def ball(shape: tuple[int, int, int], centre: tuple[float, ...], mm: float) -> np.ndarray:
    index = np.moveaxis(np.indices(shape), 0, -1) - np.array(centre)
    return np.linalg.norm(index * np.array(SPACING)[::-1], axis=-1) <= mm


@pytest.mark.parametrize("mm", [0.5, 1.0, 2.6, 4.0])
def test_growing_and_shrinking_go_by_scipys_distances(mm: float) -> None:
    mask = ball((16, 30, 31), (8, 15, 16), 7.0) | ball((16, 30, 31), (1, 3, 3), 3.0)
    sampling = SPACING[::-1]
    beyond = ndimage.distance_transform_edt(~mask, sampling)
    assert (grown(mask, SPACING, mm) == (beyond <= mm + 1e-5)).all()
    padded = np.pad(mask, 1)  # what lies beyond the image counts as outside
    depth = ndimage.distance_transform_edt(padded, sampling)[1:-1, 1:-1, 1:-1]
    assert (shrunk(mask, SPACING, mm) == (depth > mm + 1e-5)).all()


def test_smoothing_takes_a_spike_away_and_keeps_the_rest() -> None:
    mask = ball((16, 30, 31), (8, 15, 16), 7.0)
    spiky = mask.copy()
    spiky[8, 15, 24:30] = True
    found = smoothed(spiky, SPACING, 1.0)
    assert not found[8, 15, 27:].any()
    assert 2 * (found & mask).sum() / (found.sum() + mask.sum()) > 0.95


def test_pieces_are_found_by_a_voxel_in_them_or_near_them() -> None:
    first, second = ball((16, 30, 31), (8, 15, 8), 4.0), ball((16, 30, 31), (8, 15, 24), 3.0)
    both = first | second
    assert (piece_at(both, (8, 15, 8)) == first).all()
    assert (piece_at(both, (8, 15, 29)) == second).all()
    assert (piece_at(both, (-5, 15, 99)) == second).all()


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_slices_in_between_are_those_of_a_cone(axis: int) -> None:
    def disc(radius: float) -> np.ndarray:
        y, x = np.mgrid[0:41, 0:41] - 20
        return np.hypot(x, y) <= radius

    cone = np.stack([disc(r) for r in (6, 8, 10, 12, 14)])
    sparse = cone.copy()
    sparse[[1, 2, 3]] = False
    found = interpolated(np.moveaxis(sparse, 0, axis), [1.0, 1.0, 1.0])
    found = np.moveaxis(found, axis, 0)
    assert (found[[0, 4]] == cone[[0, 4]]).all()
    for own, true in zip(found[1:4], cone[1:4], strict=True):
        assert 2 * (own & true).sum() / (own.sum() + true.sum()) > 0.97


def test_what_would_leave_nothing_is_refused_in_words() -> None:
    mask, nothing = ball((16, 30, 31), (8, 15, 16), 4.0), np.zeros((4, 4, 4), bool)
    for call, words in (
        (lambda: shrunk(mask, SPACING, 9.0), "Shrink it by less"),
        (lambda: smoothed(mask, SPACING, 60.0), "Smooth it by less"),
        (lambda: grown(mask, SPACING, 0.0), "more than 0"),
        (lambda: grown(nothing, SPACING, 1.0), "nothing to grow"),
        (lambda: shrunk(nothing, SPACING, 1.0), "nothing to shrink"),
        (lambda: piece_at(nothing, (0, 0, 0)), "no pieces"),
        (lambda: interpolated(mask, SPACING), "no empty slice"),
    ):
        with pytest.raises(SegmentationError, match=words):
            call()


def test_a_mask_that_fills_the_image_grows_no_further() -> None:
    whole = np.ones((3, 4, 5), bool)
    assert grown(whole, SPACING, 2.0).all()
