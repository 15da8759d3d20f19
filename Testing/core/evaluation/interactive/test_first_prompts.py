"""First prompts of an evaluation: they say of the expert's mask what their name says."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from masam_core.evaluation.interactive.first_prompts import FIRST_PROMPTS, HELD
from masam_core.image.geometry import Geometry
from masam_core.prompts.boxes import BoxPrompt
from masam_core.prompts.first import LinePrompt, PointPrompt, SliceBoxPrompt

# Turned, mirrored and anisotropic: what is right only along the axes shows.
DIRECTION = np.array([[0.0, -1.0, 0.0], [0.8, 0.0, 0.6], [-0.6, 0.0, 0.8]])
GEOMETRY = Geometry.from_spacing((20, 40, 50), (0.7, 0.8, 3.0), (5.0, -7.0, 11.0), DIRECTION)


@pytest.fixture
def expert() -> NDArray[np.bool_]:
    """An ellipsoid whose longest axis lies along i, 24 voxels or 16.8 mm long."""
    k, j, i = np.mgrid[:20, :40, :50]
    return ((i - 25) / 12) ** 2 + ((j - 18) / 6) ** 2 + ((k - 9) / 3) ** 2 <= 1


def _ends(box: object) -> NDArray[np.float64]:
    assert isinstance(box, BoxPrompt)
    corners = box.corners_ijk
    return np.stack([corners.min(axis=0), corners.max(axis=0)])


def test_boxes_are_tight_loose_and_cutting(expert: NDArray[np.bool_]) -> None:
    k, j, i = np.nonzero(expert)
    tight = np.array([[a.min() - 0.5 for a in (i, j, k)], [a.max() + 0.5 for a in (i, j, k)]])
    found = _ends(FIRST_PROMPTS["box"](expert, GEOMETRY))
    assert np.allclose(found, tight)
    loose = _ends(FIRST_PROMPTS["loose box"](expert, GEOMETRY))
    grown = np.stack([tight[0] - loose[0], loose[1] - tight[1]]) / (tight[1] - tight[0])
    assert (grown > 0.1).all()
    assert (grown < 0.3).all()
    cut = _ends(FIRST_PROMPTS["cutting box"](expert, GEOMETRY))
    changed = cut != tight
    assert changed.sum() == 1
    axis = int(changed.any(axis=0).argmax())
    length = (tight[1] - tight[0]) * GEOMETRY.spacing
    assert axis == int(length.argmax())
    kept = (cut[1] - cut[0])[axis] / (tight[1] - tight[0])[axis]
    assert kept == pytest.approx(HELD, abs=0.08)


def test_a_loose_box_ends_with_the_volume() -> None:
    whole = np.ones((3, 4, 5), dtype=bool)
    geometry = Geometry.from_spacing((3, 4, 5))
    assert np.allclose(
        _ends(FIRST_PROMPTS["loose box"](whole, geometry)), [[-0.5] * 3, [4.5, 3.5, 2.5]]
    )


def test_the_line_is_the_longest_diameter_on_the_largest_slice(expert: NDArray[np.bool_]) -> None:
    prompt = FIRST_PROMPTS["line"](expert, GEOMETRY)
    assert isinstance(prompt, LinePrompt)
    ijk = GEOMETRY.ijk_from_lps(prompt.ends_lps)
    assert np.allclose(ijk[:, 2], 9)
    assert np.allclose(sorted(ijk[:, 0]), [13, 37])
    assert prompt.length_mm == pytest.approx(24 * 0.7, abs=0.1)


def test_the_2d_box_and_the_click_lie_in_the_middle(expert: NDArray[np.bool_]) -> None:
    box = FIRST_PROMPTS["2D box"](expert, GEOMETRY)
    assert isinstance(box, SliceBoxPrompt)
    ijk = GEOMETRY.ijk_from_lps(box.corners_lps)
    assert np.allclose(ijk[:, 2], 9)
    assert np.allclose(ijk.min(axis=0)[:2], [12.5, 11.5])
    assert np.allclose(ijk.max(axis=0)[:2], [37.5, 24.5])
    click = FIRST_PROMPTS["click"](expert, GEOMETRY)
    assert isinstance(click, PointPrompt)
    i, j, k = np.rint(GEOMETRY.ijk_from_lps(click.points_lps)[0]).astype(int)
    assert expert[k, j, i]
    assert abs(j - 18) <= 2


@pytest.mark.parametrize("kind", list(FIRST_PROMPTS))
def test_a_lesion_of_one_voxel_can_be_asked_for(kind: str) -> None:
    one = np.zeros((4, 5, 6), dtype=bool)
    one[2, 3, 4] = True
    prompt = FIRST_PROMPTS[kind](one, Geometry.from_spacing((4, 5, 6)))
    points = prompt.corners_ijk if isinstance(prompt, BoxPrompt) else prompt.points_lps
    assert np.abs(points - [4, 3, 2]).max() <= 1.5
