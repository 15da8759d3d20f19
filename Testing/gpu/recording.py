"""A second box with the decoder recorded (CUDA graphs) and without."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from masam_core.bench.inputs import lesion_volume
from masam_core.bench.rows import Row
from masam_core.bench.timing import Timing, clock
from masam_core.inference.options import SegmentOptions
from masam_core.inference.quality import Quality
from masam_core.inference.segmenter import Segmenter
from masam_core.lesion.lesion import Lesion
from masam_core.prompts.boxes import BoxPrompt
from masam_core.scoring.metrics import dice

from .subjects import Run, Subject

TITLE = "A box that is dragged, recorded decoding against the usual"
FAST = SegmentOptions(quality=Quality.FAST)


def graph_rows(run: Run) -> Iterator[Row]:
    """Seconds of both ways, and what their masks have in common.

    Raises:
        RuntimeError: a recording was given up, so both ways were one.
    """
    if not run.on_cuda:
        yield Row(TITLE, "not run", None, note="needs an NVIDIA GPU")
        return
    for subject in run.subjects():
        for slices in (5, 20):
            yield from _compared(run, subject, slices)


def _compared(run: Run, subject: Subject, slices: int) -> Iterator[Row]:
    volume, box = lesion_volume(100, slices)
    boxes = [_moved(box, step) for step in range(4)]
    with Segmenter(subject.build(), run.device, copy=False) as segmenter:
        segmenter.set_volume(volume)
        segmenter.segment(box, FAST)
        usual = segmenter.runtime.graphs
        assert usual is not None
        found: dict[bool, tuple[Timing, list[Lesion]]] = {}
        for recorded in (False, True):
            usual.usable = recorded
            for one in boxes:  # embeddings, and recordings, which are made at the second call
                segmenter.segment(one, FAST)
                segmenter.segment(one, FAST)
            kept: list[Lesion] = []
            numbers = iter(range(10**6))
            timing = clock(
                lambda kept=kept, numbers=numbers: kept.append(
                    segmenter.segment(boxes[next(numbers) % len(boxes)], FAST)
                ),
                len(boxes) * max(1, run.repeats // len(boxes)),
                warm_up=False,
                device=run.device,
            )
            found[recorded] = timing, kept[: len(boxes)]
        made = len(usual._recordings)
        given_up = not usual.usable
    (plain, masks), (fast, same) = found[False], found[True]
    pairs = list(zip(masks, same, strict=True))
    worst = max(
        float(np.abs(a.known_probability() - b.known_probability()).max()) for a, b in pairs
    )
    least = min(dice(a.mask, b.mask) for a, b in pairs)
    name = f"{subject.name}, {slices} slices, {segmenter.precision}"
    yield Row(TITLE, f"{name}: usual", plain.median, details={"seconds": plain.to_dict()})
    yield Row(
        TITLE,
        f"{name}: recorded",
        fast.median,
        ratio=plain.median / fast.median,
        note=f"{made} recordings; Dice at least {least:.4f}, probability within {worst:.1g}",
        details={"seconds": fast.to_dict(), "dice": least, "probability_differs": worst},
    )
    if given_up or not made:
        raise RuntimeError(f"{name}: the decoder was not recorded")


def _moved(box: BoxPrompt, step: int) -> BoxPrompt:
    """The box with one side drawn in by so many voxels, as a hand does."""
    corners = box.corners_ijk.copy()
    corners[corners[:, 0] == corners[:, 0].min(), 0] += step
    return BoxPrompt(corners, box.name)
