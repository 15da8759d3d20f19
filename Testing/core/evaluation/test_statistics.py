"""Summaries, intervals, paired tests and calibration against plain formulas and scipy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from masam_core.evaluation.statistics import against_ellipsoid, calibration
from masam_core.scoring.evaluate import Score
from masam_core.scoring.summary import groups_of, summarise_groups, summary_line


def score(
    case: str, modality: str, dice: float, ellipsoid: float = 0.5, sure: float = 0.5
) -> Score:
    patient = case.split("_")[0]
    return Score(case, modality, dice, ellipsoid, sure, patient=patient, iou=dice / (2 - dice))


SCORES = [
    score("sts001_t1", "MR", 0.9, 0.8),
    score("sts002_t1", "MR", 0.7, 0.8),
    score("radiomics_lung1", "CT", 0.5, 0.4),
]


def random_scores(count: int, seed: int = 0) -> list[Score]:
    rng = np.random.default_rng(seed)
    return [
        score(f"p{n:02d}_a", "MR", float(d), 0.5, float(c))
        for n, (d, c) in enumerate(zip(rng.uniform(0.5, 1, count), rng.random(count), strict=True))
    ]


def test_groups_are_all_modality_source_and_both_without_repeats() -> None:
    groups = groups_of([*SCORES, score("sts003_ct", "CT", 0.6)])
    assert {name: len(members) for name, members in groups.items()} == {
        "all": 4,
        "MR": 2,
        "CT": 2,
        "sts": 3,
        "radiomics": 1,
        "sts CT": 1,
    }


def test_a_summary_is_mean_sd_worst_and_counts() -> None:
    rows = {s.group: s for s in summarise_groups(SCORES)}
    whole = rows["all"]
    assert whole.dice == pytest.approx(0.7)
    assert whole.sd == pytest.approx(0.2)
    assert (whole.n, whole.better, whole.below, whole.worst) == (3, 2, 1, 0.5)
    assert whole.low <= 0.7 <= whole.high
    assert whole.hd95_mm is None
    assert "CT 0.500 (ellipsoid 0.400, n=1)" in summary_line(SCORES)


def test_the_interval_is_the_bootstraps_over_patients() -> None:
    scores = random_scores(30)
    whole = summarise_groups(scores)[0]
    values = np.array([s.dice for s in scores])
    reference = stats.bootstrap(
        (values,), np.mean, n_resamples=5000, method="percentile", rng=np.random.default_rng(1)
    ).confidence_interval
    assert whole.low == pytest.approx(reference.low, abs=0.006)
    assert whole.high == pytest.approx(reference.high, abs=0.006)
    # Every image twice says no more than once: the interval must not shrink.
    twice = summarise_groups([*scores, *(replace(s, case=s.case + "2") for s in scores)])[0]
    assert twice.high - twice.low == pytest.approx(whole.high - whole.low, abs=1e-9)


def test_the_ellipsoid_in_the_same_box_is_a_model_to_compare_with() -> None:
    got = against_ellipsoid(SCORES, "a")
    assert (got.first, got.second) == ("a", "ellipsoid")
    assert got.difference == pytest.approx((0.1 - 0.1 + 0.1) / 3)


def test_calibration_ranks_and_measures_the_error() -> None:
    scores = random_scores(40)
    got = calibration(scores)
    assert got is not None
    sure, right = (np.array([getattr(s, n) for s in scores]) for n in ("confidence", "dice"))
    assert got.spearman == pytest.approx(stats.spearmanr(sure, right).statistic)
    assert got.error == pytest.approx(np.abs(sure - right).mean())
    assert sum(b[2] for b in got.bins) == 40
    expected = 0.0
    for low, high, count, mean_sure, mean_right in got.bins:
        rows = (sure >= low) & (sure < high)
        assert rows.sum() == count
        assert mean_right == pytest.approx(right[rows].mean())
        expected += count / 40 * abs(mean_sure - mean_right)
    assert got.expected_error == pytest.approx(expected)


def test_a_model_without_confidence_has_no_calibration() -> None:
    assert calibration([replace(s, confidence=float("nan")) for s in SCORES]) is None
    constant = calibration(SCORES)
    assert constant is not None
    assert constant.spearman is None
