"""A batch over files: read, segment, write, case after case."""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

import masam_core
from masam_core.batch.cases import BatchCase
from masam_core.batch.queue import DONE, BatchQueue, safe_name
from masam_core.batch.read_ahead import ReadAhead
from masam_core.errors import BoxError, Cancelled, ConfigError, MasamError
from masam_core.export.measurements import measurement_rows
from masam_core.export.segmentation import IMAGE_SUFFIXES, SLICER_SUFFIX, write_segmentation
from masam_core.image.volume import Volume, read_volume
from masam_core.inference.box_segmenter import BoxSegmenter, segment_boxes
from masam_core.inference.options import SegmentOptions
from masam_core.prompts.boxes import BoxPrompt
from masam_core.prompts.labels import boxes_of_labels
from masam_core.prompts.roi import read_roi

FORMATS = (SLICER_SUFFIX, *IMAGE_SUFFIXES)
OnCase = Callable[[str, str, str], None]
OnProgress = Callable[[str, float, str], None]
Read = Callable[[BatchCase], Volume]


@dataclass(frozen=True)
class BatchOptions:
    """What a batch does with each case.

    Attributes:
        segment: settings of the segmentation.
        format: ending of the masks' files, which chooses their format.
        overlay: also write a picture of each case.
        per: with label images, a box for each connected ``component`` or each ``label`` value.
        modality: CT, MR, ..., where the files do not say.

    Raises:
        ConfigError: an unknown format.
    """

    segment: SegmentOptions = field(default_factory=SegmentOptions)
    format: str = ".seg.nrrd"
    overlay: bool = False
    per: Literal["component", "label"] = "component"
    modality: str | None = None

    def __post_init__(self) -> None:
        if self.format not in FORMATS:
            raise ConfigError(f"The format is {self.format}; expected {', '.join(FORMATS)}.")
        if self.per not in ("component", "label"):
            raise ConfigError(f"'per' is {self.per!r}; expected component or label.")

    def settings(self) -> dict[str, Any]:
        """What the results depend on."""
        return {
            **self.segment.to_dict(),
            "format": self.format,
            "per": self.per,
            "modality": self.modality,
        }


def open_queue(
    cases: Sequence[BatchCase],
    source: Path,
    out: Path,
    options: BatchOptions,
    model: str,
    fresh: bool = False,
    retry_failed: bool = False,
    precision: str = "auto",
) -> BatchQueue:
    """The queue of a results folder: new, or gone on with.

    Raises:
        ConfigError: the results would lie among the images; see also BatchQueue.
    """
    if source.is_dir() and out.resolve() == source.resolve():
        raise ConfigError("Choose another folder for the results than that of the images.")
    settings = {**options.settings(), "model": model}
    if precision != "auto":  # folders from before there was a choice have no such entry
        settings["precision"] = precision
    queue = BatchQueue([case.name for case in cases], out, settings, fresh)
    files = [safe_name(case.name).lower() for case in cases]
    if len(set(files)) < len(files):
        raise ConfigError("Two cases would be written to files of the same name; rename one.")
    for case in cases:
        if queue.cases[case.name].status == DONE and not _mask(out, case, options).is_file():
            queue.requeue(case.name)
    if retry_failed:
        queue.retry_failed()
    return queue


def run_batch(
    cases: Sequence[BatchCase],
    queue: BatchQueue,
    segmenter: BoxSegmenter,
    options: BatchOptions,
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
        options: see BatchOptions.
        on_case: called with name, status and message when a case begins and ends.
        on_progress: called with name, fraction and words.
        cancelled: asked between windows.
        read_ahead: read the next image while one is computed; it takes memory for both.

    Returns:
        Whether it went through to the end. If not, the case that ran waits again.
    """
    by_name = {case.name: case for case in cases}
    ahead = ReadAhead(partial(read_case, options.modality))

    def read(case: BatchCase) -> Volume:
        volume = ahead.take(case)
        following = queue.next()  # this case no longer waits
        if read_ahead and following is not None:
            ahead.begin(by_name[following])
        return volume

    while (name := queue.next()) is not None and not cancelled():
        queue.start(name)
        on_case(name, "running", "")
        try:
            rows, notes = _run_case(
                by_name[name], read, queue, segmenter, options, on_progress, cancelled
            )
            queue.finish(name, rows, " ".join(notes))
        except (Cancelled, KeyboardInterrupt):
            queue.cancel()
            on_case(name, "pending", "")
            return False
        except MasamError as error:
            queue.fail(name, str(error))
        except MemoryError:
            queue.fail(name, "The memory is not enough for this case.")
        except Exception as error:  # a bug or a broken library must not end the night's work
            queue.fail(name, f"Something unforeseen happened: {type(error).__name__}: {error}")
        case = queue.cases[name]
        on_case(name, case.status, case.message)
    return queue.next() is None


def _run_case(
    case: BatchCase,
    read: Read,
    queue: BatchQueue,
    segmenter: BoxSegmenter,
    options: BatchOptions,
    on_progress: OnProgress,
    cancelled: Callable[[], bool],
) -> tuple[list[dict[str, Any]], list[str]]:
    name, out = case.name, queue.folder
    assert out is not None
    queue.log(name, f"MASAM {masam_core.__version__}, Python {platform.python_version()}")
    on_progress(name, 0.0, "reading")
    volume = read(case)
    size = " x ".join(str(n) for n in volume.geometry.size_ijk)
    queue.log(name, f"Read {case.image}: {size} voxels, {volume.array.dtype}.")
    boxes = read_boxes(case, volume, options.per)
    for box in boxes:
        corners = volume.geometry.lps_from_ijk(box.corners_ijk)
        low, high = corners.min(axis=0), corners.max(axis=0)
        queue.log(
            name, f"Box '{box.name}': LPS {low.round(1).tolist()} to {high.round(1).tolist()}"
        )
    lesions = segment_boxes(
        segmenter,
        volume,
        boxes,
        options.segment,
        lambda fraction, text: on_progress(name, fraction, text),
        cancelled,
    )
    on_progress(name, 1.0, "writing")
    notes = [f"{lesion.name}: {note}" for lesion in lesions for note in lesion.messages]
    notes += write_segmentation(_mask(out, case, options), lesions, volume)
    if options.overlay:
        try:
            from masam_core.export.overlay.overlay import render_overlay
        except ImportError:  # Slicer's Python has no matplotlib
            notes.append("No picture was written: the package matplotlib is not installed.")
        else:
            render_overlay(out / f"{safe_name(name)}.png", volume, lesions)
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
    volume = read_volume(case.image).with_modality(modality)
    _ = volume.content_hash
    return volume


def read_boxes(case: BatchCase, volume: Volume, per: str) -> list[BoxPrompt]:
    """The boxes of a case, each with a name.

    Raises:
        BoxError: no box, or a label image on another grid.
    """
    if case.labels is not None:
        boxes = boxes_of_labels(case.labels, volume, per)
    else:
        boxes = [box for path in case.rois for box in read_roi(path, volume.geometry)]
    if not boxes:
        raise BoxError(f"There is no box for {case.image.name}.")
    return [box.renamed(box.name or f"lesion {n}") for n, box in enumerate(boxes, 1)]


def _mask(out: Path, case: BatchCase, options: BatchOptions) -> Path:
    return out / f"{safe_name(case.name)}{options.format}"
