"""How time grows with slices, lesions, image size and backbone; with cases and tabs beside it."""

from __future__ import annotations

import numpy as np
import torch

from masam_core.bench.gpu_estimate import estimate_rows
from masam_core.bench.growth import growth_rows, slope_row
from masam_core.bench.inputs import lesion_volume, random_model
from masam_core.bench.rows import Row, Setup
from masam_core.bench.tabs import tab_rows
from masam_core.bench.timing import clock, gflop
from masam_core.inference.device import autocast
from masam_core.inference.options import SegmentOptions
from masam_core.inference.quality import Quality
from masam_core.inference.segmenter import Segmenter
from masam_core.model.masam import Embedding
from masam_core.prompts.boxes import BoxPrompt

TITLE = "How time grows"
SLICES = (5, 10, 20, 40)
LESIONS = (1, 2, 4)
SIZES = {"vit_s14": (224, 336, 448), "vit_b": (256, 512, 1024), "vit_l": (512,), "vit_h": (512,)}
FAST = SegmentOptions(quality=Quality.FAST)


def scale_rows(setup: Setup) -> list[Row]:
    """Tables of time, each with its slope, and what a GPU would need by calculation."""
    segmenter = Segmenter(setup.build(), setup.device, copy=False)
    name = f"{segmenter.config.backbone}, {segmenter.precision}"
    rows = [
        *growth_rows(setup),
        *tab_rows(setup),
        *_slices(setup, segmenter, name),
        *_lesions(setup, segmenter, name),
    ]
    del segmenter
    for backbone, sizes in SIZES.items():
        for size in sizes:
            rows.append(_window(setup, backbone, size))
    return [*rows, *estimate_rows(rows)]


def _slices(setup: Setup, segmenter: Segmenter, name: str) -> list[Row]:
    rows, seconds = [], []
    for count in SLICES:
        setup.tell(f"{count} slices")
        volume, box = lesion_volume(2 * count + 10, count)
        segmenter.set_volume(volume)
        timing = clock(
            lambda b=box: segmenter.segment(b, FAST),  # type: ignore[misc]
            setup.repeats,
            device=setup.device,
            before=segmenter.cache.clear,
        )
        seconds.append(timing.median)
        rows.append(Row(TITLE, f"{count} slices ({name})", timing.median))
    slope = float(np.polyfit(SLICES, seconds, 1)[0])
    rows.append(Row(TITLE, "each further slice", slope, note="least squares"))
    return [*rows, slope_row(TITLE, "a lesion, over slices", SLICES, seconds)]


def _lesions(setup: Setup, segmenter: Segmenter, name: str) -> list[Row]:
    volume, box = lesion_volume(30, 10)
    segmenter.set_volume(volume)
    boxes = [_moved(box, 40 * number) for number in range(max(LESIONS))]
    rows, seconds = [], []
    for count in LESIONS:
        setup.tell(f"{count} lesions")

        def run(count: int = count) -> None:
            for one in boxes[:count]:
                segmenter.segment(one, FAST)

        timing = clock(run, setup.repeats, device=setup.device, before=segmenter.cache.clear)
        seconds.append(timing.median)
        rows.append(Row(TITLE, f"{count} lesions on the same 10 slices ({name})", timing.median))
    slope = float(np.polyfit(LESIONS, seconds, 1)[0])
    rows.append(Row(TITLE, "each further lesion", slope, note="least squares"))
    return [*rows, slope_row(TITLE, "lesions on the same slices", LESIONS, seconds)]


def _moved(box: BoxPrompt, voxels: int) -> BoxPrompt:
    return BoxPrompt(box.corners_ijk + np.array([voxels, 0.0, 0.0]), box.name)


@torch.inference_mode()
def _window(setup: Setup, backbone: str, size: int) -> Row:
    """One window of a backbone, once after a warm-up: large ones take a while."""
    setup.tell(f"{backbone} at {size} pixels")
    segmenter = Segmenter(random_model(backbone, size), setup.device, copy=False)
    model, config = segmenter.model, segmenter.config
    window = torch.rand(1, config.num_slices, size, size, device=setup.device)

    def encode() -> Embedding:
        with autocast(setup.device, segmenter.dtype):
            return model.encode(window)

    operations = gflop(encode)  # also the warm-up, unless it failed half way
    timing = clock(encode, 1, warm_up=operations is None, device=setup.device)
    counted = "" if operations is None else _speed(operations, timing.median)
    weights = sum(p.numel() for p in model.parameters())
    return Row(
        TITLE,
        f"window of {config.num_slices} slices, {backbone} at {size} ({segmenter.precision})",
        timing.median,
        note=counted,
        details={
            "backbone": backbone,
            "image_size": size,
            "gflop": operations,
            "weights": weights,
            "depth": config.spec.depth,
            "width": config.spec.width,
            "tokens": config.num_slices * config.grid**2,
        },
    )


def _speed(operations: float, seconds: float) -> str:
    return f"{operations:.0f} GFLOP, {operations / seconds:.0f} GFLOP/s"
