"""A whole study with stand-in models: tables, report, and what they say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from masam_core.data.cases import Case
from masam_core.evaluation.html_report import write_report
from masam_core.evaluation.study import Study, run_study
from masam_core.evaluation.tables import study_tables
from masam_core.inference.segmenter import Segmenter
from masam_core.lesion.lesion import Lesion

from ..inference.conftest import build_model  # noqa: F401
from ..scoring.test_evaluate import BoxFiller, write_case


class Rounder(BoxFiller):
    """Answers with the whole box."""

    def segment(
        self, box: Any, options: Any = None, progress: Any = None, cancelled: Any = None
    ) -> Lesion:
        answer = super().segment(box)
        corners = box.corners_ijk
        low = np.ceil(corners.min(axis=0)).astype(int)
        high = np.floor(corners.max(axis=0)).astype(int)
        mask = answer.mask_on_volume()
        mask[low[2] : high[2] + 1, low[1] : high[1] + 1, low[0] : high[0] + 1] = 1
        return Lesion.from_mask(mask, self.volume, box, confidence=0.5)


@pytest.fixture
def cases(tmp_path: Path) -> list[Case]:
    return [write_case(tmp_path, f"sts{n:03d}") for n in range(2)]


@pytest.fixture
def study(cases: list[Case]) -> Study:
    return run_study(cases, {"whole": Rounder(), "half": BoxFiller()}, jitters=(0.2,), repeats=4)


def test_every_model_is_scored_on_the_same_boxes(study: Study) -> None:
    assert study.name == "whole"
    assert [s.dice for s in study.scores["whole"]] == [1.0, 1.0]  # the lesions are boxes
    assert study.scores["half"][0].dice == pytest.approx(2 / 3)
    assert [(c.first, c.second) for c in study.comparisons] == [
        ("whole", "ellipsoid"),
        ("whole", "half"),
    ]
    assert study.comparisons[1].difference == pytest.approx(1 / 3)


def test_boxes_that_are_off_cost_dice(study: Study) -> None:
    (result,) = study.jitter
    assert result.n == 8
    assert result.drop == pytest.approx(1.0 - result.dice)
    assert result.drop > 0.02
    assert result.worst <= result.dice


def test_tables_hold_every_case_and_number(study: Study) -> None:
    tables = study_tables(study)
    assert [t.title for t in tables] == [
        "whole",
        "half",
        "Same boxes, paired",
        "Boxes that are off",
        "Confidence",
        "Case by case (Dice)",
    ]
    for table in tables:
        assert all(len(row) == len(table.columns) for row in table.rows)
    assert tables[-1].rows[0][:4] == [
        "sts000",
        f"{study.scores['whole'][0].ellipsoid:.3f}",
        "1.000",
        "0.667",
    ]


def test_the_report_is_one_file_with_tables_and_pictures(
    study: Study,
    cases: list[Case],
    tmp_path: Path,
    build_model: object,  # noqa: F811
) -> None:
    path = tmp_path / "report.html"
    segmenter = Segmenter(build_model(), device="cpu")  # type: ignore[operator]
    write_report(path, study, cases, segmenter, "masam evaluate <DATA>", worst=2)
    page = path.read_text(encoding="utf-8")
    assert page.count("data:image/png;base64,") == 3  # the plots and two worst cases
    assert "masam evaluate &lt;DATA&gt;" in page
    assert page.count("<table>") == 6
    assert "http" not in page.replace("http-equiv", "")  # nothing is fetched from anywhere
