"""The table of measurements that leaves the tab: a row for each lesion, as a reader reports it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from MASAMSlicerLib.report import rowsOf
from MASAMSlicerLib.scene.lesions import LesionEntry
from MASAMSlicerLib.wording import kindName

from masam_core.errors import SegmentationError
from masam_core.export.measurements import COLUMNS
from masam_core.spreadsheet import write_table
from masam_workbench.served.masks import Masks
from masam_workbench.tab.figures import askedWords, significant, sliceNumber, thresholdOf
from masam_workbench.tab.lesionlist import slicesOf

MODEL = "model"  # the threshold where none was chosen
# Beside what the image and the lesion are called.
OWN = ("label", "kind", "slices", "threshold")
_COUNTED_FROM_ONE = "diameter_slice"
_LAST = ("prompts",)
_HEAD = ("image", "lesion")
TABLE = (*_HEAD, *OWN, *(c for c in COLUMNS if c not in (*_HEAD, *_LAST)), *_LAST)


def writeTable(path: Path, lesions: Iterable[LesionEntry], masks: Masks) -> None:
    """Write the measurements of the lesions that have a mask.

    Numbers have three significant digits; counts are whole. Slices are numbered as on screen.

    Raises:
        SegmentationError: there is none, or the file can't be written.
    """
    measured = [lesion for lesion in lesions if lesion.provenance is not None]
    if not measured:
        raise SegmentationError("There is nothing measured yet: press Segment first.")
    rows = []
    for lesion, row in zip(measured, rowsOf(measured), strict=True):
        threshold = thresholdOf(lesion)
        own: dict[str, Any] = {
            "label": lesion.label,
            "kind": kindName(lesion.terminology),
            "slices": slicesOf(masks.of(lesion), lesion),
            "threshold": MODEL if threshold is None else threshold,
            "prompts": askedWords(lesion),
            _COUNTED_FROM_ONE: sliceNumber(row[_COUNTED_FROM_ONE]),  # type: ignore[arg-type]
        }
        rows.append({**row, **own})
    cells = [[_cell(row[column]) for column in TABLE] for row in rows]
    write_table(path, TABLE, cells, SegmentationError)


def _cell(value: Any) -> Any:
    return significant(value) if isinstance(value, float) else value
