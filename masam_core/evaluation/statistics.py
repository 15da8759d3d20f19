"""What scores say together: means with intervals, paired tests, calibration."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from masam_core.errors import ConfigError
from masam_core.evaluation.evaluate import Score

RESAMPLES = 2000
BINS = 5


@dataclass(frozen=True)
class Summary:
    """Scores of one group of lesions.

    ``low`` and ``high`` bound the mean Dice with 95 % confidence: bootstrap over patients, whose
    lesions and images hang together. ``better`` counts lesions above their ellipsoid, ``below``
    those under it by more than 0.02. Surface distances are means in mm over the masks that have
    them, else None.
    """

    group: str
    n: int
    dice: float
    sd: float
    low: float
    high: float
    worst: float
    iou: float
    hd95_mm: float | None
    asd_mm: float | None
    ellipsoid: float
    better: int
    below: int


@dataclass(frozen=True)
class Comparison:
    """Two models on the same prompts: mean difference in Dice (first minus second), its bootstrap
    interval over patients, and the p value of Wilcoxon's signed-rank test on patients' means
    (None with fewer than 6 patients, too few to reach 5 %, or no difference at all)."""

    first: str
    second: str
    n: int
    patients: int
    difference: float
    low: float
    high: float
    p: float | None


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


def groups_of(scores: Sequence[Score]) -> dict[str, list[Score]]:
    """All, by modality, by source (letters that the name begins with), by both.

    A group that holds the same lesions as an earlier one is left out.
    """
    named: dict[str, list[Score]] = {"all": list(scores)}
    keys: tuple[Callable[[Score], str], ...] = (
        lambda s: s.modality or "unknown modality",
        lambda s: s.source,
        lambda s: f"{s.source} {s.modality}".strip(),
    )
    for key in keys:
        parts: dict[str, list[Score]] = {}
        for score in scores:
            parts.setdefault(key(score), []).append(score)
        for name, members in parts.items():
            if members not in named.values():
                named[name] = members
    return named


def summarise_groups(scores: Sequence[Score]) -> list[Summary]:
    """One summary a group of :func:`groups_of`."""
    return [_summary(name, members) for name, members in groups_of(scores).items()]


def summary_line(scores: Sequence[Score]) -> str:
    """Mean Dice of each group and of its ellipsoids, in one line."""
    parts = []
    for s in summarise_groups(scores):
        ellipsoid = f"ellipsoid {s.ellipsoid:.3f}, " if np.isfinite(s.ellipsoid) else ""
        parts.append(f"{s.group} {s.dice:.3f} ({ellipsoid}n={s.n})")
    return "; ".join(parts)


def compare(first: Sequence[Score], second: Sequence[Score], names: tuple[str, str]) -> Comparison:
    """Paired comparison on the same lesions in the same order.

    Raises:
        ConfigError: the lesions are not the same.
    """
    if [(s.case, s.lesion) for s in first] != [(s.case, s.lesion) for s in second]:
        raise ConfigError(f"{names[0]} and {names[1]} were not evaluated on the same lesions.")
    patients = _patients(first)
    difference = np.array([a.dice - b.dice for a, b in zip(first, second, strict=True)])
    means = np.array([difference[rows].mean() for rows in patients])
    low, high = _bootstrap(difference, patients)
    p: float | None = None
    if len(means) >= 6 and np.any(means != 0):
        from scipy.stats import wilcoxon

        p = float(wilcoxon(means).pvalue)
    return Comparison(*names, len(first), len(means), float(difference.mean()), low, high, p)


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


def _summary(name: str, members: Sequence[Score]) -> Summary:
    values = np.array([s.dice for s in members])
    low, high = _bootstrap(values, _patients(members))
    return Summary(
        group=name,
        n=len(members),
        dice=float(values.mean()),
        sd=float(values.std(ddof=1)) if len(values) > 1 else 0.0,
        low=low,
        high=high,
        worst=float(values.min()),
        iou=float(np.mean([s.iou for s in members])),
        hd95_mm=_mean([s.hd95_mm for s in members]),
        asd_mm=_mean([s.asd_mm for s in members]),
        ellipsoid=float(np.mean([s.ellipsoid for s in members])),
        better=sum(s.dice > s.ellipsoid for s in members),
        below=sum(s.dice < s.ellipsoid - 0.02 for s in members),
    )


def _patients(scores: Sequence[Score]) -> list[NDArray[np.intp]]:
    """Row numbers of each patient's scores."""
    names = np.array([s.patient or s.case for s in scores])
    return [np.flatnonzero(names == name) for name in dict.fromkeys(names.tolist())]


def _bootstrap(values: NDArray[Any], patients: list[NDArray[np.intp]]) -> tuple[float, float]:
    """2.5 and 97.5 % points of the mean when patients are drawn anew; repeatable."""
    rng = np.random.default_rng(0)
    sums = np.array([values[rows].sum() for rows in patients])
    counts = np.array([len(rows) for rows in patients])
    drawn = rng.integers(len(patients), size=(RESAMPLES, len(patients)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [v for v in values if v is not None]
    return float(np.mean(known)) if known else None
