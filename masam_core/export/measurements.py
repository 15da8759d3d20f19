"""The table of measurements: one row per lesion, units in the header, as CSV."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from masam_core.errors import SegmentationError
from masam_core.image.intensity import intensity_unit
from masam_core.lesion.measurements.measurement import Cell
from masam_core.lesion.measurements.registry import quantities
from masam_core.spreadsheet import write_table

if TYPE_CHECKING:
    from masam_core.image.volume import Volume
    from masam_core.lesion.lesion import Lesion

_OF_MEASUREMENTS = [column for q in quantities() for column in q.table_columns()]
COLUMNS = (
    "image",
    "lesion",
    *(column.name for column in _OF_MEASUREMENTS),
    "intensity_unit",
    "confidence",
    "model",
    "messages",
)
# Those that hold words; the others hold numbers.
TEXT_COLUMNS = frozenset(
    {"image", "lesion", "intensity_unit", "model", "messages"}
    | {column.name for column in _OF_MEASUREMENTS if column.text}
)


def measurement_rows(lesions: Sequence[Lesion], volume: Volume) -> list[dict[str, Cell]]:
    """A row of the table for each lesion; see :func:`measurement_row`."""
    unit = intensity_unit(volume.kind)
    return [
        measurement_row(
            volume.name,
            lesion.name,
            lesion.measurements,
            unit,
            lesion.confidence,
            lesion.model,
            lesion.messages,
        )
        for lesion in lesions
    ]


def measurement_row(
    image: str,
    lesion: str,
    found: Mapping[str, Any],
    unit: str | None,
    confidence: float,
    model: str,
    messages: Iterable[str],
) -> dict[str, Cell]:
    """A row of the table, keyed by ``COLUMNS``; None where nothing was measured.

    Diameters lie in the plane named in ``diameter_plane``, across the voxel axis ``diameter_axis``
    (i, j or k), on the slice ``diameter_slice`` along it, counted from 0. The
    centroid is in LPS. Intensities are Hounsfield units (HU) for CT and have no unit otherwise.

    Args:
        image, lesion: names.
        found: quantity to value, such as ``Measurements``; what is missing is None.
        unit: of intensities.
        confidence: in [0, 1].
        model: its name.
        messages: notes for the reader.
    """
    row: dict[str, Cell] = {"image": image, "lesion": lesion}
    for quantity in quantities():
        value = found.get(quantity.name, quantity.empty)
        for column in quantity.table_columns():
            row[column.name] = None if value is None else column.cell(value)
    row |= {"intensity_unit": unit, "confidence": confidence, "model": model}
    return {**row, "messages": " ".join(messages)}


def write_measurements(
    path: str | Path, rows: Iterable[Mapping[str, Cell]], columns: Sequence[str] = COLUMNS
) -> None:
    """Write rows of ``measurement_rows``, of one image or of many, as CSV.

    The file is UTF-8 with a byte order mark, without which Excel garbles accented names.

    Raises:
        SegmentationError: when the file cannot be written.
    """
    cells = [[_short(row[column]) for column in columns] for row in rows]
    write_table(Path(path), columns, cells, SegmentationError)


def _short(value: Cell) -> Cell:
    return f"{value:.6g}" if isinstance(value, float) else value
