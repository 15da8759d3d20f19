"""What the courses of an interactive evaluation say together, as tables and as a file."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from masam_core.errors import SegmentationError
from masam_core.evaluation.interactive.run import TOLERANCE_MM, Course
from masam_core.evaluation.tables import Table
from masam_core.spreadsheet import write_table

GOALS = (0.85, 0.90)


@dataclass(frozen=True)
class CourseSummary:
    """Courses of one method and first prompt, over all lesions or those of one source.

    Attributes:
        method, first, source: which; source ``all`` for every one.
        n: lesions.
        dice, nsd: mean after the first prompt and after each correction.
        area: under the curve of the mean Dice, divided by the corrections: 1 is best.
        clicks: mean corrections until each of :data:`GOALS`, and the share of lesions that got
            there; those that did not count as one more than there were.
        first_seconds, click_seconds: median.
        told: share of the answers that said that the box cuts the lesion.
        failed: lesions without an answer.
    """

    method: str
    first: str
    source: str
    n: int
    dice: tuple[float, ...]
    nsd: tuple[float, ...]
    area: float
    clicks: tuple[tuple[float, float], ...]
    first_seconds: float
    click_seconds: float
    told: float
    failed: int


def summarise_courses(courses: Sequence[Course]) -> list[CourseSummary]:
    """Summaries of all methods and first prompts in the order of the courses, over all and by
    source."""
    kinds = list(dict.fromkeys((c.method, c.first) for c in courses))
    sources = sorted({c.source for c in courses})
    out = []
    for method, first in kinds:
        own = [c for c in courses if (c.method, c.first) == (method, first)]
        groups = {"all": own, **{s: [c for c in own if c.source == s] for s in sources}}
        if len(sources) == 1:
            groups.pop(sources[0])
        out += [_summary(group, name) for name, group in groups.items() if group]
    return out


def _summary(courses: Sequence[Course], source: str) -> CourseSummary:
    similar = np.array([c.dice for c in courses])
    mean = similar.mean(axis=0)
    area = float(np.trapezoid(mean) / (len(mean) - 1)) if len(mean) > 1 else math.nan
    clicks = [s for c in courses for s in c.seconds[1:]]
    return CourseSummary(
        method=courses[0].method,
        first=courses[0].first,
        source=source,
        n=len(courses),
        dice=tuple(mean.tolist()),
        nsd=tuple(np.array([c.nsd for c in courses]).mean(axis=0).tolist()),
        area=area,
        clicks=tuple(_until(similar, goal) for goal in GOALS),
        first_seconds=float(np.median([c.seconds[0] for c in courses])),
        click_seconds=float(np.median(clicks)) if clicks else math.nan,
        told=float(np.mean([c.cut_told for c in courses])),
        failed=sum(bool(c.error) for c in courses),
    )


def _until(similar: np.ndarray, goal: float) -> tuple[float, float]:
    """Mean corrections until a Dice, and the share of lesions that reach it."""
    reached = similar >= goal
    count = np.where(reached.any(axis=1), reached.argmax(axis=1), similar.shape[1])
    return float(count.mean()), float(reached.any(axis=1).mean())


def course_tables(summaries: Sequence[CourseSummary]) -> list[Table]:
    """Dice and surface Dice after each correction, and what it took."""
    most = max(len(s.dice) for s in summaries)
    steps = ["first", *(f"+{n}" for n in range(1, most))]
    head = ["first prompt", "method", "source", "n"]
    curves = [
        Table(title, [*head, *steps], [_row(s, values(s), most) for s in summaries], note)
        for title, values, note in (
            ("Dice after the first prompt and each correction", lambda s: s.dice, ""),
            (
                f"Surface Dice at {TOLERANCE_MM:g} mm",
                lambda s: s.nsd,
                "A correction is a click into the middle of the largest mistake.",
            ),
        )
    ]
    columns = [*head, "area", *(f"to {goal:.2f}" for goal in GOALS)]
    columns += ["first s", "click s", "cut told", "failed"]
    rows = [
        [
            *_head(s),
            _number(s.area, 3),
            *(
                f"{count:.1f} ({share:.0%})" if len(s.dice) > 1 else "-"
                for count, share in s.clicks
            ),
            _number(s.first_seconds, 2),
            _number(s.click_seconds, 2),
            f"{s.told:.0%}",
            str(s.failed),
        ]
        for s in summaries
    ]
    note = (
        "area: under the curve of Dice, 1 is best; to 0.85: mean corrections (share of lesions "
        "that get there; the others count as one more than there were); seconds: median; cut told: "
        "answers that said that the box cuts the lesion."
    )
    return [*curves, Table("Corrections needed, and seconds", columns, rows, note)]


def write_courses(path: Path, courses: Iterable[Course]) -> None:
    """Write a line per lesion and first prompt as CSV."""
    listed = list(courses)
    most = max(len(c.dice) for c in listed)
    columns = ["case", "patient", "lesion", "source", "method", "first_prompt"]
    columns += [f"dice_{n}" for n in range(most)] + [f"nsd_{n}" for n in range(most)]
    columns += ["first_seconds", "click_seconds", "cut_told", "error"]
    rows = []
    for c in listed:
        blank = [""] * (most - len(c.dice))
        clicks = c.seconds[1:]
        rows.append(
            [
                *(c.case, c.patient, c.lesion, c.source, c.method, c.first),
                *(f"{d:.4f}" for d in c.dice),
                *blank,
                *(f"{d:.4f}" for d in c.nsd),
                *blank,
                f"{c.seconds[0]:.3f}",
                f"{np.median(clicks):.3f}" if clicks else "",
                int(c.cut_told),
                c.error,
            ]
        )
    write_table(path, columns, rows, SegmentationError, False)


def _head(s: CourseSummary) -> list[str]:
    return [s.first, s.method, s.source, str(s.n)]


def _row(s: CourseSummary, values: Sequence[float], most: int) -> list[str]:
    shown = [f"{v:.3f}" for v in values]
    return [*_head(s), *shown, *["-"] * (most - len(shown))]


def _number(value: float, digits: int) -> str:
    return "-" if math.isnan(value) else f"{value:.{digits}f}"
