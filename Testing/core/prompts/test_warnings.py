"""What is said about a box, before and after."""

from __future__ import annotations

import numpy as np
import pytest

from masam_core.image.geometry import Geometry
from masam_core.prompts.boxes import BoxPrompt
from masam_core.prompts.warnings import warnings_after, warnings_before

GRID = Geometry.from_spacing((20, 40, 50), (1.0, 1.0, 3.0))


def before(*ends: float, geometry: Geometry = GRID) -> str:
    box = BoxPrompt.from_voxels(*ends)
    return " ".join(warnings_before(box, box.slice_boxes(geometry.canonical_frame())))


def test_a_box_that_can_be_tight_is_no_warning() -> None:
    assert before(10, 20, 10, 20, 5, 9) == ""


@pytest.mark.parametrize(
    ("ends", "says"),
    [
        ((0, 49, 0, 39, 5, 9), "nearly the whole slice"),
        ((10, 20, 10, 20, 5, 5), "single slice"),
        ((10, 20, 10, 20, -4, 9), "cut off"),
        ((10, 20, 10, 20, 5, 120), "348 mm long"),  # 116 slices of 3 mm
    ],
)
def test_what_a_look_at_the_box_tells(ends: tuple[float, ...], says: str) -> None:
    assert says in before(*ends)


def test_a_single_slice_is_all_that_a_single_slice_has() -> None:
    flat = Geometry.from_spacing((1, 40, 50), (1.0, 1.0, 3.0))
    assert before(10, 20, 10, 20, 0, 0, geometry=flat) == ""


def test_a_mask_that_leaves_a_side_empty_is_told() -> None:
    box = BoxPrompt.from_voxels(10, 19, 10, 19, 5, 9)
    mask = np.ones((5, 10, 10), bool)
    assert warnings_after(box, mask, (5, 10, 10), 0.9) == []
    mask[:, :, :4] = False  # 6 of 10 columns
    (note,) = warnings_after(box, mask, (5, 10, 10), 0.9)
    assert "only 60% of one side" in note
    assert warnings_after(box, np.zeros((5, 10, 10), bool), (5, 10, 10), 0.0) == []


def test_a_tight_rotated_box_is_not_taken_for_a_loose_one() -> None:
    angle = np.deg2rad(45)
    axes = np.array(
        [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]]
    )
    center = GRID.lps_from_ijk([[25, 20, 9]])[0]
    box = BoxPrompt.from_oriented(center, axes, (24.0, 6.0, 15.0), GRID)
    k, j, i = np.meshgrid(*(np.arange(n) for n in GRID.shape), indexing="ij")
    along = (i - 25) * np.cos(angle) + (j - 20) * np.sin(angle)
    across = (j - 20) * np.cos(angle) - (i - 25) * np.sin(angle)
    rod = (np.abs(along) <= 12) & (np.abs(across) <= 3) & (np.abs(k - 9) <= 2)
    assert warnings_after(box, rod, (0, 0, 0), 0.9) == []
    # Every voxel, not only the ends of rows, gives the same extent.
    half = rod & (along > 0)
    (note,) = warnings_after(box, half, (0, 0, 0), 0.9)
    points = np.argwhere(half)[:, ::-1] - box.corners_ijk[0]
    edges = np.linalg.inv(box.corners_ijk[[1, 2, 4]] - box.corners_ijk[0])
    share = np.ptp(points @ edges, axis=0) + np.abs(edges).sum(axis=0)
    assert f"{share.min():.0%}" in note


def test_a_model_that_is_not_sure_is_told_and_one_that_says_nothing_is_not() -> None:
    box = BoxPrompt.from_voxels(10, 19, 10, 19, 5, 9)
    mask = np.ones((5, 10, 10), bool)
    (note,) = warnings_after(box, mask, (5, 10, 10), 0.79)
    assert note == "Low confidence (79%): check this mask closely."
    assert warnings_after(box, mask, (5, 10, 10), float("nan")) == []
