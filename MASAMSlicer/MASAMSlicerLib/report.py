"""Measurements of lesions as rows, for the table in the scene and for CSV."""

from __future__ import annotations

from collections.abc import Iterable

from masam_core.export.measurements import Cell, measurement_row
from masam_core.lesion.cut import Cut

from .scene.lesions import EDITED, LesionEntry
from .scene.volumes import intensityUnitOf


def rowsOf(lesions: Iterable[LesionEntry]) -> list[dict[str, Cell]]:
    """A row of ``masam_core.export.measurements.COLUMNS`` for each lesion that has a segment."""
    return [_row(lesion) for lesion in lesions if lesion.provenance is not None]


def _row(lesion: LesionEntry) -> dict[str, Cell]:
    made = lesion.provenance
    assert made is not None
    notes = list(made.messages)
    if lesion.status == EDITED:
        notes.append("Edited by hand after MASAM.")
    image, unit = "", None
    if lesion.volume is not None:
        image = lesion.volume.GetName()
        unit = intensityUnitOf(lesion.volume)
    return measurement_row(
        image,
        lesion.name,
        made.measurements,
        unit,
        made.knownConfidence,
        made.model,
        notes,
        [Cut.from_dict(cut) for cut in made.cuts],
        made.lookedMm,
        made.prompts or None,
    )
