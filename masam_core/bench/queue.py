"""Throughput of a batch: with the next case read meanwhile, and without."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from masam_core.batch.case import BatchCase
from masam_core.batch.queue import BatchQueue
from masam_core.batch.run import run_batch
from masam_core.batch.spec import BatchSpec
from masam_core.bench.inputs import lesion_volume
from masam_core.bench.rows import Row, Setup
from masam_core.bench.timing import clock
from masam_core.image.volume import Volume
from masam_core.inference.options import SegmentOptions
from masam_core.inference.quality import Quality
from masam_core.inference.segmenter import Segmenter
from masam_core.prompts.boxes import BoxPrompt

TITLE = "A batch of files"
CASES, SLICES = 4, 60


def queue_rows(setup: Setup) -> list[Row]:
    """Four compressed files, each of 60 slices with one lesion."""
    lesion = min(setup.slices, SLICES)
    volume, box = lesion_volume(SLICES, lesion)
    segmenter = Segmenter(setup.build(), setup.device, copy=False)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder)
        cases = [_write(source, number, volume, box) for number in range(CASES)]
        setup.tell("batch, reading ahead")
        ahead = clock(lambda: _run(cases, source, segmenter), 1)
        setup.tell("batch, one after another")
        plain = clock(lambda: _run(cases, source, segmenter, False), 1, warm_up=False)
    return [
        Row(TITLE, "read, then compute", plain.median / CASES, "s a case"),
        Row(
            TITLE,
            "next case read meanwhile",
            ahead.median / CASES,
            "s a case",
            plain.median / ahead.median,
            note=f"{3600 * CASES / ahead.median:.0f} cases an hour",
        ),
    ]


def _write(folder: Path, number: int, volume: Volume, box: BoxPrompt) -> BatchCase:
    """The volume with one voxel of its own, so that nothing is known from the case before, and the
    box as a label image."""
    values = volume.array.copy()
    values[0, 0, 0] = number
    labels = np.zeros(values.shape, np.uint8)
    drawn = box.slice_boxes(volume.geometry.canonical_frame())
    labels[drawn.first_slice : drawn.last_slice + 1] = drawn.region()
    image, mask = sitk.GetImageFromArray(values), sitk.GetImageFromArray(labels)
    for one in (image, mask):
        one.SetSpacing(volume.geometry.spacing.tolist())
    names = folder / f"case{number}.nii.gz", folder / f"case{number}_label.nii.gz"
    for one, name in zip((image, mask), names, strict=True):
        sitk.WriteImage(one, str(name), useCompression=True)
    return BatchCase(f"case{number}", names[0], (names[1],))


def _run(
    cases: list[BatchCase],
    source: Path,
    segmenter: Segmenter,
    ahead: bool = True,
) -> None:
    segmenter.cache.clear()
    silent: Callable[..., None] = lambda *_: None  # noqa: E731
    with tempfile.TemporaryDirectory() as out:
        fast = SegmentOptions(quality=Quality.FAST)
        spec = BatchSpec(source, Path(out), format=".nii.gz", segment=fast)
        queue = BatchQueue([case.name for case in cases], spec.out)
        run_batch(cases, queue, segmenter, spec, silent, silent, lambda: False, ahead)
