"""Boxes in whatever form."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from masam_core.errors import BoxError
from masam_core.image.geometry import Geometry
from masam_core.prompts.boxes import BoxPrompt
from masam_core.prompts.given import all_boxes, one_box
from masam_core.prompts.roi import write_roi

GRID = Geometry.from_spacing((20, 30, 40), (1.0, 1.0, 2.0))


def test_six_numbers_are_voxels_with_both_ends() -> None:
    box = one_box((3, 5, 1, 9, 0, 2), GRID)
    assert box.corners_ijk.min(axis=0).tolist() == [2.5, 0.5, -0.5]
    assert box.corners_ijk.max(axis=0).tolist() == [5.5, 9.5, 2.5]
    named = BoxPrompt.from_voxels(3, 5, 1, 9, 0, 2, name="Liver")
    assert one_box(named, GRID) is named


def test_a_file_of_two_boxes_is_two_boxes_and_not_one(tmp_path: Path) -> None:
    path = tmp_path / "both.mrk.json"
    write_roi(path, (5, 5, 5), (4, 4, 4))
    content = json.loads(path.read_text())
    content["markups"] *= 2
    path.write_text(json.dumps(content))
    assert len(all_boxes(path, GRID)) == 2
    with pytest.raises(BoxError, match="holds 2 boxes; expected one"):
        one_box(path, GRID)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ((1, 2, 3), "has 3 numbers"),
        ((1, 2, 3, 4, 5, "x"), "expected a BoxPrompt, six voxel indices"),
        (None, "expected a BoxPrompt, six voxel indices"),
        (np.zeros((6, 2)), "expected a BoxPrompt, six voxel indices"),
        ((5, 3, 1, 9, 0, 2), "runs backwards"),
        ("gone.mrk.json", "no Markups file at gone.mrk.json"),
    ],
)
def test_what_is_no_box_is_refused_in_words(given: Any, says: str) -> None:
    with pytest.raises(BoxError, match=says):
        one_box(given, GRID)
