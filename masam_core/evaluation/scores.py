"""Scores on disk: one line a model, lesion and box."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, astuple, fields
from pathlib import Path
from typing import Any

import numpy as np

from masam_core.errors import SegmentationError
from masam_core.scoring.evaluate import Score
from masam_core.spreadsheet import write_table


def write_scores(path: Path, scores: Mapping[str, Sequence[Score]]) -> None:
    """Write every field of :class:`Score` as CSV, after the model's name.

    Args:
        path: CSV file.
        scores: of each model, by name.

    Raises:
        SegmentationError: the file can't be written.
    """
    rows = [[model, *astuple(score)] for model, own in scores.items() for score in own]
    write_table(path, ["model", *(f.name for f in fields(Score))], rows, SegmentationError, False)


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
