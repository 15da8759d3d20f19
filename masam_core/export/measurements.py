"""The table of measurements: one row per lesion, units in the header, as CSV."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from masam_core.errors import SegmentationError
from masam_core.image.intensity import intensity_unit
from masam_core.lesion.measurements.measurement import Cell
from masam_core.lesion.measurements.registry import quantities
from masam_core.spreadsheet import write_long_table, write_table

if TYPE_CHECKING:
    from masam_core.image.volume import Volume
    from masam_core.lesion.cut import Cut
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
    "cuts",
    "looked_mm",
    "prompts",
)
# Those that hold words; the others hold numbers.
TEXT_COLUMNS = frozenset(
    {"image", "lesion", "intensity_unit", "cuts", "model", "prompts", "messages"}
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
            lesion.known_confidence,
            lesion.model,
            lesion.messages,
            lesion.cuts,
            lesion.looked_mm,
            None if lesion.prompts is None else lesion.prompts.to_dict(lesion.geometry),
        )
        for lesion in lesions
    ]


def measurement_row(
    image: str,
    lesion: str,
    found: Mapping[str, Any],
    unit: str | None,
    confidence: float | None,
    model: str,
    messages: Iterable[str],
    cuts: Iterable[Cut] = (),
    looked_mm: float | None = None,
    prompts: Mapping[str, Any] | None = None,
) -> dict[str, Cell]:
    """A row of the table, keyed by ``COLUMNS``; None where nothing was measured.

    Diameters lie in the plane named in ``diameter_plane``, across the voxel axis ``diameter_axis``
    (i, j or k), on the slice ``diameter_slice`` along it, counted from 0. The
    centroid is in LPS. Intensities are Hounsfield units (HU) for CT and have no unit otherwise.

    Args:
        image, lesion: names.
        found: quantity to value, such as ``Measurements``; what is missing is None.
        unit: of intensities.
        confidence: in [0, 1]; None where it is not known or means nothing.
        model: its name.
        messages: notes for the reader.
        cuts: sides at which the box seems to cut the lesion off.
        looked_mm: how far across the slices was looked for it; None where the prompt said it.
        prompts: ``PromptRecord.to_dict``, which the table holds as JSON; None where not known.
    """
    row: dict[str, Cell] = {"image": image, "lesion": lesion}
    for quantity in quantities():
        value = found.get(quantity.name, quantity.empty)
        for column in quantity.table_columns():
            row[column.name] = None if value is None else column.cell(value)
    row |= {"intensity_unit": unit, "confidence": confidence, "model": model}
    row["messages"] = " ".join(messages)
    row["cuts"] = " ".join(cut.side.value for cut in cuts) or None
    row["looked_mm"] = looked_mm
    row["prompts"] = None if prompts is None else json.dumps(prompts, separators=(",", ":"))
    return row


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


def write_long_measurements(
    path: Path, rows: Iterable[Mapping[str, Cell]], columns: Sequence[str] = COLUMNS
) -> None:
    """Write as :func:`write_measurements` does, one row after the other as they come."""
    cells = ([_short(row[column]) for column in columns] for row in rows)
    write_long_table(path, columns, cells, SegmentationError)


def _short(value: Cell) -> Cell:
    return f"{value:.6g}" if isinstance(value, float) else value
