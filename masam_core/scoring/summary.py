"""Scores in groups, each with its mean and the interval that bounds it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from masam_core.scoring.evaluate import Score

RESAMPLES = 2000


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


def _summary(name: str, members: Sequence[Score]) -> Summary:
    values = np.array([s.dice for s in members])
    low, high = bootstrap_mean(values, patients_of(members))
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


def patients_of(scores: Sequence[Score]) -> list[NDArray[np.intp]]:
    """Row numbers of each patient's scores."""
    names = np.array([s.patient or s.case for s in scores])
    return [np.flatnonzero(names == name) for name in dict.fromkeys(names.tolist())]


def bootstrap_mean(values: NDArray[Any], patients: list[NDArray[np.intp]]) -> tuple[float, float]:
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
