"""The tables of a study, as rows of text; terminal and HTML report show the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from masam_core.evaluation.study import Study


@dataclass(frozen=True)
class Table:
    """A title, column names, and rows of text; the first column is text, the others numbers."""

    title: str
    columns: Sequence[str]
    rows: list[list[str]]
    note: str = ""


def study_tables(study: Study) -> list[Table]:
    """Everything that a study found, the most important first."""
    tables = [_groups(study, name) for name in study.scores]
    if study.comparisons:
        tables.append(_comparisons(study))
    if study.jitter:
        tables.append(_jitter(study))
    if study.calibration is not None:
        tables.append(_calibration(study))
    tables.append(_cases(study))
    return tables


def _groups(study: Study, name: str) -> Table:
    columns = ["cases", "n", "Dice", "SD", "95 %", "ellipsoid", "better", "worst"]
    columns += ["IoU", "HD95", "ASD"]
    rows = [
        [
            s.group,
            str(s.n),
            f"{s.dice:.3f}",
            f"{s.sd:.3f}",
            f"{s.low:.2f}-{s.high:.2f}",
            _number(s.ellipsoid, 3),
            f"{s.better}/{s.n}" if s.ellipsoid == s.ellipsoid else "-",
            f"{s.worst:.3f}",
            f"{s.iou:.3f}",
            _number(s.hd95_mm),
            _number(s.asd_mm),
        ]
        for s in study.summaries[name]
    ]
    note = (
        "95 %: interval of the mean, bootstrap over patients; ellipsoid: Dice of the ellipsoid "
        "inscribed in the same box; better: lesions above theirs; HD95, ASD in mm."
    )
    return Table(name, columns, rows, note)


def _comparisons(study: Study) -> Table:
    rows = [
        [
            f"{c.first} - {c.second}",
            str(c.n),
            str(c.patients),
            f"{c.difference:+.3f}",
            f"{c.low:+.3f} to {c.high:+.3f}",
            "-" if c.p is None else f"{c.p:.2g}",
        ]
        for c in study.comparisons
    ]
    columns = ["difference in Dice", "n", "patients", "mean", "95 %", "p"]
    return Table("Same boxes, paired", columns, rows, "p: Wilcoxon signed-rank over patients.")


def _jitter(study: Study) -> Table:
    rows = [
        [
            f"{j.jitter:.0%}",
            str(j.n),
            f"{j.dice:.3f}",
            f"{j.drop:+.3f}",
            f"{j.ellipsoid:.3f}",
            f"{j.worst:.3f}",
        ]
        for j in study.jitter
    ]
    columns = ["sides off by up to", "boxes", "Dice", "drop", "ellipsoid", "worst"]
    return Table("Boxes that are off", columns, rows)


def _calibration(study: Study) -> Table:
    c = study.calibration
    assert c is not None
    rows = [
        [f"{low:.1f} to {high:.1f}", str(count), f"{sure:.3f}", f"{right:.3f}"]
        for low, high, count, sure, right in c.bins
    ]
    rows.append(["all", str(c.n), f"{c.mean_confidence:.3f}", f"{c.mean_dice:.3f}"])
    rank = "-" if c.spearman is None else f"{c.spearman:.2f}"
    note = (
        f"Spearman {rank}; mean |confidence - Dice| {c.error:.3f}; expected calibration error "
        f"{c.expected_error:.3f}."
    )
    return Table("Confidence", ["confidence", "n", "mean confidence", "mean Dice"], rows, note)


def _cases(study: Study) -> Table:
    names = list(study.scores)
    columns = ["case", "ellipsoid", *names, "confidence", "HD95", "seconds"]
    rows = []
    for index, score in enumerate(study.scores[names[0]]):
        label = score.case if score.lesion == 1 else f"{score.case} ({score.lesion})"
        dices = [f"{study.scores[name][index].dice:.3f}" for name in names]
        sure = f"{score.confidence:.2f}" if score.confidence == score.confidence else "-"
        row = [label, _number(score.ellipsoid, 3), *dices, sure]
        rows.append([*row, _number(score.hd95_mm), f"{score.seconds:.1f}"])
    return Table("Case by case (Dice)", columns, rows)


def _number(value: float | None, digits: int = 1) -> str:
    return "-" if value is None or value != value else f"{value:.{digits}f}"
