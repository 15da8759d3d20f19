"""Measurements of lesions as rows, for the table in the scene and for CSV."""

from __future__ import annotations

from collections.abc import Iterable

from masam_core.export.measurements import Cell, measurement_row
from masam_core.lesion.measure import Measurements

from .scene.lesions import EDITED, Lesion
from .scene.volumes import modalityOf


def rowsOf(lesions: Iterable[Lesion]) -> list[dict[str, Cell]]:
    """A row of ``masam_core.export.measurements.COLUMNS`` for each lesion that has a segment."""
    return [_row(lesion) for lesion in lesions if lesion.provenance is not None]


def _row(lesion: Lesion) -> dict[str, Cell]:
    made = lesion.provenance
    assert made is not None
    notes = list(made.messages)
    if lesion.status == EDITED:
        notes.append("Edited by hand after MASAM.")
    image, unit = "", None
    if lesion.volume is not None:
        image = lesion.volume.GetName()
        unit = "HU" if modalityOf(lesion.volume) == "CT" else None
    found = Measurements.from_dict(made.measurements)
    return measurement_row(image, lesion.name, found, unit, made.confidence, made.model, notes)
