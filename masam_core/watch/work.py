"""One case: read, segment, write the results for the PACS."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from masam_core.atomic import sync_folder, write_text
from masam_core.errors import BoxError, ConfigError, MasamError, WriteError
from masam_core.export.anonymous import numbered, renamed, without_patient
from masam_core.export.measurements import measurement_rows
from masam_core.export.segmentation import write_files
from masam_core.image.apart import read_apart
from masam_core.inference.box_segmenter import segment_records
from masam_core.prompts.together import records_of_files
from masam_core.watch.cases import Case
from masam_core.watch.places import MEASUREMENTS, RESULTS, Places

if TYPE_CHECKING:
    from masam_core.inference.box_segmenter import BoxSegmenter, PromptSegmenter
    from masam_core.inference.options import SegmentOptions

Log = Callable[[str], None]


def run_case(
    case: Case,
    measurement: Path,
    places: Places,
    segmenter: BoxSegmenter | PromptSegmenter,
    options: SegmentOptions,
    cancelled: Callable[[], bool],
    log: Log,
) -> tuple[list[dict[str, Any]], list[str]]:
    """Segment what a measurement shows, and put the results into the outbox, all at once.

    Args:
        case: what is to be done.
        measurement: file of the report or presentation state.
        places: of the night shift.
        segmenter: does the work.
        options: of it.
        cancelled: asked between windows.
        log: called with lines for the case's log; nothing identifying.

    Returns:
        The rows of the table, and notes. Lesions have numbers in them: their names are the
        reader's free text, which the DICOM files alone repeat.

    Raises:
        MasamError, Cancelled: nothing is in the outbox then; words without the lesions' names.
    """
    folder = places.series(case.group.series)
    volume = read_apart(folder, series=case.group.series)
    size = " x ".join(str(n) for n in volume.geometry.size_ijk)
    log(f"Read a series of {size} voxels, {volume.modality or 'of no modality'}.")
    records = records_of_files([measurement], volume.geometry)
    if not records:
        raise BoxError("The measurement shows nothing on this series.")
    log(f"The measurement shows {len(records)} to segment.")
    names = numbered([record.name for record in records])
    try:
        lesions = segment_records(
            segmenter, volume, records, options, cancelled=cancelled, modality=volume.modality
        )
    except MasamError as error:
        error.args = (renamed(str(error), names),)
        raise
    told, image = without_patient(lesions, volume)
    notes = [f"{lesion.name}: {note}" for lesion in told for note in lesion.messages]
    rows = [dict(row) for row in measurement_rows(told, image)]
    made = places.outbox / f".{case.name}"
    shutil.rmtree(made, ignore_errors=True)
    try:
        made.mkdir()
        written = write_files([made / name for name in RESULTS], lesions, volume)
        notes += [renamed(note, names) for note in written]
        write_text(made / MEASUREMENTS, json.dumps(rows), WriteError)
        sync_folder(made)
        made.rename(places.outbox / case.name)
        sync_folder(places.outbox)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return rows, notes


def rows_of(places: Places, case: str) -> list[dict[str, Any]]:
    """The rows of a case that was segmented, kept beside its results.

    Raises:
        ConfigError: they are damaged.
    """
    for folder in (places.outbox, places.sent, places.refused):
        path = folder / case / MEASUREMENTS
        if path.is_file():
            try:
                return [dict(row) for row in json.loads(path.read_text("utf-8"))]
            except (OSError, ValueError, TypeError) as error:
                raise ConfigError(f"{path} is damaged.") from error
    return []
