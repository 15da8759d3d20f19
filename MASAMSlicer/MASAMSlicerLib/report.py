"""Measurements of lesions as rows, for the table in the scene and for CSV."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from masam_core.report import COLUMNS, Cell

from .scene.lesions import EDITED, Lesion
from .scene.volumes import modalityOf


def rowsOf(lesions: Iterable[Lesion]) -> list[dict[str, Cell]]:
    """A row of ``masam_core.report.COLUMNS`` for each lesion that has a segment."""
    return [_row(lesion) for lesion in lesions if lesion.provenance is not None]


def _row(lesion: Lesion) -> dict[str, Cell]:
    made = lesion.provenance
    assert made is not None
    found: dict[str, Any] = made.measurements
    notes = list(made.messages)
    if lesion.status == EDITED:
        notes.append("Edited by hand after MASAM.")
    axis = found.get("diameter_axis")
    boxMm = found.get("bounding_box_mm") or (None, None, None)
    centroid = found.get("centroid_lps") or (None, None, None)
    modality = modalityOf(lesion.volume) if lesion.volume is not None else None
    values: dict[str, Cell] = {
        **{name: found.get(name) for name in COLUMNS},
        "image": lesion.volume.GetName() if lesion.volume is not None else "",
        "lesion": lesion.name,
        "diameter_axis": None if axis is None else "ijk"[axis],
        "bounding_box_i_mm": boxMm[0],
        "bounding_box_j_mm": boxMm[1],
        "bounding_box_k_mm": boxMm[2],
        "centroid_l_mm": centroid[0],
        "centroid_p_mm": centroid[1],
        "centroid_s_mm": centroid[2],
        "intensity_unit": "HU" if modality == "CT" else None,
        "confidence": made.confidence,
        "model": made.model,
        "messages": " ".join(notes),
    }
    return {name: values[name] for name in COLUMNS}
