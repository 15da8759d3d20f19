"""Two models on the same lesions, in a paired test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from masam_core.errors import ConfigError
from masam_core.scoring.evaluate import Score
from masam_core.scoring.summary import bootstrap_mean, patients_of

LEAST_PATIENTS = 6  # fewer can't reach 5 % in the signed-rank test: 2 / 2 ** 5 is 6 %


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


def compare(first: Sequence[Score], second: Sequence[Score], names: tuple[str, str]) -> Comparison:
    """Paired comparison on the same lesions in the same order.

    Raises:
        ConfigError: the lesions are not the same.
    """
    if [(s.case, s.lesion) for s in first] != [(s.case, s.lesion) for s in second]:
        raise ConfigError(f"{names[0]} and {names[1]} were not evaluated on the same lesions.")
    patients = patients_of(first)
    difference = np.array([a.dice - b.dice for a, b in zip(first, second, strict=True)])
    means = np.array([difference[rows].mean() for rows in patients])
    low, high = bootstrap_mean(difference, patients)
    p: float | None = None
    if len(means) >= LEAST_PATIENTS and np.any(means != 0):
        from scipy.stats import wilcoxon

        p = float(wilcoxon(means).pvalue)
    return Comparison(*names, len(first), len(means), float(difference.mean()), low, high, p)
