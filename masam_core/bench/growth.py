"""How what a batch does beside the network grows: with cases, with lesions, with slices.

The network's own growth is in ``masam_core.bench.scale``; here a stand-in fills each box at once.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from masam_core.batch.case import BatchCase
from masam_core.batch.cases import find_cases
from masam_core.batch.merging import merge
from masam_core.batch.places import mask_of
from masam_core.batch.run import open_queue, run_batch
from masam_core.batch.spec import BatchSpec
from masam_core.batch.states import FAILED
from masam_core.bench.rows import Row, Setup
from masam_core.errors import SegmentationError
from masam_core.evaluation.peers.ellipsoid import Ellipsoid

TITLE = "How a batch's own steps grow"
CASES = (125, 250, 500, 1000)
LESIONS = (8, 16, 32, 64)
SLICES = (32, 64, 128, 256)
LINEAR = 1.15  # a slope of more is called so; timings are never that exact
_SIDE, _APART = 96, 12  # voxels of an image in its plane, and between two lesions
# No model is looked for; nobody starts it.
_NOBODY = ("nobody",)


def growth_rows(setup: Setup) -> list[Row]:
    """Seconds at the largest size, and the slope of log(seconds) over log(size).

    Of finding, opening and the table these are seconds of the processor, else of the clock.
    """
    found: dict[str, tuple[Sequence[int], list[float]]] = {}
    for count in CASES:
        setup.tell(f"a batch of {count} cases")
        for step, seconds in _steps(count).items():
            found.setdefault(f"{step}, {{}} cases", (CASES, []))[1].append(seconds)
    for word, sizes, image in (
        ("lesions in an image", LESIONS, _with_lesions),
        ("slices of an image", SLICES, _with_slices),
    ):
        what = f"a case read, filled, measured and written, {{}} {word}"
        for size in sizes:
            setup.tell(f"{size} {word}")
            times = [_one_case(image(size)) for _ in range(setup.repeats)]
            found.setdefault(what, (sizes, []))[1].append(float(np.median(times)))
    return [row for what, (sizes, seconds) in found.items() for row in _rows(what, sizes, seconds)]


def slope_row(title: str, what: str, sizes: Sequence[int], seconds: Sequence[float]) -> Row:
    """A row with the slope of log(seconds) over log(size), by least squares: 1 is linear.

    None where a time was too short for the clock.
    """
    if min(seconds) <= 0:  # the clock of Windows has steps of 16 ms
        return Row(title, f"slope: {what}", None, "", note="too quick for this clock to tell")
    slope = float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])
    note = "above linear" if slope > LINEAR else "not above linear"
    return Row(title, f"slope: {what}", slope, "", note=f"log-log, 1 is linear; {note}")


def _rows(what: str, sizes: Sequence[int], seconds: Sequence[float]) -> list[Row]:
    rows = [
        Row(TITLE, what.format(size), value) for size, value in zip(sizes, seconds, strict=True)
    ]
    name = what.partition(", {}")[0] + ", over" + what.partition("{}")[2]
    return [rows[-1], slope_row(TITLE, name, sizes, seconds)]


def _steps(count: int) -> Mapping[str, float]:
    """Seconds of each step of a batch of so many small files."""
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        images, out = Path(folder, "images"), Path(folder, "out")
        images.mkdir()
        for number in range(count):
            (images / f"case{number}.nii.gz").write_bytes(os.urandom(64))
            (images / f"case{number}_label.nii.gz").write_bytes(os.urandom(64))
        spec = BatchSpec(images, out, worker=_NOBODY)
        cases, _ = _timed(found, "cases and boxes found by name", lambda: find_cases(images))
        queue = _timed(found, "a new queue opened", lambda: open_queue(cases, spec))

        def work() -> None:
            while (name := queue.next()) is not None:
                queue.start(name)
                queue.finish(name, [{"lesion": "a"}])

        _timed(found, "states and logs of cases begun and ended", work, time.perf_counter)
        queue.release()
        for case in cases:
            mask_of(case, spec).touch()
        again = _timed(found, "the queue opened again", lambda: open_queue(cases, spec))
        again.release()
        if again.next() is not None:
            raise SegmentationError("The queue forgot a case.")
        _timed(found, "table and report", lambda: merge(out))
    return found


def _timed(
    found: dict[str, float],
    step: str,
    work: Callable[[], Any],
    clock: Callable[[], float] = time.process_time,
) -> Any:
    """What a step gives. Of this process's processor time, unless the disk is the matter: other
    programs that run beside would bend the slope."""
    began = clock()
    result = work()
    found[step] = clock() - began
    return result


def _one_case(labels: NDArray[np.uint8]) -> float:
    """Seconds of a batch of one image with these labels, KJI."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        paths = place / "case.nii.gz", place / "case_label.nii.gz"
        values = np.random.default_rng(0).integers(0, 500, labels.shape, np.int16)
        for array, path in zip((values, labels), paths, strict=True):
            sitk.WriteImage(sitk.GetImageFromArray(array), str(path))
        case = BatchCase("case", paths[0], (paths[1],))
        spec = BatchSpec(place, place / "out", format=".nii.gz", worker=_NOBODY)
        queue = open_queue([case], spec)
        began = time.perf_counter()
        run_batch([case], queue, Ellipsoid(), spec, lambda *_: None, lambda *_: None, lambda: False)
        seconds = time.perf_counter() - began
        if queue.count(FAILED):
            raise SegmentationError(queue.cases["case"].message)
    return seconds


def _with_lesions(count: int) -> NDArray[np.uint8]:
    """An image of 24 slices with so many lesions of 6 x 6 x 3 voxels."""
    labels = np.zeros((24, _SIDE, _SIDE), np.uint8)
    across = _SIDE // _APART
    for number in range(count):
        k, place = divmod(number, across * across)
        j, i = divmod(place, across)
        corner = 3 + 6 * k, 3 + _APART * j, 3 + _APART * i
        labels[tuple(slice(c, c + n) for c, n in zip(corner, (3, 6, 6), strict=True))] = 1
    return labels


def _with_slices(count: int) -> NDArray[np.uint8]:
    """An image of so many slices with a lesion in the middle half of them."""
    labels = np.zeros((count, _SIDE, _SIDE), np.uint8)
    labels[count // 4 : -(count // 4), 30:60, 30:60] = 1
    return labels
