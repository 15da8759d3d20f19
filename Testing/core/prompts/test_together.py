"""Prompts of one image, sorted by the lesions that they belong to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from masam_core.errors import BoxError
from masam_core.image.geometry import Geometry
from masam_core.prompts.boxes import BoxPrompt
from masam_core.prompts.corrections import Correction
from masam_core.prompts.first import LinePrompt, PointPrompt
from masam_core.prompts.together import records_of, records_of_files

from .test_markups import write

GRID = Geometry.from_spacing((60, 60, 60), (1.0, 1.0, 1.0))
LEFT = BoxPrompt.from_voxels(5, 15, 5, 15, 5, 15, name="left")
RIGHT = BoxPrompt.from_voxels(35, 45, 5, 15, 5, 15, name="right")
WHOLE = BoxPrompt.from_voxels(0, 50, 0, 50, 0, 50, name="whole")


def click(*at: float, positive: bool = True) -> Correction:
    return Correction("point", [at], positive)  # type: ignore[arg-type]


def test_corrections_go_to_the_nearest_lesion() -> None:
    prompts = [LEFT, click(30, 10, 10), RIGHT, PointPrompt([7, 7, 7]), click(22, 10, 10)]
    left, right = records_of(prompts, GRID)
    assert (left.name, right.name) == ("left", "right")
    assert [c.points_lps[0].tolist() for c in left.corrections] == [[7, 7, 7], [22, 10, 10]]
    assert [c.points_lps[0].tolist() for c in right.corrections] == [[30, 10, 10]]


def test_inside_of_two_it_is_the_smaller_one() -> None:
    whole, left = records_of([WHOLE, LEFT, click(10, 10, 10), click(20, 30, 30)], GRID)
    assert len(left.corrections) == 1
    assert left.corrections[0].points_lps[0].tolist() == [10, 10, 10]
    assert whole.corrections[0].points_lps[0].tolist() == [20, 30, 30]


def test_clicks_alone_begin_a_lesion_each() -> None:
    prompts = [PointPrompt([10, 10, 10], "a"), PointPrompt([40, 10, 10], "b")]
    first, second = records_of([*prompts, click(38, 10, 10, positive=False)], GRID)
    assert (first.first, second.first) == tuple(prompts)
    assert (len(first.corrections), len(second.corrections)) == (0, 1)


def test_two_lines_that_cross_are_one_lesions_diameters() -> None:
    short = LinePrompt([[20, 10, 10], [20, 24, 10.4]], None, "short")
    long = LinePrompt([[8, 18, 10], [32, 17, 10]], None, "long")
    for pair in ([short, long], [long, short]):
        (record,) = records_of(pair, GRID)
        assert isinstance(record.first, LinePrompt)
        assert np.array_equal(record.first.ends_lps, long.ends_lps)
        assert np.array_equal(record.first.across_lps, short.ends_lps)
        assert record.name == pair[0].name


@pytest.mark.parametrize(
    "other",
    [
        LinePrompt([[20, 10, 16], [20, 24, 16]]),  # on another slice
        LinePrompt([[20, 19, 10], [20, 30, 10]]),  # ends before it
        LinePrompt([[10, 10, 10], [30, 20, 10]]),  # nearly alongside
    ],
)
def test_other_lines_are_other_lesions(other: LinePrompt) -> None:
    assert len(records_of([LinePrompt([[8, 18, 10], [32, 17, 10]]), other], GRID)) == 2


def test_corrections_alone_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "not.mrk.json", "Fiducial", [[10, 10, 10]])
    with pytest.raises(BoxError, match=r"not\.mrk\.json holds corrections alone; expected a box"):
        records_of_files([path], GRID)


def test_files_of_a_case_come_together(tmp_path: Path) -> None:
    line = write(tmp_path / "a_line.mrk.json", "Line", [[8, 18, 10], [32, 17, 10]])
    points = write(tmp_path / "a_not.mrk.json", "Fiducial", [[50, 50, 50], [1, 1, 1]])
    lasso = write(tmp_path / "a_more.mrk.json", "ClosedCurve", [[8, 8, 9], [12, 8, 9], [9, 12, 9]])
    (record,) = records_of_files([line, points, lasso], GRID)
    assert record.name == "a_line"
    assert [(c.kind.value, c.positive) for c in record.corrections] == [
        ("point", False),
        ("point", False),
        ("lasso", True),
    ]
    assert np.allclose(record.first.points_lps[1], [32, 17, 10])  # type: ignore[union-attr]
