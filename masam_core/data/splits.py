"""Which patients train and which validate."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from masam_core.data.cases import Case
from masam_core.errors import ConfigError

VALIDATION_SHARE = 0.2  # of the patients, where a data set has no split


def split_of(patient: str, share: float = VALIDATION_SHARE) -> str:
    """``val`` for about the given share of patients, else ``train``; the same on every machine."""
    digest = hashlib.sha256(patient.encode()).digest()
    return "val" if int.from_bytes(digest[:4], "big") < share * 2**32 else "train"


def require_whole_patients(cases: Iterable[Case], source: object) -> None:
    """Check that no patient is in two splits, for then validation says nothing.

    Args:
        cases: of one data set.
        source: where they are listed, for the message.

    Raises:
        ConfigError: names the patient and both splits.
    """
    splits: dict[str, str] = {}
    for case in cases:
        other = splits.setdefault(case.patient, case.split)
        if other != case.split:
            raise ConfigError(
                f"{source}: patient {case.patient} is in both {other} and {case.split}. Split by "
                "patient, or validation says nothing."
            )
