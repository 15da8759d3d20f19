"""Scores on disk: one line a model, lesion and box."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np

from masam_core.atomic import atomic_path
from masam_core.errors import SegmentationError
from masam_core.scoring.evaluate import Score


def write_scores(path: Path, scores: Mapping[str, Sequence[Score]]) -> None:
    """Write every field of :class:`Score` as CSV, after the model's name.

    Args:
        path: CSV file.
        scores: of each model, by name.

    Raises:
        SegmentationError: the file can't be written.
    """
    try:
        with (
            atomic_path(path) as temporary,
            temporary.open("w", newline="", encoding="utf-8") as file,
        ):
            writer = csv.DictWriter(file, ["model", *(f.name for f in fields(Score))])
            writer.writeheader()
            for model, own in scores.items():
                writer.writerows({"model": model, **asdict(score)} for score in own)
    except OSError as error:
        raise SegmentationError(f"Can't write {path}: {error.strerror or error}.") from error


def plain(value: Any) -> Any:
    """Scores, summaries and the like as JSON-able values; NaN becomes None."""
    if hasattr(value, "__dataclass_fields__"):
        return plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
