"""What an adaptation brought: old against new on the held-out lesions, as table, JSON, Markdown."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from masam_core.atomic import write_text
from masam_core.errors import ConfigError
from masam_core.jsonfile import read_json
from masam_core.scoring.evaluate import Score
from masam_core.scoring.paired import LEAST_PATIENTS, Comparison, compare

COLUMNS = ("Held-out lesion", "Old", "New", "Difference")
SIGNIFICANT = 0.05
NOTE = (
    "Dice from the tight box of each lesion's mask, by the inference of the product. Patients of "
    "these lesions were neither trained on nor looked at to choose the weights. 95 %: bootstrap "
    "over patients; p: Wilcoxon signed-rank over patients."
)


@dataclass(frozen=True)
class Outcome:
    """Old against new.

    Attributes:
        old, new: names of the two models.
        model: file of the new one.
        lesions: (case, modality, Dice of the old, Dice of the new) of each held-out lesion.
        comparison: new minus old.
        changed: whether training found anything better than what it started from.
        trained, stopped: number of lesions that taught, and that said when to stop.
        trained_patients, stopped_patients: of how many patients those were.
        steps: of the training.
    """

    old: str
    new: str
    model: Path
    lesions: tuple[tuple[str, str, float, float], ...]
    comparison: Comparison
    changed: bool
    trained: int
    trained_patients: int
    stopped: int
    stopped_patients: int
    steps: int

    @property
    def old_dice(self) -> float:
        """Mean Dice of the old model."""
        return sum(row[2] for row in self.lesions) / len(self.lesions)

    @property
    def new_dice(self) -> float:
        """Mean Dice of the new model."""
        return sum(row[3] for row in self.lesions) / len(self.lesions)

    @property
    def better(self) -> bool:
        """Whether the new model has the higher mean Dice, by chance or not."""
        return self.changed and self.comparison.difference > 0

    @property
    def verdict(self) -> str:
        """What to make of it, in a sentence or two."""
        if not self.changed:
            return (
                "Training found nothing better than the old model on the patients that say when to "
                "stop, so the new model is the old one. There is nothing to take over."
            )
        c = self.comparison
        by = f"by {abs(c.difference):.3f} Dice (95 % {c.low:+.3f} to {c.high:+.3f})"
        if c.difference <= 0:
            return f"On the held-out lesions the new model is not better ({by}): keep the old one."
        sure = "" if c.p is None else f", p = {c.p:.2g}"
        words = f"On the held-out lesions the new model is better {by}{sure}."
        if c.p is None:
            return (
                f"{words} With {_of_patients(c.patients)} there is no test: it takes "
                f"{LEAST_PATIENTS}. It may be chance."
            )
        return words if c.p < SIGNIFICANT else f"{words} It may be chance."

    def rows(self) -> list[tuple[str, str, str, str]]:
        """Rows of the table under ``COLUMNS``, the last one the mean."""
        lines = [
            (f"{case} ({modality})" if modality else case, old, new)
            for case, modality, old, new in self.lesions
        ]
        lines.append((f"Mean of {len(self.lesions)}", self.old_dice, self.new_dice))
        return [(name, f"{old:.3f}", f"{new:.3f}", f"{new - old:+.3f}") for name, old, new in lines]

    def about(self) -> str:
        """What was trained on and compared on, in a sentence."""
        c = self.comparison
        stop = (
            f"{self.stopped} of {_of_patients(self.stopped_patients)} said when to stop"
            if self.stopped
            else "none to say when to stop"
        )
        return (
            f"{self.trained} lesions of {_of_patients(self.trained_patients)} taught in "
            f"{self.steps} steps, {stop}; {c.n} of {_of_patients(c.patients)} were held out."
        )

    def markdown(self) -> str:
        """The table for a document."""
        head = f"| {' | '.join(COLUMNS)} |\n|---|---:|---:|---:|"
        body = "\n".join(f"| {' | '.join(row)} |" for row in self.rows())
        title = f"# Old against new\n\nOld: {self.old}. New: {self.new}."
        return f"{title}\n\n{head}\n{body}\n\n{self.verdict}\n\n{self.about()}\n\n{NOTE}\n"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {**asdict(self), "model": str(self.model), "verdict": self.verdict}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Outcome:
        """The inverse of :meth:`to_dict`; KeyError or TypeError for anything else."""
        given = {name: value for name, value in values.items() if name != "verdict"}
        given["comparison"] = Comparison(**given["comparison"])
        given["lesions"] = tuple(
            (str(case), str(modality), float(old), float(new))
            for case, modality, old, new in given["lesions"]
        )
        return cls(**{**given, "model": Path(given["model"])})

    def write(self, folder: Path) -> None:
        """Write ``comparison.json`` and ``comparison.md``."""
        write_text(folder / "comparison.json", json.dumps(self.to_dict(), indent=1), ConfigError)
        write_text(folder / "comparison.md", self.markdown(), ConfigError)


def read_outcome(path: Path) -> Outcome:
    """Read ``comparison.json``; ConfigError where it is none."""
    values = read_json(path, "comparison of two models")
    try:
        return Outcome.from_dict(values)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConfigError(f"{path} is no comparison of two models.") from error


def paired(
    old: Sequence[Score], new: Sequence[Score], names: tuple[str, str]
) -> tuple[tuple[tuple[str, str, float, float], ...], Comparison]:
    """The lesions of a table, and new minus old.

    Args:
        old, new: scores of the same lesions in the same order.
        names: of the old and of the new model.
    """
    comparison = compare(new, old, (names[1], names[0]))
    lesions = tuple(
        (a.case if a.lesion == 1 else f"{a.case}, {a.lesion}", a.modality, a.dice, b.dice)
        for a, b in zip(old, new, strict=True)
    )
    return lesions, comparison


def _of_patients(count: int) -> str:
    return "1 patient" if count == 1 else f"{count} patients"
