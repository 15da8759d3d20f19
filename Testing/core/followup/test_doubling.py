"""Doubling times against cases worked out by hand and against growth that is computed forward."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from masam_core.errors import ConfigError
from masam_core.followup.doubling import doubling_time


def test_cases_worked_out_by_hand() -> None:
    assert doubling_time(1.0, 2.0, 100).days == pytest.approx(100)
    assert doubling_time(1.0, 8.0, 90).days == pytest.approx(30)  # three doublings
    assert doubling_time(4.0, 1.0, 60).days == pytest.approx(-30)  # two halvings
    # A sphere whose diameter doubles has eight times the volume.
    assert doubling_time(1.0**3, 2.0**3, 300).days == pytest.approx(100)


@given(st.floats(0.1, 100), st.floats(5, 2000), st.floats(10, 1000))
def test_growth_computed_forward_is_found_again(ml: float, doubling: float, days: float) -> None:
    found = doubling_time(ml, ml * 2 ** (days / doubling), days, noise=0.0)
    if math.log(2) * days / doubling > 1e-6:
        assert found.days == pytest.approx(doubling, rel=1e-6)


def test_a_change_within_the_noise_gives_no_time_but_a_bound() -> None:
    found = doubling_time(1.0, 1.2, 100, noise=0.25)
    assert found.days is None
    # 1.2 may be 1.5 in truth: 100 ln 2 / ln 1.5 = 171 days.
    assert "171 days or more" in found.words
    assert "noise" in found.words
    shrunk = doubling_time(1.0, 0.81, 100)
    assert shrunk.days is None
    assert "-19 %" in shrunk.words


def test_the_range_is_what_the_noise_leaves() -> None:
    found = doubling_time(1.0, 2.0, 100, noise=0.25)
    assert found.low_days == pytest.approx(100 * math.log(2) / math.log(2.5))
    assert found.high_days == pytest.approx(100 * math.log(2) / math.log(1.6))
    assert found.words == "doubles in 100 days (76 to 147)"
    assert doubling_time(2.0, 1.0, 100).words == "halves in 100 days (76 to 147)"


@pytest.mark.parametrize(
    ("before", "now", "days", "words"),
    [
        (1.0, 2.0, None, "date is missing"),
        (1.0, 2.0, 0, "one day"),
        (None, 2.0, 10, "not measured"),
        (1.0, 0.0, 10, "no lesion"),
    ],
)
def test_what_is_not_known_is_told(
    before: float | None, now: float | None, days: float | None, words: str
) -> None:
    found = doubling_time(before, now, days)
    assert found.days is None
    assert words in found.words


def test_noise_must_be_a_share() -> None:
    with pytest.raises(ConfigError, match="noise"):
        doubling_time(1.0, 2.0, 10, noise=1.5)
