"""A correction by one click against the first prompt, on a lesion of 30 slices."""

from __future__ import annotations

from itertools import cycle

from masam_core.bench.inputs import LESION, lesion_volume
from masam_core.bench.rows import Row, Setup
from masam_core.bench.timing import clock
from masam_core.inference.segmenter import Segmenter
from masam_core.lesion.lesion import Lesion
from masam_core.prompts.boxes import BoxPrompt
from masam_core.prompts.corrections import Correction, CorrectionKind

TITLE = "A correction"
SLICES = 30  # of the lesion, whatever the others have
VOLUME_SLICES = 40
SECONDS = 0.15  # on two cores, with the bundled model


def refine_rows(setup: Setup) -> list[Row]:
    """The first prompt at the default quality, then clicks one at a time."""
    volume, box = lesion_volume(VOLUME_SLICES, SLICES)
    rows = []
    for precision in setup.precisions:
        setup.tell(f"first prompt and corrections, {precision}")
        segmenter = Segmenter(setup.build(), setup.device, precision, copy=False)
        segmenter.set_volume(volume)
        _ = volume.content_hash
        rows += _compare(segmenter, box, setup, precision)
    return rows


def _compare(segmenter: Segmenter, box: BoxPrompt, setup: Setup, precision: str) -> list[Row]:
    lesions: list[Lesion] = []
    first = clock(
        lambda: lesions.append(segmenter.segment(box)),
        repeats=setup.repeats,
        warm_up=False,
        device=setup.device,
        before=segmenter.cache.clear,
    )
    i, j, k = box.corners_ijk.mean(axis=0)
    places = [[i, j, k], [i + LESION / 2 + 2, j, k]]  # in the lesion, and just beside it
    within, beside = segmenter.volume.geometry.lps_from_ijk(places)[:, None]
    point = CorrectionKind.POINT
    clicks = cycle([Correction(point, within), Correction(point, beside, positive=False)])
    again = clock(
        lambda: segmenter.refine(lesions[-1], [next(clicks)]),
        repeats=max(3, setup.repeats),
        device=setup.device,
    )
    return [
        Row(TITLE, f"first prompt, {SLICES} slices, {precision}", first.median),
        Row(
            TITLE,
            f"refine, {precision}",
            again.median,
            "s",
            first.median / again.median,
            "40x" if segmenter.config.backbone == "vit_b" else f"{SECONDS} s",
            "one click: its patch, mask and measurements; against the first prompt",
            {"seconds": again.to_dict(), "first": first.to_dict()},
        ),
    ]
