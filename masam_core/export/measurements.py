"""The table of measurements: one row per lesion, units in the header, as CSV."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from masam_core.atomic import atomic_path
from masam_core.errors import SegmentationError
from masam_core.image.intensity import guess_modality

if TYPE_CHECKING:
    from masam_core.image.volume import Volume
    from masam_core.lesion.lesion import Lesion
    from masam_core.lesion.measure import Measurements

Cell = str | int | float | None

COLUMNS = (
    "image",
    "lesion",
    "volume_ml",
    "longest_diameter_mm",
    "perpendicular_diameter_mm",
    "diameter_axis",
    "diameter_slice",
    "voxels",
    "surface_area_mm2",
    "bounding_box_i_mm",
    "bounding_box_j_mm",
    "bounding_box_k_mm",
    "centroid_l_mm",
    "centroid_p_mm",
    "centroid_s_mm",
    "mean",
    "sd",
    "minimum",
    "maximum",
    "intensity_unit",
    "confidence",
    "model",
    "messages",
)


def measurement_rows(lesions: Sequence[Lesion], volume: Volume) -> list[dict[str, Cell]]:
    """A row of the table for each lesion; see :func:`measurement_row`."""
    unit = "HU" if guess_modality(volume.array, volume.modality) == "CT" else None
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
    found: Measurements,
    unit: str | None,
    confidence: float,
    model: str,
    messages: Iterable[str],
) -> dict[str, Cell]:
    """A row of the table, keyed by ``COLUMNS``; None where nothing was measured.

    Diameters are in-plane, across the voxel axis named in ``diameter_axis`` (i, j or k) and on the
    slice of that index, counted from 0. The centroid is in LPS. Intensities are Hounsfield units
    (HU) for CT and have no unit otherwise.
    """
    values: tuple[Cell, ...] = (
        image,
        lesion,
        found.volume_ml,
        found.longest_diameter_mm,
        found.perpendicular_diameter_mm,
        None if found.diameter_axis is None else "ijk"[found.diameter_axis],
        found.diameter_slice,
        found.voxels,
        found.surface_area_mm2,
        *(found.bounding_box_mm or (None, None, None)),
        *(found.centroid_lps or (None, None, None)),
        found.mean,
        found.sd,
        found.minimum,
        found.maximum,
        unit,
        confidence,
        model,
        " ".join(messages),
    )
    return dict(zip(COLUMNS, values, strict=True))


def write_measurements(
    path: str | Path, rows: Iterable[Mapping[str, Cell]], columns: Sequence[str] = COLUMNS
) -> None:
    """Write rows of ``measurement_rows``, of one image or of many, as CSV.

    The file is UTF-8 with a byte order mark, without which Excel garbles accented names.

    Raises:
        SegmentationError: when the file cannot be written.
    """
    path = Path(path)
    try:
        with (
            atomic_path(path) as temporary,
            temporary.open("w", encoding="utf-8-sig", newline="") as file,
        ):
            table = csv.writer(file)
            table.writerow(columns)
            table.writerows([_text(row[column]) for column in columns] for row in rows)
    except OSError as error:
        raise SegmentationError(
            f"The measurements were not written to '{path}': {error.strerror}."
        ) from error


def _text(value: Cell) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6g}"
    text = str(value)
    # A spreadsheet would run a name like '=1+1' as a formula.
    return f"'{text}" if isinstance(value, str) and text[:1] in ("=", "+", "-", "@") else text
