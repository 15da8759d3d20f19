"""One case of a batch: its image and boxes read, segmented, its results written."""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import masam_core
from masam_core.batch.case import BatchCase
from masam_core.batch.places import results_of
from masam_core.batch.spec import BatchSpec
from masam_core.batch.stores import url_of
from masam_core.errors import BoxError, MasamError, SegmentationError
from masam_core.export.anonymous import without_patient
from masam_core.export.measurements import measurement_rows
from masam_core.export.segmentation import require_formats, write_files
from masam_core.image.apart import read_apart, read_labels_apart
from masam_core.image.geometry import Geometry
from masam_core.image.volume import Volume
from masam_core.inference.box_segmenter import (
    BoxSegmenter,
    ClassSegmenter,
    not_found,
    segment_records,
    segment_whole,
)
from masam_core.lesion.telling import notes_of
from masam_core.prompts.boxes import BoxPrompt
from masam_core.prompts.labels import boxes_of_labels
from masam_core.prompts.per import Per
from masam_core.prompts.readers.dicom import left_out
from masam_core.prompts.readers.label_image import LABEL_IMAGE
from masam_core.prompts.readers.reader import Prompt
from masam_core.prompts.readers.registry import read_prompts, reader_of
from masam_core.prompts.record import PromptRecord
from masam_core.prompts.together import records_of_files
from masam_core.targets import require_targets

OnProgress = Callable[[str, float, str], None]
Log = Callable[[str, str], None]
Read = Callable[[BatchCase], tuple[BatchCase, Volume, list[PromptRecord]]]


def words_of(error: Exception) -> str:
    """Why a case failed, for people: a bug or a broken library must not end the night's work."""
    if isinstance(error, MasamError):
        return str(error)
    if isinstance(error, MemoryError):
        return "The memory is not enough for this case."
    return f"Something unforeseen happened: {type(error).__name__}: {error}"


def work_on(
    case: BatchCase,
    read: Read,
    log: Log,
    segmenter: BoxSegmenter,
    spec: BatchSpec,
    on_progress: OnProgress,
    cancelled: Callable[[], bool],
) -> tuple[list[dict[str, Any]], list[str]]:
    """Segment a case and write its results.

    Args:
        case: names its files.
        read: gives the case with files of this machine, and what they hold.
        log: takes lines of the case's log.
        segmenter: computes.
        spec: of the batch.
        on_progress: called with name, fraction and words.
        cancelled: asked between windows.

    Returns:
        Measurements, keyed by ``COLUMNS``, and notes for people.

    Raises:
        MasamError: the case can't be done.
        Cancelled: it was stopped.
    """
    name = case.name
    log(name, f"MASAM {masam_core.__version__}, Python {platform.python_version()}")
    targets = results_of(case, spec)
    require_targets(targets, raises=SegmentationError)
    on_progress(name, 0.0, "reading")
    local, volume, records = read(case)
    size = " x ".join(str(n) for n in volume.geometry.size_ijk)
    require_formats(targets[: 1 + len(spec.also)], volume.geometry)
    what = "the image" if spec.anonymous else url_of(case.image) or str(case.image)
    log(name, f"Read {what}: {size} voxels, {volume.array.dtype}.")
    for number, record in enumerate(records, 1):
        shown = f"Lesion {number}" if spec.anonymous else record.name
        log(name, _prompt_words(record, volume, shown))

    def show(fraction: float, text: str) -> None:
        on_progress(name, fraction, text)

    if spec.automatic:
        whole = cast(ClassSegmenter, segmenter)
        lesions = segment_whole(whole, volume, spec.segment, spec.classes, show, cancelled)
    else:
        lesions = segment_records(segmenter, volume, records, spec.segment, show, cancelled)
    on_progress(name, 1.0, "writing")
    if spec.anonymous:
        lesions, volume = without_patient(lesions, replace(volume, name=case.name))
        volume = replace(volume, name=case.name)  # as the files are called
    shown = "The prompts" if spec.anonymous else ""
    notes = notes_of(lesions)
    notes += filter(None, [not_found(lesions)])
    notes += filter(None, (left_out(path, volume.geometry, shown) for path in local.boxes))
    notes += write_files(targets[: 1 + len(spec.also)], lesions, volume)
    if spec.overlay:
        try:
            from masam_core.export.overlay.overlay import render_overlay
        except ImportError:  # Slicer's Python has no matplotlib
            notes.append("No picture was written: the package matplotlib is not installed.")
        else:
            render_overlay(targets[-1], volume, lesions)
    for note in notes:
        log(name, note)
    rows = measurement_rows(lesions, volume)
    return [dict(row) for row in rows], notes


def read_case(modality: str | None, case: BatchCase) -> Volume:
    """A case's image, with its hash, by which embeddings are kept.

    Args:
        modality: CT, MR, ..., where the file does not say.
        case: names the file.

    Raises:
        VolumeError: see ``read_volume``.
    """
    volume = read_apart(case.image).with_modality(modality)
    _ = volume.content_hash
    return volume


def prompts_of_case(case: BatchCase, volume: Volume, spec: BatchSpec) -> list[PromptRecord]:
    """The lesions that a case asks for; none where whole images are segmented without boxes.

    Raises:
        BoxError: see ``records_of_case``.
    """
    return [] if spec.automatic else records_of_case(case, volume, spec.per)


def records_of_case(case: BatchCase, volume: Volume, per: Per) -> list[PromptRecord]:
    """The lesions that a case asks for, each with a name and its corrections.

    Raises:
        BoxError: no prompt; see also ``records_of_files``.
    """
    records = records_of_files(case.boxes, volume.geometry, per, _read_prompts)
    if not records:
        raise BoxError(f"There is no box for {case.image.name}.")
    return [
        replace(record, first=record.first.renamed(record.name or f"lesion {n}"))
        for n, record in enumerate(records, 1)
    ]


def _prompt_words(record: PromptRecord, volume: Volume, name: str) -> str:
    """A line of the log: what was asked, and where."""
    first = record.first
    if isinstance(first, BoxPrompt):
        points = volume.geometry.lps_from_ijk(first.corners_ijk)
    else:
        points = first.points_lps
    kind = type(first).__name__.removesuffix("Prompt")
    low, high = points.min(axis=0), points.max(axis=0)
    words = f"{kind} '{name}': LPS {low.round(1).tolist()} to {high.round(1).tolist()}"
    count = len(record.corrections)
    return f"{words}, with {count} correction{'' if count == 1 else 's'}" if count else words


def _read_prompts(path: Path, geometry: Geometry, per: Per) -> Sequence[Prompt]:
    """The prompts of a file; a label image is an image, too, and read in the other process."""
    if reader_of(path) is LABEL_IMAGE:
        return boxes_of_labels(path, geometry, per, read_labels_apart)
    return read_prompts(path, geometry, per)
