"""Held-out cases segmented without prompts: their scores, and what the model said of itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from masam_core.data.cases import Case, Target
from masam_core.inference.quality import Quality
from masam_core.model.evidence import Claim
from masam_core.scoring.evaluate import Score, class_answers, compare_masks

if TYPE_CHECKING:
    from masam_core.inference.segmenter import Segmenter


def score_claims(
    cases: Sequence[Case], segmenter: Segmenter, quality: Quality, target: Target
) -> tuple[list[Score], list[Claim]]:
    """Segment volumes, and hold what the model says of its masks against the expert's.

    Args:
        cases: of patients that the model has not learned from.
        segmenter: with the model.
        quality: of the inference.
        target: which labels count.

    Returns:
        A score for each case and class that the expert marked, as of ``evaluate_automatic``, with
        the confidence that the model itself has; and a claim for each class that was found, also
        where the expert marked none of it.

    Raises:
        VolumeError, ConfigError: see ``evaluate_automatic``.
    """
    scores, claims = [], []
    for case, volume, number, answer, expert, seconds in class_answers(
        cases, segmenter, quality, None, target, as_said=True
    ):
        marked, found = expert.any(), answer.mask.any()
        if not (marked or found):
            continue
        score = compare_masks(case, number, answer.mask_on_volume(), expert, volume, False)
        if marked:
            scores.append(replace(score, confidence=answer.confidence, seconds=seconds))
        if found:
            whose = case.patient or case.name
            claims.append(Claim(whose, number, answer.confidence, score.dice))
    return scores, claims
