"""The limits of the numbers, and that every way in keeps them."""

from __future__ import annotations

import math

import pytest

from masam_core.errors import ConfigError
from masam_core.inference.options import SegmentOptions
from masam_core.lesion.cleaning import PostprocessOptions
from masam_core.limits import CACHE_MB, MARGIN_MM, SMOOTH_MM, THRESHOLD, Limits


@pytest.mark.parametrize("limits", [THRESHOLD, MARGIN_MM, SMOOTH_MM, CACHE_MB])
def test_the_ends_are_accepted_and_what_lies_beyond_is_not(limits: Limits) -> None:
    for value in (limits.low, (limits.low + limits.high) / 2, limits.high):
        limits.check(value)
    for value in (limits.low - 1e-3, limits.high + 1e-3, math.inf, -math.inf, math.nan):
        with pytest.raises(ConfigError, match=f"The {limits.name} is .*; expected"):
            limits.check(value)


def test_the_nearest_accepted_value() -> None:
    assert [MARGIN_MM.nearest(v) for v in (-7, 3.5, math.inf)] == [0.0, 3.5, 50.0]
    assert THRESHOLD.nearest(0) == 0.05
    with pytest.raises(ValueError, match="no number"):
        THRESHOLD.nearest(math.nan)


def test_the_message_says_what_was_expected_and_received() -> None:
    with pytest.raises(ConfigError) as caught:
        MARGIN_MM.check(-7)
    assert str(caught.value) == "The margin is -7 mm; expected 0 to 50 mm."


def test_the_defaults_lie_within() -> None:
    THRESHOLD.check(0.5)
    MARGIN_MM.check(SegmentOptions().margin_mm)
    SMOOTH_MM.check(PostprocessOptions().smooth_mm)
