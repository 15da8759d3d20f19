"""Half precisions on the GPU against float32, and float32 against the processor's."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from masam_core.bench.rows import Row
from masam_core.inference.options import SegmentOptions
from masam_core.inference.quality import Quality
from masam_core.inference.segmenter import Segmenter
from masam_core.lesion.lesion import Lesion
from masam_core.scoring.metrics import dice

from .subjects import Asked, Run, Subject, lesions

TITLE = "Masks of half precisions against float32"
PRECISIONS = ("float16", "bfloat16")
OPTIONS = SegmentOptions(quality=Quality.FAST)
_CPU = torch.device("cpu")


def precision_rows(run: Run) -> Iterator[Row]:
    """Dice and the largest difference of probabilities, lesion by lesion."""
    asked = list(lesions(run))
    for subject in run.subjects():
        exact = _segment(run, subject, asked, "float32")
        for one, lesion in zip(asked, exact, strict=True):
            if one.expert is not None and subject.name == "bundled":
                found = dice(lesion.mask_on_volume(), one.expert)
                yield _row(subject, one, "float32 with the expert", found, "")
        for precision in PRECISIONS:
            others = _segment(run, subject, asked, precision)
            yield from _compared(subject, asked, precision, others, exact)
        if run.on_cuda:
            few = asked[:1]
            slow = _segment(Run(_CPU), subject, few, "float32")
            yield from _compared(subject, few, "the processor in float32", slow, exact[:1])


def _compared(
    subject: Subject, asked: list[Asked], what: str, found: list[Lesion], exact: list[Lesion]
) -> Iterator[Row]:
    for one, lesion, reference in zip(asked, found, exact, strict=True):
        worst = np.abs(lesion.known_probability() - reference.known_probability()).max()
        yield _row(
            subject,
            one,
            what,
            dice(lesion.mask, reference.mask),
            f"probability within {worst:.1g}, {int(reference.mask.sum())} voxels",
            {"probability_differs": float(worst)},
        )


def _row(
    subject: Subject,
    one: Asked,
    what: str,
    value: float,
    note: str,
    details: dict[str, float] | None = None,
) -> Row:
    name = f"{subject.name}, {one.name}: {what}"
    return Row(TITLE, name, value, "Dice", note=note, details=details or {})


def _segment(run: Run, subject: Subject, asked: list[Asked], precision: str) -> list[Lesion]:
    with Segmenter(subject.build(), run.device, precision, copy=False) as segmenter:
        found = []
        for one in asked:
            segmenter.set_volume(one.volume)
            found.append(segmenter.segment(one.box, OPTIONS))
        return found
