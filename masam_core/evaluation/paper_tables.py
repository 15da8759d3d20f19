"""Class by class, in the layout of the paper's tables: methods down, classes across, a mean."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from masam_core.atomic import write_text
from masam_core.errors import ConfigError, SegmentationError
from masam_core.evaluation.classes import ClassStudy
from masam_core.evaluation.statistics import Comparison, compare
from masam_core.evaluation.tables import Table
from masam_core.scoring.evaluate import Score
from masam_core.spreadsheet import lines

MISSING = "-"


@dataclass(frozen=True)
class BestTable(Table):
    """A table whose best figure of each column stands out: ``high``, ``low``, or none."""

    best: str = ""


def class_tables(study: ClassStudy) -> list[Table]:
    """Dice, HD95, IoU where there are videos, paired tests."""
    tables: list[Table] = [_by_class(study, "Dice (%)", _dice, 100.0, "high")]
    if any(s.hd95_mm is not None for own in study.scores.values() for s in own):
        tables.append(_by_class(study, "HD95 (mm)", _hd95, 1.0, "low"))
    if study.frame_iou:
        tables.append(_by_class(study, "IoU (%)", _iou, 100.0, "high"))
        tables.append(_challenge(study))
    groups = _groups(study)
    if len(groups) > 1:
        tables.append(_by_group(study, groups))
    if study.comparisons:
        tables.append(_paired(study))
    return tables


def _by_class(
    study: ClassStudy,
    title: str,
    value: Callable[[Score], float | None],
    times: float,
    best: str,
) -> BestTable:
    marked = [
        n
        for n in range(1, len(study.classes) + 1)
        if any(s.lesion == n for s in next(iter(study.scores.values())))
    ]
    rows = []
    for name, scores in study.scores.items():
        means = [mean_known([value(s) for s in scores if s.lesion == n]) for n in marked]
        # As the authors' test.py does: the mean of the classes' means.
        whole = mean_known(means)
        rows.append([name, *(figure(m, times) for m in (*means, whole))])
    names = [study.classes[n - 1] for n in marked]
    first = next(iter(study.scores.values()))
    cases = len({s.case for s in first})
    note = f"{cases} case{'s' * (cases != 1)}; each class over those in which the expert marked it."
    counts = {n: len({s.case for s in first if s.lesion == n}) for n in marked}
    fewer = [f"{study.classes[n - 1]} in {counts[n]}" for n in marked if counts[n] < cases]
    if fewer:
        note += f" Marked in fewer: {', '.join(fewer)}."
    left_out = [c for n, c in enumerate(study.classes, 1) if n not in marked]
    if left_out:
        note += f" Not marked, and left out: {', '.join(left_out)}."
    if best == "low":
        note += " HD95 over the masks that are not empty" + _empty(study) + "."
    return BestTable(title, ["method", *names, "mean"], rows, note, best)


def _empty(study: ClassStudy) -> str:
    """How many masks of each method are empty, where some are."""
    counts = {n: sum(s.hd95_mm is None for s in own) for n, own in study.scores.items()}
    told = [f"{count} of {name}" for name, count in counts.items() if count]
    return f"; empty: {', '.join(told)}" if told else ""


def _challenge(study: ClassStudy) -> BestTable:
    rows = [[n, str(len(v)), figure(mean_known(v), 100.0)] for n, v in study.frame_iou.items()]
    note = (
        "Mean IoU of the classes that are in a frame, background tissue among them, then the mean "
        "over all frames, as the EndoVis 2018 challenge counts it."
    )
    return BestTable("mIoU of the challenge (%)", ["method", "frames", "mIoU"], rows, note, "high")


def _groups(study: ClassStudy) -> list[str]:
    """Sites and the like: what the case's names begin with, and modalities."""
    first = next(iter(study.scores.values()))
    return list(dict.fromkeys(_group(s) for s in first))


def _group(score: Score) -> str:
    return f"{score.source} {score.modality}".strip()


def _by_group(study: ClassStudy, groups: Sequence[str]) -> BestTable:
    rows = []
    for name, scores in study.scores.items():
        means = []
        for group in groups:
            own = [s for s in scores if _group(s) == group]
            numbers = dict.fromkeys(s.lesion for s in own)
            means.append(
                mean_known([mean_known([s.dice for s in own if s.lesion == n]) for n in numbers])
            )
        rows.append([name, *(figure(m, 100.0) for m in (*means, mean_known(means)))])
    columns = ["method", *groups, "mean"]
    return BestTable("Dice (%) by source", columns, rows, "Mean over classes.", "high")


def _paired(study: ClassStudy) -> Table:
    """Over all classes, and each by itself where there are several."""
    several = len(study.classes) > 1
    rows = []
    for whole in study.comparisons:
        names = whole.first, whole.second
        rows.append(_paired_row(whole, "all" if several else ""))
        first, second = (study.scores[name] for name in names)
        for number in sorted({s.lesion for s in first}) if several else ():
            one = [s for s in first if s.lesion == number]
            other = [s for s in second if s.lesion == number]
            rows.append(_paired_row(compare(one, other, names), study.classes[number - 1]))
    note = (
        "95 %: bootstrap over patients; p: Wilcoxon signed-rank over patients' means, from 6 "
        "patients on"
    )
    note += "; classes one by one, not corrected for their number." if several else "."
    columns = ["difference in Dice (points)", *(["class"] if several else [])]
    columns += ["patients", "mean", "95 %", "p"]
    return Table("Same cases, paired", columns, rows, note)


def _paired_row(found: Comparison, of: str) -> list[str]:
    return [
        f"{found.first} - {found.second}",
        *([of] if of else []),
        str(found.patients),
        f"{100 * found.difference:+.1f}",
        f"{100 * found.low:+.1f} to {100 * found.high:+.1f}",
        MISSING if found.p is None else f"{found.p:.2g}",
    ]


def write_tables(path: Path, tables: Sequence[Table]) -> None:
    """Write tables as Markdown (``.md``), LaTeX with booktabs (``.tex``), or CSV.

    Raises:
        SegmentationError: the file can't be written.
        ConfigError: another ending.
    """
    writers = {".md": _markdown, ".tex": _latex, ".csv": _csv}
    writer = writers.get(path.suffix.lower())
    if writer is None:
        raise ConfigError(f"{path} must end in {', '.join(writers)}.")
    write_text(path, writer(tables), SegmentationError)


def _markdown(tables: Sequence[Table]) -> str:
    parts = []
    for table in tables:
        bold = _best_cells(table)
        head = "| " + " | ".join(map(_plain_cell, table.columns)) + " |"
        rule = "|---" + "|---:" * (len(table.columns) - 1) + "|"
        rows = [
            "| "
            + " | ".join(
                f"**{cell}**" if (r, c) in bold else _plain_cell(cell) for c, cell in enumerate(row)
            )
            + " |"
            for r, row in enumerate(table.rows)
        ]
        note = ["", table.note] if table.note else []
        parts.append("\n".join([f"### {table.title}", "", head, rule, *rows, *note]))
    return "\n\n".join(parts) + "\n"


def _plain_cell(text: str) -> str:
    return text.replace("|", "\\|")


_LATEX = {c: f"\\{c}" for c in "&%$#_{}"} | {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}


def _tex(text: str) -> str:
    return "".join(_LATEX.get(character, character) for character in text)


def _latex(tables: Sequence[Table]) -> str:
    parts = []
    for table in tables:
        bold = _best_cells(table)
        rows = [
            " & ".join(
                rf"\textbf{{{_tex(cell)}}}" if (r, c) in bold else _tex(cell)
                for c, cell in enumerate(row)
            )
            + r" \\"
            for r, row in enumerate(table.rows)
        ]
        parts.append(
            "\n".join(
                [
                    r"\begin{table}",
                    r"\centering",
                    rf"\caption{{{_tex(table.title)}. {_tex(table.note)}}}",
                    rf"\begin{{tabular}}{{l{'r' * (len(table.columns) - 1)}}}",
                    r"\toprule",
                    " & ".join(map(_tex, table.columns)) + r" \\",
                    r"\midrule",
                    *rows,
                    r"\bottomrule",
                    r"\end{tabular}",
                    r"\end{table}",
                ]
            )
        )
    return "% needs \\usepackage{booktabs}\n" + "\n\n".join(parts) + "\n"


def _csv(tables: Sequence[Table]) -> str:
    rows: list[Sequence[object]] = []
    for table in tables:
        rows.append(["table", *table.columns])
        rows += [[table.title, *(c if c != MISSING else None for c in row)] for row in table.rows]
    return lines(rows)


def _best_cells(table: Table) -> set[tuple[int, int]]:
    """Row and column of the best figures, where several methods are compared."""
    best = table.best if isinstance(table, BestTable) else ""
    cells: set[tuple[int, int]] = set()
    if not best or len(table.rows) < 2:
        return cells
    choose = max if best == "high" else min
    for column in range(1, len(table.columns)):
        figures = {
            r: float(row[column]) for r, row in enumerate(table.rows) if row[column] != MISSING
        }
        if figures:
            top = choose(figures.values())
            cells |= {(r, column) for r, figure in figures.items() if figure == top}
    return cells


def _dice(score: Score) -> float | None:
    return score.dice


def _iou(score: Score) -> float | None:
    return score.iou


def _hd95(score: Score) -> float | None:
    return score.hd95_mm


def mean_known(values: Sequence[float | None]) -> float | None:
    """Mean of the values that there are; None where there is none."""
    known = [v for v in values if v is not None]
    return float(np.mean(known)) if known else None


def figure(value: float | None, times: float) -> str:
    """A value in a table, with one decimal; :data:`MISSING` for None."""
    return MISSING if value is None else f"{times * value:.1f}"
