"""What an automatic model's file says of how far it can be believed.

A network that has seen few patients is as sure of a wrong mask as of a right one: what it says of
itself has to be held against patients that it has not learned from. Training does so with its
validation cases, and writes what came of it into the model's file, class by class, together with
the volumes that it learned from.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

ENOUGH = 5  # held-out patients; the mean error of fewer says nothing of the next one


@dataclass(frozen=True)
class Claim:
    """A mask of a held-out patient: what the model said of it, and what it was worth.

    Attributes:
        patient: whose.
        number: of the class, from 1.
        said: confidence in [0, 1] as the model itself has it.
        dice: against the expert; 0 where the expert marked nothing.
    """

    patient: str
    number: int
    said: float
    dice: float


@dataclass(frozen=True)
class ClassEvidence:
    """What is known of one class.

    Attributes:
        patients: held-out patients in whom something was found; 0 where it was never checked.
        excess: by how much the model's own confidence lies above the Dice: the mean over these
            patients and one standard error; never below 0.
        highest: the best Dice among them.
        volumes_ml: the smallest and the largest that it learned from; None where nobody says.
    """

    patients: int = 0
    excess: float = 0.0
    highest: float = 0.0
    volumes_ml: tuple[float, float] | None = None

    @property
    def checked(self) -> bool:
        """Whether enough held-out patients were looked at to say how sure a mask is."""
        return self.patients >= ENOUGH

    def confidence(self, said: float) -> float:
        """The Dice to be expected where the model says so much; NaN where it was not checked.

        It rises with what the model says, lies above it never, and is no higher than anything
        that was seen.
        """
        if not self.checked:
            return math.nan
        return float(np.clip(min(said - self.excess, self.highest), 0.0, 1.0))


@dataclass(frozen=True)
class Evidence:
    """What is known of every class, in the model's order."""

    classes: tuple[ClassEvidence, ...]

    def to_text(self) -> str:
        """Text for a weight file's metadata."""
        return json.dumps(
            [
                {
                    "patients": own.patients,
                    "excess": round(own.excess, 4),
                    "highest": round(own.highest, 4),
                    "volumes_ml": own.volumes_ml and list(own.volumes_ml),
                }
                for own in self.classes
            ]
        )


def evidence_of(
    claims: Iterable[Claim], volumes_ml: Sequence[tuple[float, float] | None]
) -> Evidence:
    """Make the record of a model.

    Args:
        claims: of held-out patients; none where there are no such patients.
        volumes_ml: for each class the smallest and largest in the training set, None where it
            holds none.
    """
    known = list(claims)
    return Evidence(
        tuple(
            _class_evidence([claim for claim in known if claim.number == number], volumes)
            for number, volumes in enumerate(volumes_ml, 1)
        )
    )


def _class_evidence(
    claims: Sequence[Claim], volumes_ml: tuple[float, float] | None
) -> ClassEvidence:
    by_patient: dict[str, list[float]] = {}
    for claim in claims:
        by_patient.setdefault(claim.patient, []).append(claim.said - claim.dice)
    if not by_patient:
        return ClassEvidence(volumes_ml=volumes_ml)
    over = np.array([np.mean(own) for own in by_patient.values()])
    error = float(over.std(ddof=1)) / math.sqrt(len(over)) if len(over) > 1 else 0.0
    return ClassEvidence(
        patients=len(over),
        excess=max(0.0, float(over.mean()) + error),
        highest=max(claim.dice for claim in claims),
        volumes_ml=volumes_ml,
    )


def evidence_from_metadata(metadata: Mapping[str, str], count: int) -> Evidence | None:
    """The record in a weight file; None where it holds none, or one that is damaged.

    Args:
        metadata: of the file.
        count: classes of the model.
    """
    try:
        classes = tuple(_read(entry) for entry in json.loads(metadata["evidence"]))
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        return None
    return Evidence(classes) if len(classes) == count else None


def _read(entry: Mapping[str, Any]) -> ClassEvidence:
    volumes = entry["volumes_ml"]
    if volumes is not None:
        least, most = (float(v) for v in volumes)
        if not 0 < least <= most < math.inf:
            raise ValueError(volumes)
        volumes = (least, most)
    excess, highest = float(entry["excess"]), float(entry["highest"])
    if not (0 <= excess < math.inf and 0 <= highest <= 1):
        raise ValueError(entry)
    return ClassEvidence(int(entry["patients"]), excess, highest, volumes)
