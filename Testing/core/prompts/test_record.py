"""Prompts without a third extent, and the record of a lesion's prompts, to JSON and back."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from masam_core.errors import BoxError
from masam_core.image.geometry import Geometry
from masam_core.prompts.boxes import BoxPrompt
from masam_core.prompts.corrections import Correction
from masam_core.prompts.first import FirstPrompt, LinePrompt, PointPrompt, SliceBoxPrompt
from masam_core.prompts.given import one_prompt
from masam_core.prompts.record import (
    PromptRecord,
    correction_from_dict,
    correction_to_dict,
    first_from_dict,
    first_to_dict,
)

GRID = Geometry.from_spacing((20, 30, 40), (0.8, 1.1, 3.0), (-30.0, 20.0, 100.0))
ENDS = [[-28.0, 25.0, 110.0], [-10.0, 31.0, 110.0]]
SQUARE = [[-28, 25, 110], [-20, 25, 110], [-20, 33, 110], [-28, 33, 110]]
FIRSTS: dict[str, FirstPrompt] = {
    "box": BoxPrompt.from_voxels(3, 9, 4, 8, 2, 6, name="Läsion 2"),
    "line": LinePrompt(ENDS, [[-20, 20, 110], [-18, 40, 110]], "knot|\\%"),
    "line alone": LinePrompt(ENDS),
    "slice_box": SliceBoxPrompt(SQUARE, "flat"),
    "point": PointPrompt([-20, 30, 120], "dot"),
}


@pytest.mark.parametrize("kind", FIRSTS)
def test_a_record_comes_back_from_json(kind: str) -> None:
    clicks = Correction("point", [[-20, 30, 120]], positive=False)
    lasso = Correction("lasso", SQUARE)
    record = PromptRecord(FIRSTS[kind], (clicks,), True).with_corrections(lasso)
    text = json.dumps(record.to_dict(GRID))
    found = PromptRecord.from_dict(json.loads(text), GRID)
    assert (type(found.first), found.name) == (type(record.first), record.name)
    assert [c.kind.value for c in found.corrections] == ["point", "lasso"]
    assert [c.positive for c in found.corrections] == [False, True]
    assert found.started_from_mask
    assert np.allclose(found.corrections[1].points_lps, SQUARE)
    assert json.dumps(found.to_dict(GRID)) == text
    assert (
        first_to_dict(first_from_dict(first_to_dict(FIRSTS[kind], GRID), GRID), GRID)
        == (record.to_dict(GRID)["first"])
    )


def test_a_box_is_the_same_place_on_another_grid() -> None:
    other = Geometry.from_spacing((40, 40, 40), (1.0, 1.0, 1.0), (-40.0, 10.0, 90.0))
    box = FIRSTS["box"]
    assert isinstance(box, BoxPrompt)
    moved = PromptRecord.from_dict(PromptRecord(box).to_dict(GRID), other).first
    assert isinstance(moved, BoxPrompt)
    assert np.allclose(
        other.lps_from_ijk(moved.corners_ijk), GRID.lps_from_ijk(box.corners_ijk), atol=1e-5
    )


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([], "names of their fields"),
        ({"first": {"kind": "box"}}, "of no version; this MASAM reads version 1"),
        ({"version": 2}, "of version 2"),
        ({"version": 1}, "kind is None; expected one of box, line, slice_box, point"),
        ({"version": 1, "first": {"kind": "ball"}}, "'ball'"),
        ({"version": 1, "first": {"kind": "box", "corners_lps": [[0, 0, 0]]}}, "eight corners"),
        ({"version": 1, "first": {"kind": "point"}}, "three finite numbers"),
        ({"version": 1, "first": {"kind": "point", "colour": 3}}, "no entry 'first.colour'"),
        ({"version": 1, "started_from_mask": "yes"}, "true or false"),
        (
            {
                "version": 1,
                "first": {"kind": "point", "position_lps": [0, 0, 0]},
                "corrections": [{"kind": "brush", "points_lps": [[0, 0, 0]]}],
            },
            "'brush'",
        ),
    ],
)
def test_what_is_no_record_is_refused_by_its_source(values: Any, words: str) -> None:
    with pytest.raises(BoxError, match=words) as error:
        PromptRecord.from_dict(values, GRID, "scan.json, lesion 2")
    if "brush" not in words:  # told by the setting's name
        assert str(error.value).startswith("scan.json, lesion 2")


def test_a_correction_comes_back_from_a_message() -> None:
    scribble = Correction("scribble", ENDS, positive=False)
    assert correction_to_dict(correction_from_dict(correction_to_dict(scribble))) == {
        "kind": "scribble",
        "positive": False,
        "points_lps": ENDS,
    }
    with pytest.raises(BoxError, match="names of their fields"):
        correction_from_dict("click")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: LinePrompt([[0, 0, 0], [0, 0, 0]]), "no length"),
        (lambda: LinePrompt([[0, 0, 0]]), "needs 2 positions; got 1"),
        (lambda: LinePrompt(ENDS, [[1, 1, 1], [1, 1, 1]]), "line across has no length"),
        (lambda: SliceBoxPrompt(np.zeros((4, 3))), "no area"),
        (lambda: SliceBoxPrompt(SQUARE[:3]), "needs 4 positions; got 3"),
        (lambda: PointPrompt([1, 2]), "three finite numbers"),
        (lambda: PointPrompt([1, 2, float("inf")]), "three finite numbers"),
    ],
)
def test_what_is_no_prompt_is_refused(make: Any, words: str) -> None:
    with pytest.raises(BoxError, match=words):
        make()


def test_a_prompt_outside_the_volume_is_refused() -> None:
    for first in FIRSTS.values():
        assert one_prompt(first, GRID) is first
    for first, words in (
        (PointPrompt([50, 0, 0]), "The click lies outside the volume: R -50.0, A 0.0, S 0.0 mm"),
        (LinePrompt([ENDS[0], [-10, 31, 500]]), "The line lies outside"),
        (SliceBoxPrompt(np.array(SQUARE) + 900.0), "The box on a slice lies outside"),
    ):
        with pytest.raises(BoxError, match=words):
            one_prompt(first, GRID)
    around = SliceBoxPrompt([[-99, 0, 110], [99, 0, 110], [99, 99, 110], [-99, 99, 110]])
    assert one_prompt(around, GRID) is around  # its corners lie outside, it does not
