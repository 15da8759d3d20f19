"""A lesion from box to mask: the literal procedure against the product, and a second box."""

from __future__ import annotations

import time
from functools import partial

import numpy as np

from masam_core.bench.inputs import lesion_volume
from masam_core.bench.literal import LiteralMASAM
from masam_core.bench.procedure import LiteralProcedure
from masam_core.bench.rows import Row, Setup
from masam_core.bench.timing import clock
from masam_core.inference.options import SegmentOptions
from masam_core.inference.quality import Quality
from masam_core.inference.segmenter import Segmenter
from masam_core.lesion.cleaning_options import Keep, PostprocessOptions
from masam_core.lesion.lesion import Lesion
from masam_core.model.config import ModelConfig
from masam_core.prompts.boxes import BoxPrompt
from masam_core.scoring.metrics import dice

TITLE = "A lesion from its box"
VOLUME_SLICES = 100
RAW = PostprocessOptions(keep=Keep.ALL, fill_holes=False)  # what the network says, uncleaned
_AIMS = {Quality.BEST: "2x", Quality.FAST: "10x"}


def job_rows(setup: Setup) -> list[Row]:
    """Whole jobs, and a second prompt on the same slices."""
    volume, box = lesion_volume(VOLUME_SLICES, setup.slices)
    procedure = LiteralProcedure(
        LiteralMASAM(setup.build().to(setup.device)), volume, box, setup.device
    )
    count = len(procedure.starts)
    procedure.window(procedure.starts[0])  # warm up
    began = time.perf_counter()
    expected = procedure.run(
        lambda done, of: setup.tell(f"literal procedure, window {done} of {of}")
    )
    slow = time.perf_counter() - began
    rows_in, cols_in = procedure.job.in_crop()
    expected = expected[:, rows_in, cols_in]
    windows = VOLUME_SLICES + procedure.config.num_slices - 1
    rows = [
        Row(TITLE, "literal, these slices", slow, note=f"float32, {count} windows, run once"),
        Row(
            TITLE,
            "literal, whole volume",
            slow / count * windows,
            note=f"computed: {windows} windows of {slow / count:.2f} s",
        ),
    ]
    for precision in setup.precisions:
        segmenter = Segmenter(setup.build(), setup.device, precision, copy=False)
        segmenter.set_volume(volume)
        _ = volume.content_hash
        best: Lesion | None = None
        if setup.device.type != "cpu":  # a GPU's libraries set themselves up at first
            segmenter.segment(box, SegmentOptions(quality=Quality.FAST, postprocess=RAW))
        # One run of the longest, since it takes minutes where a model is large.
        for quality, repeats in (
            (Quality.BEST, 1),
            (Quality.BALANCED, 1),
            (Quality.FAST, setup.repeats),
        ):
            setup.tell(f"{quality}, {precision}")
            options = SegmentOptions(quality=quality, postprocess=RAW)
            lesions: list[Lesion] = []

            timing = clock(
                partial(_segment, segmenter, box, options, lesions),
                repeats,
                warm_up=False,
                device=setup.device,
                before=segmenter.cache.clear,
            )
            lesion = lesions[-1]
            best = best or lesion
            rows.append(
                Row(
                    TITLE,
                    f"MASAM {quality}, {precision}",
                    timing.median,
                    "s",
                    slow / timing.median,
                    _aim(procedure.config, quality, precision),
                    _agreement(expected, best, lesion, quality),
                    {"seconds": timing.to_dict()},
                )
            )
        rows.append(_second_prompt(setup, segmenter, box, rows[-1]))
    return rows


def _segment(
    segmenter: Segmenter, box: BoxPrompt, options: SegmentOptions, found: list[Lesion]
) -> None:
    found.append(segmenter.segment(box, options))


def _second_prompt(setup: Setup, segmenter: Segmenter, box: BoxPrompt, first: Row) -> Row:
    """Another box on the same slices, whose embeddings are there already."""
    options = SegmentOptions(quality=Quality.FAST, postprocess=RAW)
    segmenter.segment(box, options)
    timing = clock(lambda: segmenter.segment(box, options), setup.repeats, device=setup.device)
    ratio = first.value / timing.median if first.value else None
    return Row(
        TITLE,
        f"second box, fast, {segmenter.precision}",
        timing.median,
        "s",
        ratio,
        "40x" if segmenter.config.backbone == "vit_b" else "",
        "against the first box; decoder, mask and measurements",
        {"seconds": timing.to_dict()},
    )


def _aim(config: ModelConfig, quality: Quality, precision: str) -> str:
    large = config.backbone == "vit_b" and precision == "float32"
    return _AIMS.get(quality, "") if large else ""


def _agreement(expected: np.ndarray, best: Lesion, lesion: Lesion, quality: Quality) -> str:
    if quality is not Quality.BEST:
        return f"Dice with best {dice(lesion.mask, best.mask):.4f}"
    mask = expected >= 0.5
    ours = lesion.mask
    worst = float(np.abs(expected - lesion.known_probability()).max())
    return f"Dice with the literal mask {dice(ours, mask):.4f}, probability within {worst:.1g}"
