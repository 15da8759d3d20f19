"""The voxels that clicks, scribbles and lassos stand for, against other ways to find them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from matplotlib.path import Path as Outline
from scipy.spatial.transform import Rotation

from masam_core.errors import BoxError, ConfigError
from masam_core.image.geometry import Geometry
from masam_core.prompts.corrections import Correction, correction_voxels

TURNED = Geometry.from_spacing(
    (20, 30, 40),
    (0.8, 1.1, 3.0),
    (-30.0, 20.0, 100.0),
    Rotation.from_euler("zx", (20, 8), degrees=True).as_matrix(),
)


def placed(ijk: object) -> np.ndarray:
    return TURNED.lps_from_ijk(ijk)


def voxels(kind: str, ijk: object) -> list[tuple[int, ...]]:
    return [tuple(v) for v in correction_voxels(Correction(kind, placed(ijk)), TURNED).tolist()]


def test_a_click_is_the_voxel_that_it_lies_in() -> None:
    assert voxels("point", [[7.4, 9.6, 3.0], [7.0, 10.0, 3.4], [0, 0, 0]]) == [
        (0, 0, 0),
        (7, 10, 3),
    ]


def test_a_scribble_leaves_no_gap_and_stays_on_its_line() -> None:
    corners = np.array([[2.2, 3.1, 4.0], [19.7, 11.3, 4.4], [19.7, 25.0, 9.0]])
    found = np.array(voxels("scribble", corners))
    # Against a much finer sampling: nothing that it passes well inside is missed.
    fine = np.concatenate([np.linspace(a, b, 5000) for a, b in pairwise(corners)])
    exact = {tuple(v) for v in np.floor(fine + 0.5).astype(int).tolist()}
    got = {tuple(v) for v in found.tolist()}
    assert got <= exact
    deep = np.abs(fine - np.floor(fine + 0.5)).max(axis=1) < 0.25
    assert {tuple(v) for v in np.floor(fine[deep] + 0.5).astype(int).tolist()} <= got
    along = found[np.argsort([np.abs(fine - v).sum(axis=1).argmin() for v in found])]
    assert np.abs(np.diff(along, axis=0)).max() == 1


def test_a_scribble_that_leaves_the_volume_costs_no_memory() -> None:
    found = voxels("scribble", [[-1e9, 5, 5], [1e9, 5, 5]])
    assert found == [(i, 5, 5) for i in range(40)]


@pytest.mark.parametrize("across", [0, 1, 2])
def test_a_lasso_fills_its_outline_on_the_nearest_slice(across: int) -> None:
    angles = np.linspace(0, 2 * np.pi, 23, endpoint=False)
    radius = 4 + np.where(np.arange(23) % 2, 2.0, 0.0)  # a star: not convex
    star = np.stack([9.3 + radius * np.cos(angles), 8.6 + radius * np.sin(angles)], axis=1)
    corners = np.insert(star, across, 6.4, axis=1)
    u, v = (axis for axis in range(3) if axis != across)
    size = TURNED.size_ijk
    grid = np.stack(np.meshgrid(np.arange(size[u]), np.arange(size[v]), indexing="ij"), axis=-1)
    inside = Outline(star).contains_points(grid.reshape(-1, 2)).reshape(grid.shape[:2])
    expected = {tuple(np.insert(at, across, 6).tolist()) for at in np.argwhere(inside)}
    assert set(voxels("lasso", corners)) == expected
    assert len(expected) > 40


def test_a_lasso_between_the_voxels_is_the_nearest_one() -> None:
    assert voxels("lasso", [[3.1, 4.1, 5], [3.3, 4.1, 5], [3.2, 4.3, 5]]) == [(3, 4, 5)]


def test_a_lasso_is_cut_off_at_the_volume() -> None:
    found = np.array(voxels("lasso", [[-5, -5, 2], [3.5, -5, 2], [3.5, 60, 2], [-5, 60, 2]]))
    assert found.min(axis=0).tolist() == [0, 0, 2]
    assert found.max(axis=0).tolist() == [3, 29, 2]


@pytest.mark.parametrize("kind", ["point", "scribble", "lasso"])
def test_what_lies_outside_is_refused_with_its_place(kind: str) -> None:
    with pytest.raises(
        BoxError, match=rf"The {kind} lies outside the volume.*R .* A .* S .*40 x 3"
    ):
        correction_voxels(Correction(kind, placed([[80, 5, 5], [90, 5, 5], [85, 9, 5]])), TURNED)


@pytest.mark.parametrize(
    ("kind", "points", "words"),
    [
        ("point", [], "three finite numbers"),
        ("point", [[1, 2]], "three finite numbers"),
        ("scribble", [[1, 2, float("nan")]], "three finite numbers"),
        ("lasso", [[0, 0, 0], [1, 1, 1]], "3 to 10000 positions; got 2"),
        ("point", "here", "three finite numbers"),
    ],
)
def test_what_is_no_correction_is_refused(kind: str, points: object, words: str) -> None:
    with pytest.raises(BoxError, match=words):
        Correction(kind, points)  # type: ignore[arg-type]


def test_another_kind_is_refused() -> None:
    with pytest.raises(ConfigError, match="point, scribble, lasso"):
        Correction("brush", [[0, 0, 0]])  # type: ignore[arg-type]
