"""Medians, operations and memory against what is known beforehand."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from masam_core.bench.timing import PeakMemory, Timing, apart, clock, gflop

CPU = torch.device("cpu")


def test_the_warm_up_is_not_counted_and_the_median_is_the_middle_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The clock is read once for the warm-up, then before and after runs of 5, 1 and 2 seconds.
    readings: Iterator[float] = iter([0.0, 10.0, 15.0, 20.0, 21.0, 30.0, 32.0])
    monkeypatch.setattr(time, "perf_counter", lambda: next(readings))
    calls: list[str] = []
    timing = clock(lambda: calls.append("work"), 3, before=lambda: calls.append("before"))
    assert timing.seconds == (5.0, 1.0, 2.0)
    assert timing.median == 2.0
    assert calls == ["before", "work"] * 4
    assert timing.to_dict() == {"median": 2.0, "runs": [5.0, 1.0, 2.0]}


def test_without_warm_up_every_run_counts() -> None:
    calls: list[int] = []
    assert len(clock(lambda: calls.append(1), 2, warm_up=False).seconds) == 2
    assert len(calls) == 2
    assert Timing((3.0, 1.0)).median == 2.0


def test_operations_of_products_and_convolutions_are_counted() -> None:
    a, b = torch.randn(300, 200), torch.randn(200, 500)
    assert gflop(lambda: a @ b) == pytest.approx(2 * 300 * 200 * 500 / 1e9)
    q, k = torch.randn(2, 3, 40, 8), torch.randn(2, 3, 70, 8)
    attention = torch.nn.functional.scaled_dot_product_attention
    with torch.inference_mode():
        expected = 2 * 2 * 3 * 40 * 70 * (8 + 8) / 1e9
        assert gflop(lambda: attention(q, k, k)) == pytest.approx(expected)
    image, kernel = torch.randn(1, 8, 20, 20), torch.randn(16, 8, 3, 3)
    expected = 2 * 18 * 18 * 16 * 8 * 9 / 1e9
    assert gflop(lambda: torch.conv2d(image, kernel)) == pytest.approx(expected)


def test_memory_that_is_given_back_still_counts() -> None:
    pytest.importorskip("psutil")
    with PeakMemory(CPU) as memory:
        held = np.ones(200_000_000, np.uint8)
        deadline = time.monotonic() + 60
        # Until all of it was seen, which takes longer on a busy machine.
        while memory._highest - memory._begin < 191e6 and time.monotonic() < deadline:
            time.sleep(0.005)
        del held
    assert memory.grown is not None
    assert 190e6 < memory.grown < 400e6


def test_apart_is_another_process() -> None:
    assert apart(os.getpid) != os.getpid()
