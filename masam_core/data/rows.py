"""Rows of a case list, as CSV and JSON have them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from masam_core.data.cases import Case
from masam_core.data.splits import split_of
from masam_core.errors import ConfigError

REQUIRED = ("case", "patient", "split")


def cases_of_rows(rows: Sequence[Mapping[str, Any]], index: Path) -> list[Case]:
    """Cases of rows with case, patient, split and, if known, modality and weight.

    Image and label are ``<case>/image.nii.gz`` and ``<case>/label.nii.gz`` beside the list, unless
    the row names other files as ``image`` and ``label``. A row whose split is empty gets one by
    :func:`masam_core.data.splits.split_of`.

    Args:
        rows: by column.
        index: the list's file, from whose folder paths start.

    Raises:
        ConfigError: no rows, a column that is missing, or a row without case or patient.
    """
    missing = [c for c in REQUIRED if not rows or c not in rows[0]]
    if missing:
        raise ConfigError(f"{index} lacks the column(s) {', '.join(missing)}, or has no rows.")
    cases = []
    for number, row in enumerate(rows, 1):
        if any(row.get(column) in (None, "") for column in ("case", "patient")):
            raise ConfigError(f"{index}, row {number}: case and patient must both be given.")
        for column in (*REQUIRED, "image", "label", "modality", "weight"):
            if not isinstance(row.get(column), (str, int, float, type(None))):
                raise ConfigError(f"{index}, row {number}: {column} must be a text.")
        row = {column: "" if value is None else str(value) for column, value in row.items()}
        name, patient = str(row["case"]), str(row["patient"])
        folder = index.parent / name
        image = index.parent / row["image"] if row.get("image") else folder / "image.nii.gz"
        label = index.parent / row["label"] if row.get("label") else folder / "label.nii.gz"
        split = row.get("split") or split_of(patient)
        weight = _weight(row.get("weight") or "1", f"{index}, row {number}")
        cases.append(Case(name, patient, row.get("modality") or "", split, image, label, weight))
    return cases


def _weight(text: str, where: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        weight = math.nan
    if not 0 < weight < math.inf:
        raise ConfigError(f"{where}: weight is {text!r}; expected a number above 0.")
    return weight
