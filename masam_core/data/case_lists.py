"""Case lists: CSV, JSON, and the layout of the Medical Segmentation Decathlon."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from masam_core.errors import ConfigError
from masam_core.training.prepared import Case

REQUIRED = ("case", "patient", "split")
VALIDATION_SHARE = 0.2  # of the patients, where a list has no split


def read_cases(path: Path) -> list[Case]:
    """Image and label pairs.

    * A folder with ``index.csv``, or a CSV file: :func:`read_index`.
    * A JSON file with a list of such rows, as objects.
    * A folder with ``dataset.json``, or that file: the Medical Segmentation Decathlon (Antonelli
      et al. 2022); its ``training`` pairs, patients split by :func:`split_of`.

    Raises:
        ConfigError: nothing of that kind, a missing column or file, or a patient in two splits.
    """
    path = Path(path)
    if path.is_dir() and not (path / "index.csv").exists() and (path / "dataset.json").exists():
        path = path / "dataset.json"
    if path.suffix.lower() != ".json":
        return read_index(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"The case list {path} can't be read as JSON: {error}.") from error
    if isinstance(content, dict) and isinstance(content.get("training"), list):
        return _decathlon(content, path)
    if not isinstance(content, list) or not all(isinstance(row, dict) for row in content):
        raise ConfigError(
            f"{path} is no case list: expected a list of objects with case, patient and split, or "
            "a dataset.json with 'training' pairs."
        )
    return _cases(content, path)


def read_index(path: Path) -> list[Case]:
    """Cases of an ``index.csv`` with the columns case, patient, split and, if known, modality.

    Image and label are ``<case>/image.nii.gz`` and ``<case>/label.nii.gz`` beside the index,
    unless the columns ``image`` and ``label`` name other files. A row without split gets one by
    :func:`split_of`.

    Raises:
        ConfigError: no index, a missing column or file, or a patient in more than one split.
    """
    path = Path(path)
    index = path / "index.csv" if path.is_dir() else path
    if not index.is_file():
        raise ConfigError(f"There is no case list at {index}; expected a CSV or JSON file.")
    with index.open(newline="", encoding="utf-8") as file:
        return _cases(list(csv.DictReader(file)), index)


def split_of(patient: str, share: float = VALIDATION_SHARE) -> str:
    """``val`` for about the given share of patients, else ``train``; the same on every machine."""
    digest = hashlib.sha256(patient.encode()).digest()
    return "val" if int.from_bytes(digest[:4], "big") < share * 2**32 else "train"


def _cases(rows: list[dict[str, Any]], index: Path) -> list[Case]:
    missing = [c for c in REQUIRED if not rows or c not in rows[0]]
    if missing:
        raise ConfigError(f"{index} lacks the column(s) {', '.join(missing)}, or has no rows.")
    cases = []
    for row in rows:
        name, patient = str(row["case"]), str(row["patient"])
        folder = index.parent / name
        image = index.parent / row["image"] if row.get("image") else folder / "image.nii.gz"
        label = index.parent / row["label"] if row.get("label") else folder / "label.nii.gz"
        split = row.get("split") or split_of(patient)
        cases.append(Case(name, patient, row.get("modality") or "", split, image, label))
    return _checked(cases, index)


def _decathlon(content: Mapping[str, Any], path: Path) -> list[Case]:
    modality = str(next(iter(dict(content.get("modality") or {}).values()), "")).upper()
    modality = "MR" if modality.startswith(("MR", "T1", "T2", "FLAIR")) else modality
    cases = []
    for pair in content["training"]:
        if not isinstance(pair, dict) or not {"image", "label"} <= set(pair):
            raise ConfigError(f"{path}: a training pair lacks 'image' or 'label'.")
        name = Path(pair["image"]).name.split(".")[0]
        image, label = path.parent / pair["image"], path.parent / pair["label"]
        cases.append(Case(name, name, modality, split_of(name), image, label))
    if not cases:
        raise ConfigError(f"{path} lists no training pairs.")
    return _checked(cases, path)


def _checked(cases: list[Case], index: Path) -> list[Case]:
    splits: dict[str, str] = {}
    for case in cases:
        for file in (case.image, case.label):
            if not file.exists():
                raise ConfigError(f"{index} lists {case.name}, but {file} is missing.")
        other = splits.setdefault(case.patient, case.split)
        if other != case.split:
            raise ConfigError(
                f"{index}: patient {case.patient} is in both {other} and {case.split}. Split by "
                "patient, or validation says nothing."
            )
    return cases
