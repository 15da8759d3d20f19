"""The table and the picture of a study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from masam_core.atomic import atomic_path
from masam_core.errors import SegmentationError
from masam_core.evaluation.paper_tables import BestTable, figure, mean_known
from masam_core.experiments.grid import Study
from masam_core.experiments.study import Outcome


def study_table(study: Study, outcomes: Sequence[Outcome]) -> BestTable:
    """A line a run: its label on each axis, Dice of each class, their mean, and HD95."""
    names: list[str] = next((o.result["classes"] for o in outcomes if o.result), [])
    rows = []
    for outcome in outcomes:
        means = [class_mean(outcome.result, n, "dice") for n in range(1, len(names) + 1)]
        distances = [class_mean(outcome.result, n, "hd95_mm") for n in range(1, len(names) + 1)]
        figures = [figure(m, 100.0) for m in (*means, mean_known(means))]
        rows.append([outcome.point.title, *figures, figure(mean_known(distances), 1.0)])
    columns = [" / ".join(study.axes), *names, "mean Dice", "HD95 (mm)"]
    note = "Dice in %, each class over the cases in which the expert marked it. " + study.about
    failed = [o.point.title for o in outcomes if o.problem]
    if failed:
        note += f" Without result: {', '.join(failed)}."
    return BestTable(f"Study: {study.name}", columns, rows, note.strip())


def class_mean(result: Mapping[str, Any], number: int, what: str) -> float | None:
    """Mean of a measure over the cases of a class; None where there is none."""
    for scores in (result.get("scores") or {}).values():
        return mean_known([s[what] for s in scores if s["lesion"] == number])
    return None


def mean_dice(outcome: Outcome) -> float | None:
    """Mean over the classes' means."""
    count = len(outcome.result.get("classes", []))
    return mean_known([class_mean(outcome.result, n, "dice") for n in range(1, count + 1)])


def draw_study(path: Path, study: Study, outcomes: Sequence[Outcome]) -> None:
    """Draw mean Dice: a line over one numeric axis, else a bar a run.

    Args:
        path: ``.png``.
        study: gives the axes.
        outcomes: of its points; those without result are left out.

    Raises:
        SegmentationError: the file can't be written.
    """
    from matplotlib.figure import Figure

    known = [(o.point, value) for o in outcomes if (value := mean_dice(o)) is not None]
    sheet = Figure(figsize=(max(4.5, 0.6 * len(known) + 2), 3.4), layout="constrained")
    axis = sheet.subplots()
    values = [100 * value for _, value in known]
    places = _numbers([point.labels for point, _ in known])
    if places is not None:
        axis.plot(places, values, marker="o", color="#1f6fb2")
        axis.set_xticks(places)
        axis.set_xlabel(study.axes[0])
    else:
        axis.bar(range(len(values)), values, color="#1f6fb2", width=0.6)
        axis.set_xticks(range(len(values)), [p.title for p, _ in known], rotation=30, ha="right")
    for place, value in zip(places or range(len(values)), values, strict=True):
        axis.annotate(
            f"{value:.1f}", (place, value), (0, 4), textcoords="offset points", ha="center"
        )
    axis.set_ylabel("mean Dice (%)")
    axis.margins(y=0.15)
    axis.spines[["top", "right"]].set_visible(False)
    with atomic_path(path, SegmentationError) as temporary:
        sheet.savefig(temporary, dpi=130)


def _numbers(labels: Sequence[tuple[str, ...]]) -> list[float] | None:
    """Places on an axis of numbers, where all labels of the one axis are numbers."""
    try:
        return [float(label) for (label,) in labels] if len(labels) > 1 else None
    except ValueError:
        return None
