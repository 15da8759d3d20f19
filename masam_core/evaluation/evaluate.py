"""Segment cases from the tight box of their expert mask and compare."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from masam_core.boxes import BoxPrompt
from masam_core.errors import VolumeError
from masam_core.evaluation.metrics import dice, inscribed_ellipsoid, tight_box
from masam_core.inference.segmenter import Segmenter, SegmentOptions
from masam_core.inference.windows import Quality
from masam_core.training.cases import Case
from masam_core.volume import read_labels, read_volume


@dataclass(frozen=True)
class Score:
    """Dice of a case: of the model, and of the ellipsoid inscribed in the same box."""

    case: str
    modality: str
    dice: float
    ellipsoid: float
    confidence: float

    @property
    def group(self) -> str:
        """Source and modality: the letters that the case's name begins with, and CT or MR."""
        source = re.match(r"[A-Za-z]*", self.case)
        return f"{source[0] if source else ''} {self.modality}".strip()


def evaluate_cases(
    cases: list[Case],
    segmenter: Segmenter,
    quality: Quality = "balanced",
    progress: Callable[[int, int, str], None] | None = None,
) -> list[Score]:
    """One score a case, each prompted with the tight 3D box of its whole expert mask.

    Raises:
        VolumeError: image and label of a case are on different grids.
    """
    scores = []
    for number, case in enumerate(cases):
        if progress is not None:
            progress(number, len(cases), case.name)
        volume = read_volume(case.image)
        labels, geometry = read_labels(case.label)
        if not volume.geometry.same_grid(geometry):
            raise VolumeError(f"{case.name}: image and label are not on the same grid.")
        expert = labels > 0
        box = tight_box(expert)
        segmenter.set_volume(volume, modality=case.modality or None)
        lesion = segmenter.segment(BoxPrompt.from_voxels(*box), SegmentOptions(quality=quality))
        ellipsoid = inscribed_ellipsoid(volume.geometry.shape, box)
        scores.append(
            Score(
                case.name,
                case.modality,
                dice(lesion.full_mask(), expert),
                dice(ellipsoid, expert),
                lesion.confidence,
            )
        )
    return scores


def summary_rows(scores: list[Score]) -> list[dict[str, Any]]:
    """Means over all cases and by source and modality: cases, n, dice, ellipsoid, worst, better."""
    groups: dict[str, list[Score]] = {"all": scores}
    for score in scores:
        groups.setdefault(score.group, []).append(score)
    return [
        {
            "cases": name,
            "n": len(members),
            "dice": float(np.mean([s.dice for s in members])),
            "ellipsoid": float(np.mean([s.ellipsoid for s in members])),
            "worst": min(s.dice for s in members),
            "better": sum(s.dice > s.ellipsoid for s in members),
        }
        for name, members in groups.items()
    ]


def summarise(scores: list[Score]) -> str:
    """:func:`summary_rows` as one line."""
    return "; ".join(
        f"{r['cases']} {r['dice']:.3f} (ellipsoid {r['ellipsoid']:.3f}, n={r['n']})"
        for r in summary_rows(scores)
    )
