"""Window schedules, checked by brute force."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from masam_core.errors import ConfigError
from masam_core.inference.windows import stride_of, window_slices, window_starts

schedules = st.tuples(
    st.integers(0, 300), st.integers(0, 80), st.integers(1, 9), st.integers(1, 9)
).filter(lambda t: t[3] <= t[2])


@given(schedules)
@settings(deadline=None, max_examples=200)
def test_every_slice_of_the_box_is_covered_and_every_window_meets_the_box(
    schedule: tuple[int, int, int, int],
) -> None:
    first, extra, depth, stride = schedule
    last = first + extra
    starts = window_starts(first, last, depth, stride)
    for index in range(first, last + 1):
        assert any(s <= index < s + depth for s in starts)
    assert all(s <= last and s + depth > first for s in starts)


@given(schedules)
@settings(deadline=None, max_examples=200)
def test_schedule_is_all_multiples_of_the_stride_that_meet_the_box(
    schedule: tuple[int, int, int, int],
) -> None:
    first, extra, depth, stride = schedule
    last = first + extra
    expected = [
        s
        for s in range(-400, 400)
        if s % stride == 0 and set(range(s, s + depth)) & set(range(first, last + 1))
    ]
    assert window_starts(first, last, depth, stride) == expected


def test_boxes_on_the_same_slices_share_their_windows() -> None:
    one = window_starts(10, 24, 5, 3)
    other = window_starts(11, 25, 5, 3)
    assert len(set(one) & set(other)) >= len(one) - 1


def test_best_quality_sees_an_inner_slice_in_every_window_of_the_paper() -> None:
    starts = window_starts(20, 20, 5, stride_of("best", 5))
    assert starts == [16, 17, 18, 19, 20]


def test_fast_quality_sees_each_slice_once() -> None:
    starts = window_starts(20, 39, 5, stride_of("fast", 5))
    seen = np.concatenate([np.arange(s, s + 5) for s in starts])
    assert all((seen == index).sum() == 1 for index in range(20, 40))


def test_edge_slices_are_repeated_outside_the_volume() -> None:
    assert window_slices(-2, 5, 10).tolist() == [0, 0, 0, 1, 2]
    assert window_slices(8, 5, 10).tolist() == [8, 9, 9, 9, 9]
    assert window_slices(0, 5, 1).tolist() == [0] * 5


def test_unknown_quality_names_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="fast, balanced, best"):
        stride_of("superb", 5)  # type: ignore[arg-type]
