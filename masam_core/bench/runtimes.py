"""OpenVINO against PyTorch on the processor: the bundled model, the same weights and input."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from statistics import median

import numpy as np

from masam_core.bench.inputs import lesion_volume
from masam_core.bench.rows import Row, Setup
from masam_core.errors import ConfigError
from masam_core.inference.options import SegmentOptions
from masam_core.inference.quality import Quality
from masam_core.inference.runtimes.openvino import choose_openvino_precision
from masam_core.inference.runtimes.openvino_device import OpenVINODevice, has_openvino
from masam_core.inference.segmenter import Segmenter
from masam_core.lesion.lesion import Lesion
from masam_core.prompts.corrections import Correction, CorrectionKind
from masam_core.scoring.metrics import dice

TITLE = "Two runtimes for the bundled model"
VOLUME_SLICES = 40
PYTORCH, OPENVINO, INT8 = "PyTorch", "OpenVINO", "OpenVINO in int8"
REFERENCE = {OPENVINO: PYTORCH, INT8: OPENVINO}  # what each is compared with


def runtime_rows(setup: Setup) -> list[Row]:
    """Both in one run, by turns, so that what else the machine does befalls them alike.

    Always the bundled model, which alone OpenVINO computes by itself; nothing where OpenVINO is
    not installed or a GPU computes.
    """
    if not has_openvino() or setup.device.type != "cpu":
        return []
    rows = []
    for precision in setup.precisions:
        try:
            choose_openvino_precision(precision, OpenVINODevice())
        except ConfigError as error:
            rows.append(Row(TITLE, f"OpenVINO, {precision}", None, note=str(error)))
            continue
        rows += _compared(setup, precision)
    return rows


def _segmenters(setup: Setup, precision: str) -> Iterator[tuple[str, Callable[[], Segmenter]]]:
    yield PYTORCH, lambda: Segmenter("bundled", "cpu", precision)
    yield OPENVINO, lambda: Segmenter("bundled", "openvino", precision)
    if setup.int8 is not None:
        yield INT8, lambda: Segmenter(setup.int8 or "", "openvino", "int8")


def _compared(setup: Setup, precision: str) -> list[Row]:
    volume, box = lesion_volume(VOLUME_SLICES, setup.slices)
    _ = volume.content_hash
    setup.tell(f"both runtimes, {precision}")
    ready: dict[str, float] = {}
    segmenters: dict[str, Segmenter] = {}
    for name, make in _segmenters(setup, precision):
        make().close()  # now files are read, and OpenVINO has kept what it made ready
        began = time.perf_counter()
        segmenters[name] = make()
        ready[name] = time.perf_counter() - began
        segmenters[name].set_volume(volume)
    fast = SegmentOptions(quality=Quality.FAST)
    lesions: dict[str, Lesion] = {}

    def window(segmenter: Segmenter, _: str) -> None:
        config = segmenter.config
        size = config.image_size
        shown = np.random.default_rng(0).random(
            (1, config.num_slices, 3, size, size), dtype=np.float32
        )
        segmenter.runtime.embed(shown)

    def first(segmenter: Segmenter, name: str) -> None:
        segmenter.cache.clear()
        lesions[name] = segmenter.segment(box, fast)

    def second(segmenter: Segmenter, _: str) -> None:
        segmenter.segment(box, fast)

    i, j, k = box.corners_ijk.mean(axis=0)
    click = Correction(CorrectionKind.POINT, volume.geometry.lps_from_ijk([[i, j, k]]))

    def correction(segmenter: Segmenter, name: str) -> None:
        segmenter.refine(lesions[name], [click], fast)

    steps: dict[str, Callable[[Segmenter, str], None]] = {
        "window embedded": window,
        f"first box, {setup.slices} slices, fast": first,
        "second box, fast": second,
        "correction, one click": correction,
    }
    rows = [row for what, step in steps.items() for row in _by_turns(setup, segmenters, what, step)]
    masks = {name: lesion.mask_on_volume() for name, lesion in lesions.items()}
    rows.append(
        Row(TITLE, "masks of both", dice(masks[PYTORCH], masks[OPENVINO]), "Dice", aim="0.99")
    )
    if INT8 in masks:
        rows.append(
            Row(TITLE, "masks in int8 and without", dice(masks[INT8], masks[OPENVINO]), "Dice")
        )
    rows += [
        Row(
            TITLE,
            f"ready, {name}",
            seconds,
            note="model read and prepared, the second time, run once",
        )
        for name, seconds in ready.items()
    ]
    return [
        row if row.what.endswith(INT8) else replace(row, what=f"{row.what}, {precision}")
        for row in rows
    ]


def _by_turns(
    setup: Setup,
    segmenters: dict[str, Segmenter],
    what: str,
    step: Callable[[Segmenter, str], None],
) -> list[Row]:
    """Medians of all, one run of each after the other."""
    seconds: dict[str, list[float]] = {name: [] for name in segmenters}
    for turn in range(setup.repeats + 1):
        for name, segmenter in segmenters.items():
            began = time.perf_counter()
            step(segmenter, name)
            if turn:  # the first warms up
                seconds[name].append(time.perf_counter() - began)
    medians = {name: median(each) for name, each in seconds.items()}
    rows = []
    for name, ours in medians.items():
        other = REFERENCE.get(name)
        ratio = None if other is None else medians[other] / ours
        note = "" if other is None else f"against {other}"
        details = {"runs": seconds[name]}
        rows.append(Row(TITLE, f"{what}, {name}", ours, "s", ratio, note=note, details=details))
    return rows
