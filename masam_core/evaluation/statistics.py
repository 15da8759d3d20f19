"""What the scores of a study say: against the ellipsoid, and calibration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from masam_core.scoring.evaluate import Score
from masam_core.scoring.paired import Comparison, compare

BINS = 5


@dataclass(frozen=True)
class Calibration:
    """Confidence against Dice.

    ``spearman`` is their rank correlation (None where either is constant); ``error`` the mean
    |confidence - Dice|; ``expected_error`` the expected calibration error over ``bins``, rows of
    (least confidence, most, lesions, mean confidence, mean Dice).
    """

    n: int
    mean_confidence: float
    mean_dice: float
    spearman: float | None
    error: float
    expected_error: float
    bins: tuple[tuple[float, float, int, float, float], ...]


def against_ellipsoid(scores: Sequence[Score], name: str) -> Comparison:
    """A model against the ellipsoids in the same boxes."""
    from dataclasses import replace

    ellipsoids = [replace(s, dice=s.ellipsoid) for s in scores]
    return compare(scores, ellipsoids, (name, "ellipsoid"))


def calibration(scores: Sequence[Score]) -> Calibration | None:
    """How far the confidence can be taken at its word; None for a model without one."""
    known = [s for s in scores if np.isfinite(s.confidence)]
    if not known:
        return None
    confidence = np.array([s.confidence for s in known])
    found = np.array([s.dice for s in known])
    spearman: float | None = None
    if len(known) > 2 and np.ptp(confidence) > 0 and np.ptp(found) > 0:
        from scipy.stats import spearmanr

        spearman = float(spearmanr(confidence, found).statistic)
    edges = np.linspace(0, 1, BINS + 1)
    place = np.clip(np.digitize(confidence, edges) - 1, 0, BINS - 1)
    bins = []
    expected = 0.0
    for number in range(BINS):
        rows = place == number
        if not rows.any():
            continue
        sure, right = float(confidence[rows].mean()), float(found[rows].mean())
        expected += rows.mean() * abs(sure - right)
        bins.append((float(edges[number]), float(edges[number + 1]), int(rows.sum()), sure, right))
    return Calibration(
        n=len(known),
        mean_confidence=float(confidence.mean()),
        mean_dice=float(found.mean()),
        spearman=spearman,
        error=float(np.abs(confidence - found).mean()),
        expected_error=float(expected),
        bins=tuple(bins),
    )
