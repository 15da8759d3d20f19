"""Paired comparisons against plain formulas and scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from masam_core.errors import ConfigError
from masam_core.scoring.evaluate import Score
from masam_core.scoring.paired import LEAST_PATIENTS, compare


def random_scores(count: int, seed: int) -> list[Score]:
    found = np.random.default_rng(seed).uniform(0.5, 1, count)
    return [
        Score(f"p{n:02d}_a", "MR", float(d), 0.5, 0.5, patient=f"p{n:02d}")
        for n, d in enumerate(found)
    ]


def test_models_are_compared_patient_by_patient() -> None:
    first, second = random_scores(12, 1), random_scores(12, 2)
    got = compare(first, second, ("a", "b"))
    difference = np.array([a.dice - b.dice for a, b in zip(first, second, strict=True)])
    assert got.difference == pytest.approx(difference.mean())
    assert got.p == pytest.approx(stats.wilcoxon(difference).pvalue)
    assert got.low < got.difference < got.high
    assert (got.n, got.patients) == (12, 12)
    with pytest.raises(ConfigError, match="same lesions"):
        compare(first, second[1:], ("a", "b"))


def test_too_few_patients_get_no_p_value_and_no_difference_none() -> None:
    few = LEAST_PATIENTS - 1
    assert compare(random_scores(few, 1), random_scores(few, 2), ("a", "b")).p is None
    enough = compare(random_scores(few + 1, 1), random_scores(few + 1, 2), ("a", "b"))
    assert enough.p is not None
    # Fewer than that could not come below 5 %, whatever they say: all of one sign is the most.
    assert stats.wilcoxon(np.arange(1.0, few + 1)).pvalue > 0.05
    assert stats.wilcoxon(np.arange(1.0, few + 2)).pvalue < 0.05
    assert compare(random_scores(9, 1), random_scores(9, 1), ("a", "b")).p is None
