"""Which cases train, which say when to stop, and which are held out for the comparison.

Cases of the split ``val`` are held out: neither training nor the choice of the best weights looks
at them, or the comparison would flatter the new model.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from masam_core.data.cases import Case
from masam_core.errors import ConfigError
from masam_core.spreadsheet import write_table

STOP_SHARE = 0.25  # of the training patients
LEAST_PATIENTS = 4  # fewer are all needed for training


@dataclass(frozen=True)
class Division:
    """``train`` teach, ``stop`` say which weights are the best (may be none), ``held_out`` wait
    for the comparison. No patient is in two of them."""

    train: list[Case]
    stop: list[Case]
    held_out: list[Case]


def divide(cases: Sequence[Case], seed: int = 0) -> Division:
    """Divide a data set's cases by patient; the same seed divides in the same way everywhere.

    Raises:
        ConfigError: nothing to train on, or nothing held out.
    """
    held_out = [case for case in cases if case.split == "val"]
    others = [case for case in cases if case.split == "train"]
    for found, split, what in (
        (others, "train", "nothing to learn from"),
        (held_out, "val", "nothing to compare the old and the new model on"),
    ):
        if not found:
            raise ConfigError(
                f"No case has the split '{split}', so there is {what}. Add cases of more patients: "
                "two at least, and some ten for a comparison that means something."
            )
    patients = sorted({case.patient for case in others}, key=lambda name: _order(name, seed))
    count = round(STOP_SHARE * len(patients)) if len(patients) >= LEAST_PATIENTS else 0
    stopping = set(patients[: max(count, int(len(patients) >= LEAST_PATIENTS))])
    return Division(
        [case for case in others if case.patient not in stopping],
        [replace(case, split="val") for case in others if case.patient in stopping],
        held_out,
    )


def write_division(path: Path, division: Division) -> None:
    """Write what trains and what stops as a case list; the held-out cases are not in it."""
    columns = ("case", "patient", "split", "modality", "image", "label", "weight")
    rows = [
        (c.name, c.patient, c.split, c.modality, c.image.resolve(), c.label.resolve(), c.weight)
        for c in (*division.train, *division.stop)
    ]
    write_table(path, columns, rows, ConfigError, mark=False)


def _order(patient: str, seed: int) -> str:
    return hashlib.sha256(f"{seed} {patient}".encode()).hexdigest()
