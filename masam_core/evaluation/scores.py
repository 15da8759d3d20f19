"""Scores as a table: one line a case."""

from __future__ import annotations

import csv
from dataclasses import asdict, fields
from pathlib import Path

from masam_core.atomic import atomic_path
from masam_core.errors import SegmentationError
from masam_core.evaluation.evaluate import Score


def write_scores(path: Path, scores: list[Score]) -> None:
    """Write case, modality, Dice of the model and of the ellipsoid, and confidence as CSV.

    Raises:
        SegmentationError: the file can't be written.
    """
    try:
        with (
            atomic_path(path) as temporary,
            temporary.open("w", newline="", encoding="utf-8") as file,
        ):
            writer = csv.DictWriter(file, [f.name for f in fields(Score)])
            writer.writeheader()
            writer.writerows(asdict(score) for score in scores)
    except OSError as error:
        raise SegmentationError(f"Can't write {path}: {error.strerror or error}.") from error
