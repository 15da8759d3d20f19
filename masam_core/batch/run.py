"""A batch over files: read, segment, write, case after case."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import masam_core
from masam_core.batch.case import BatchCase
from masam_core.batch.fingerprint import case_files, settings
from masam_core.batch.places import mask_of, place_of, require_apart, require_own_masks, results_of
from masam_core.batch.queue import BatchQueue, lock_folder
from masam_core.batch.read_ahead import ReadAhead
from masam_core.batch.shards import Shard, ShardLock
from masam_core.batch.spec import BatchSpec
from masam_core.batch.states import DONE, PENDING, RUNNING, reported, state_folder
from masam_core.errors import BoxError, Cancelled, MasamError, SegmentationError
from masam_core.export.anonymous import without_patient
from masam_core.export.measurements import measurement_rows
from masam_core.export.segmentation import require_formats, write_files
from masam_core.image.apart import read_apart, read_labels_apart
from masam_core.image.geometry import Geometry
from masam_core.image.volume import Volume
from masam_core.inference.box_segmenter import BoxSegmenter, segment_records
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

_MOMENT = 0.1  # seconds
OnCase = Callable[[str, str, str], None]
OnProgress = Callable[[str, float, str], None]
Read = Callable[[BatchCase], tuple[Volume, list[PromptRecord]]]


def open_queue(
    cases: Sequence[BatchCase],
    spec: BatchSpec,
    shard: Shard | None = None,
    device: str | None = None,
) -> BatchQueue:
    """The queue of a results folder: new, or gone on with. The folder is held until its release.

    Whatever can't be written is found here, before anything is computed.

    Args:
        cases: of the batch, or of the shard.
        spec: of the batch.
        shard: whose cases they are; other processes may work on other shards of the folder.
        device: kind of device that computes, where that is elsewhere; see ``settings``.

    Raises:
        ConfigError: the results would lie among the images, or in a file that no batch has written;
            another batch writes there; see also BatchQueue and ``settings``.
        SegmentationError: a result can't be written, or would replace an image or boxes.
    """
    require_apart(cases, spec)
    lock = lock_folder(spec.out, spec.fresh) if shard is None else lock_shard(spec, shard)
    try:
        shared = settings(spec, device)
        made_of = {case.name: {**case_files(case), **shared} for case in cases}
        sources = {case.name: place_of(case.image) for case in cases}
        names = [case.name for case in cases]
        queue = BatchQueue(
            names,
            spec.out,
            made_of,
            spec.fresh,
            sources=sources,
            held=lock,
            alone=shard is None,
        )
        if not spec.fresh:
            require_own_masks(cases, spec, queue)
        elif shard is not None:
            for case in cases:  # it may be gone on with by a job that does not begin anew
                queue.requeue(case.name)
        for case in cases:
            if queue.cases[case.name].status == DONE and not mask_of(case, spec).is_file():
                queue.requeue(case.name, "Run again: its mask is not there any more.")
        if spec.retry_failed:
            queue.retry_failed()
    except BaseException:
        lock.release()
        raise
    if lock.note:
        queue.notes.insert(0, lock.note)
    return queue


def lock_shard(spec: BatchSpec, shard: Shard) -> ShardLock:
    """The lock of a shard; raises as ``lock_folder``."""
    folder = state_folder(spec.out, spec.fresh)
    with reported(folder):
        return ShardLock(folder, shard)


def run_batch(
    cases: Sequence[BatchCase],
    queue: BatchQueue,
    segmenter: BoxSegmenter,
    spec: BatchSpec,
    on_case: OnCase,
    on_progress: OnProgress,
    cancelled: Callable[[], bool],
    read_ahead: bool = True,
) -> bool:
    """Work through what waits in the queue; whatever goes wrong with a case ends that case alone.

    Args:
        cases: of the queue.
        queue: with a folder, where everything is written.
        segmenter: computes.
        spec: of the batch.
        on_case: called with name, status and message when a case begins and ends.
        on_progress: called with name, fraction and words.
        cancelled: asked between windows.
        read_ahead: read the next image while one is computed; it takes memory for both.

    Returns:
        Whether it went through to the end. If not, the case that ran waits again. The queue's
        folder is released.
    """
    by_name = {case.name: case for case in cases}
    ahead = ReadAhead(partial(read_case, spec.modality))

    def read(case: BatchCase) -> tuple[Volume, list[PromptRecord]]:
        try:
            volume = ahead.take(case)
            return volume, records_of_case(case, volume, spec.per)
        finally:
            # After the boxes: label images are read by the same process.
            following = queue.next()  # this case no longer waits
            if read_ahead and following is not None:
                ahead.begin(by_name[following])

    def attempt(case: BatchCase) -> None:
        try:
            rows, notes = _run_case(case, read, queue, segmenter, spec, on_progress, cancelled)
            queue.finish(case.name, rows, " ".join(notes))
        except Cancelled:
            raise
        except MasamError as error:
            # What stops this process (scancel, a machine that shuts down) may have ended the worker
            # or the reader a moment before: the case did not fail then.
            time.sleep(_MOMENT)
            if cancelled():
                raise Cancelled(str(error)) from error
            queue.fail(case.name, str(error))
        except MemoryError:
            queue.fail(case.name, "The memory is not enough for this case.")
        except Exception as error:  # a bug or a broken library must not end the night's work
            words = f"Something unforeseen happened: {type(error).__name__}: {error}"
            queue.fail(case.name, words)

    try:
        while (name := queue.next()) is not None and not cancelled():
            queue.start(name, case_files(by_name[name]))
            on_case(name, RUNNING, "")
            attempt(by_name[name])
            on_case(name, queue.cases[name].status, queue.cases[name].message)
        return queue.next() is None
    except (Cancelled, KeyboardInterrupt):
        for name in [n for n, case in queue.cases.items() if case.status == RUNNING]:
            queue.cancel()
            on_case(name, PENDING, "")
        return False
    finally:
        try:
            queue.write_table()
        finally:
            queue.release()


def _run_case(
    case: BatchCase,
    read: Read,
    queue: BatchQueue,
    segmenter: BoxSegmenter,
    spec: BatchSpec,
    on_progress: OnProgress,
    cancelled: Callable[[], bool],
) -> tuple[list[dict[str, Any]], list[str]]:
    name = case.name
    queue.log(name, f"MASAM {masam_core.__version__}, Python {platform.python_version()}")
    targets = results_of(case, spec)
    require_targets(targets, raises=SegmentationError)
    on_progress(name, 0.0, "reading")
    volume, records = read(case)
    size = " x ".join(str(n) for n in volume.geometry.size_ijk)
    require_formats(targets[: 1 + len(spec.also)], volume.geometry)
    what = "the image" if spec.anonymous else str(case.image)
    queue.log(name, f"Read {what}: {size} voxels, {volume.array.dtype}.")
    for number, record in enumerate(records, 1):
        shown = f"Lesion {number}" if spec.anonymous else record.name
        queue.log(name, _prompt_words(record, volume, shown))
    lesions = segment_records(
        segmenter,
        volume,
        records,
        spec.segment,
        lambda fraction, text: on_progress(name, fraction, text),
        cancelled,
    )
    on_progress(name, 1.0, "writing")
    if spec.anonymous:
        lesions, volume = without_patient(lesions, replace(volume, name=case.name))
        volume = replace(volume, name=case.name)  # as the files are called
    shown = "The prompts" if spec.anonymous else ""
    notes = [f"{lesion.name}: {note}" for lesion in lesions for note in lesion.messages]
    notes += filter(None, (left_out(path, volume.geometry, shown) for path in case.boxes))
    notes += write_files(targets[: 1 + len(spec.also)], lesions, volume)
    if spec.overlay:
        try:
            from masam_core.export.overlay.overlay import render_overlay
        except ImportError:  # Slicer's Python has no matplotlib
            notes.append("No picture was written: the package matplotlib is not installed.")
        else:
            render_overlay(targets[-1], volume, lesions)
    for note in notes:
        queue.log(name, note)
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
