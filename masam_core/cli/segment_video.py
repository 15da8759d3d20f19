"""`masam segment` on a video: labels as pictures, and a video in which they are coloured."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from masam_core.catalog.choice import ModelChoice
from masam_core.cli.common import plural, print_json
from masam_core.cli.terminal import progress, say
from masam_core.errors import BoxError, ConfigError, SegmentationError
from masam_core.inference.quality import Quality

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from masam_core.inference.box_segmenter import Progress
    from masam_core.inference.segmenter import Segmenter
    from masam_core.video.frames import FrameSequence
    from masam_core.video.pictures import Colour

OVERLAY_ENDING = ".mp4"


def segment_video(
    video: Path,
    out: Path,
    overlay: Path | None,
    automatic: bool,
    boxes: list[str],
    others: list[str],
    choice: ModelChoice,
    base: Path | None,
    quality: Quality,
    threshold: float | None,
    json: bool,
) -> None:
    """Segment a video, whole without prompts or around one box on a frame.

    Args:
        video: folder of frames, or a file.
        out: folder for the label pictures.
        overlay: also write a video with coloured labels.
        automatic: every class, every frame.
        boxes: one text of six numbers i0 i1 j0 j1 k0 k1, where k is the frame.
        others: options that were given and that a video has no use for.
        choice, base: the model.
        quality: how many windows see each frame.
        threshold: of a box's mask.
        json: print a document.
    """
    _require_sense(out, overlay, automatic, boxes, others, threshold)
    from masam_core.inference.segmenter import Segmenter
    from masam_core.inference.video import segment_around, segment_frames
    from masam_core.targets import require_targets
    from masam_core.video.container import write_video
    from masam_core.video.frames import open_frames
    from masam_core.video.save import overlay as overlaid
    from masam_core.video.save import require_own_folder, write_labels, write_legend

    frames = open_frames(video)
    if video.is_dir() and out.resolve() == video.resolve():
        raise SegmentationError(
            f"{out} holds the video's own frames, which labels would write over; expected another "
            "folder after -o."
        )
    require_own_folder(out, frames)
    if overlay is not None:
        require_targets([overlay], [video], SegmentationError)
    segmenter = Segmenter(choice.model, choice.device, choice.precision, base=base)
    colours, names = _colours(segmenter), _names(segmenter)
    with _shown(json) as show:
        if automatic:
            slices = segment_frames(segmenter, frames, quality, show)
            found: Iterator[tuple[int, NDArray[np.uint8]]] = ((i, own) for i, own, _ in slices)
        else:
            index, box = _box_of(boxes[0])
            found = iter(segment_around(segmenter, frames, index, box, threshold))
        write_legend(out, segmenter.config.name, names, colours)
        counted: dict[int, int] = {}
        kept = _counted(write_labels(out, frames, found, colours), counted)
        if overlay is not None:
            write_video(overlay, overlaid(frames, kept, colours), frames.rate)
        else:
            for _ in kept:
                pass
    _report(video, out, overlay, segmenter, frames, names, counted, json)


def _require_sense(
    out: Path,
    overlay: Path | None,
    automatic: bool,
    boxes: list[str],
    others: list[str],
    threshold: float | None,
) -> None:
    if others:
        raise ConfigError(
            f"A video is segmented with --automatic, or with one --box; {', '.join(others)} is for "
            "volumes."
        )
    if automatic == bool(boxes) or len(boxes) > 1:
        raise ConfigError(
            "A video is segmented with --automatic, or with one --box I0 I1 J0 J1 K K, where K is "
            "the number of the frame, from 0."
        )
    if threshold is not None and automatic:
        raise ConfigError(
            "--threshold belongs to --box: with --automatic a pixel goes to its likeliest class."
        )
    if out.suffix or out.is_file():
        raise SegmentationError(
            f"{out} must be a folder for a video: one label picture a frame is written into it."
        )
    if overlay is not None and overlay.suffix.lower() != OVERLAY_ENDING:
        raise SegmentationError(f"{overlay} must end in {OVERLAY_ENDING} for a video.")


def _box_of(text: str) -> tuple[int, tuple[float, float, float, float]]:
    """Frame, and x0, y0, x1, y1, of the six numbers of ``--box``."""
    try:
        i0, i1, j0, j1, k0, k1 = (float(word) for word in text.replace(",", " ").split())
    except ValueError as error:
        raise BoxError(f"--box {text}: expected six numbers I0 I1 J0 J1 K K.") from error
    if k0 != k1 or not k0.is_integer():
        raise BoxError(f"--box {text}: a box lies on one frame, so both last numbers are its own.")
    return int(k0), (i0, j0, i1, j1)


def _colours(segmenter: Segmenter) -> dict[int, Colour]:
    """The classes' colours: those of EndoVis 2018 for its classes, else our own."""
    from masam_core.data.prepare.endovis18 import CLASSES
    from masam_core.video.save import class_colours

    config = segmenter.config
    known = {name: colour for name, colour in CLASSES.values()}
    colours = class_colours(config.num_classes)
    for number, name in enumerate(config.class_names, 1):
        colours[number] = known.get(name, colours[number])
    return colours


def _names(segmenter: Segmenter) -> dict[int, str]:
    """The classes' names by their numbers."""
    from masam_core.model.abilities import class_names

    return dict(enumerate(class_names(segmenter.config), start=1))


def _counted(
    labels: Iterator[tuple[int, NDArray[np.uint8]]], counted: dict[int, int]
) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Hand labels on, and count the frames in which each class was found."""
    counted[0] = 0
    for index, classes in labels:
        counted[0] += 1
        for value in set(classes.ravel().tolist()):
            if value:
                counted[value] = counted.get(value, 0) + 1
        yield index, classes


@contextmanager
def _shown(quiet: bool) -> Iterator[Progress]:
    from rich.progress import BarColumn, TimeRemainingColumn

    hidden = quiet or not sys.stderr.isatty()
    with progress(BarColumn(), TimeRemainingColumn(), quiet=hidden, transient=True) as bar:
        task = bar.add_task("", total=1.0)

        def show(fraction: float, text: str) -> None:
            bar.update(task, completed=fraction, description=text)

        yield show


def _report(
    video: Path,
    out: Path,
    overlay: Path | None,
    segmenter: Segmenter,
    frames: FrameSequence,
    names: dict[int, str],
    counted: dict[int, int],
    json: bool,
) -> None:
    config = segmenter.config
    done = counted.pop(0)
    found: list[dict[str, Any]] = [
        {"value": n, "name": names[n], "frames": count} for n, count in sorted(counted.items())
    ]
    if json:
        print_json(
            {
                "video": str(video),
                "output": str(out),
                "overlay": None if overlay is None else str(overlay),
                "model": config.name,
                "device": str(segmenter.device),
                "frames": len(frames),
                "segmented": done,
                "classes": found,
            }
        )
        return
    for one in found:
        say(f"{one['value']} {one['name']}: in {plural(one['frames'], 'frame')}")
    if not found:
        say("Nothing was found in any frame.")
    say(f"Wrote {plural(done, 'label picture')} to {out}")
    if overlay is not None:
        say(f"Wrote {overlay}")
