"""The interactive evaluation: clicks go into mistakes, curves and sums are what they should be."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from masam_core.data.reading import read_cases
from masam_core.errors import SegmentationError
from masam_core.evaluation.interactive.run import Course, run_interactive
from masam_core.evaluation.interactive.summary import (
    course_tables,
    summarise_courses,
    write_courses,
)
from masam_core.evaluation.interactive.user import next_click
from masam_core.evaluation.peers.ellipsoid import Ellipsoid
from masam_core.image.geometry import Geometry
from masam_core.image.volume import Volume, read_labels
from masam_core.inference.segmenter import Segmenter
from masam_core.lesion.lesion import Lesion
from masam_core.prompts.boxes import BoxPrompt
from masam_core.prompts.corrections import Correction, correction_voxels
from masam_core.prompts.first import LinePrompt

pytest.importorskip("monai", reason="the extra 'train' is not installed")
GEOMETRY = Geometry.from_spacing((8, 9, 10), (1.0, 2.0, 3.0))


class HalfRight:
    """Finds the lesion without its upper half, and puts an eighth right with every click."""

    def __init__(self, experts: dict[str, NDArray[np.bool_]]) -> None:
        self.experts = experts
        self.volume: Volume | None = None
        self.said: list[Correction] = []

    def set_volume(self, volume: Volume, modality: str | None = None) -> None:
        self.volume = volume

    def segment(self, first: object, options: object = None) -> Lesion:
        if isinstance(first, LinePrompt):
            raise SegmentationError("no lines here")
        self.said = []
        return self._lesion(0.5)

    def refine(self, lesion: Lesion, corrections: list[Correction], options: object) -> Lesion:
        self.said += corrections
        return self._lesion(0.5 + len(self.said) / 8)

    def _lesion(self, share: float) -> Lesion:
        assert self.volume is not None
        expert = self.experts[self.volume.name]
        mask = expert & (np.cumsum(expert.ravel()).reshape(expert.shape) <= share * expert.sum())
        box = BoxPrompt.from_voxels(0, 1, 0, 1, 0, 1)
        return Lesion.from_mask(mask, self.volume, box)


def test_courses_hold_what_each_answer_was(data: Path) -> None:
    cases = read_cases(data)[:2]
    experts: dict[str, Any] = {}
    from masam_core.image.volume import read_volume

    for case in cases:
        experts[read_volume(case.image).name] = read_labels(case.label)[0] > 0
    if len(experts) < len(cases):
        cases = cases[:1]
        experts = {read_volume(cases[0].image).name: read_labels(cases[0].label)[0] > 0}
    segmenter = HalfRight(experts)
    courses = run_interactive(
        cases,
        cast("Segmenter", segmenter),
        "half",
        {"ellipsoid": Ellipsoid()},
        clicks=3,
        firsts=["box", "line"],
    )
    assert [(c.method, c.first) for c in courses[:3]] == [
        ("half", "box"),
        ("half", "line"),
        ("ellipsoid", "box"),
    ]
    box, line, peer = courses[:3]
    shares = [0.5, 0.625, 0.75, 0.875]
    assert box.dice == pytest.approx([2 * s / (1 + s) for s in shares], abs=0.01)
    assert len(box.seconds) == 4
    assert line.dice == (0.0,) * 4
    assert "no lines" in line.error
    assert len(peer.dice) == 1
    assert 0.3 < peer.dice[0] < 1


@given(st.integers(0, 2**32 - 1))
def test_a_click_lies_in_a_mistake_and_says_what_is_there(seed: int) -> None:
    rng = np.random.default_rng(seed)
    found, expert = rng.random((2, *GEOMETRY.shape)) > 0.7
    click = next_click(found, expert, GEOMETRY)
    assert click is not None
    ((i, j, k),) = correction_voxels(click, GEOMETRY)
    assert found[k, j, i] != expert[k, j, i]
    assert click.positive == expert[k, j, i]


def test_the_click_goes_into_the_largest_mistake() -> None:
    found, expert = np.zeros((2, *GEOMETRY.shape), dtype=bool)
    expert[1:4, 1:4, 1:4] = True  # missed: 27 voxels
    found[6, 5:9, 5:9] = True  # too much: 16
    click = next_click(found, expert, GEOMETRY)
    assert click is not None
    assert click.positive
    assert correction_voxels(click, GEOMETRY).tolist() == [[2, 2, 2]]
    assert next_click(expert, expert, GEOMETRY) is None


COURSE = Course(
    "abc1", "p1", 1, "abc", "MASAM", "box", (0.8, 0.9, 0.9), (0.7, 0.8, 0.8), (1.0, 0.1, 0.3)
)


def test_summaries_are_what_the_courses_say() -> None:
    other = replace(
        COURSE, case="xyz1", source="xyz", dice=(0.4, 0.6, 0.8), seconds=(3.0, 0.2, 0.2)
    )
    whole, first, second = summarise_courses([COURSE, other])
    assert (whole.source, first.source, second.source) == ("all", "abc", "xyz")
    assert whole.dice == pytest.approx((0.6, 0.75, 0.85))
    assert whole.area == pytest.approx((0.6 / 2 + 0.75 + 0.85 / 2) / 2)
    assert whole.clicks[0] == pytest.approx((2.0, 0.5))  # one click, and never (counts as three)
    assert whole.first_seconds == 2.0
    assert whole.click_seconds == pytest.approx(0.2)
    peer = replace(COURSE, method="ellipsoid", dice=(0.7,), nsd=(0.6,), seconds=(0.1,))
    tables = course_tables(summarise_courses([COURSE, peer]))
    assert [len({len(row) for row in t.rows} | {len(t.columns)}) for t in tables] == [1, 1, 1]


def test_courses_are_written_a_line_each(tmp_path: Path) -> None:
    peer = replace(COURSE, method="ellipsoid", dice=(0.7,), nsd=(0.6,), seconds=(0.1,))
    path = tmp_path / "courses.csv"
    write_courses(path, [COURSE, peer])
    with path.open(newline="", encoding="utf-8") as file:
        one, two = csv.DictReader(file)
    assert (one["dice_2"], two["dice_2"]) == ("0.9000", "")
    assert one["click_seconds"] == "0.200"
