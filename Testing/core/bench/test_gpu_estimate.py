"""The estimate for a GPU, worked out by hand."""

from __future__ import annotations

import pytest

from masam_core.bench.gpu_estimate import GPUS, Gpu, estimate, estimate_rows
from masam_core.bench.rows import Row

WINDOW = {
    "backbone": "vit_x",
    "image_size": 512,
    "gflop": 1050.0,
    "weights": 100_000_000,
    "depth": 10,
    "width": 1000,
    "tokens": 5000,
}


def test_operations_decide_on_a_slow_processor() -> None:
    # 1050 GFLOP at 35 % of 30 TFLOP/s: 0.1 s a window, four windows.
    seconds, needed = estimate(WINDOW, Gpu("x", 8, 30, 100_000))
    assert seconds == pytest.approx(0.4)
    # 200 MB of weights, and 4 windows of 30 tensors of 10 MB.
    assert needed == pytest.approx(200e6 + 4 * 30 * 10e6)


def test_bytes_decide_on_a_slow_memory() -> None:
    # Weights 0.2 GB, and 60 times 10 MB in each of ten blocks: 6.2 GB at 62 GB/s.
    seconds, _ = estimate(WINDOW, Gpu("x", 8, 1e6, 62))
    assert seconds == pytest.approx(0.4)


def test_what_does_not_fit_is_said_and_other_rows_are_left_alone() -> None:
    large = {**WINDOW, "tokens": 50_000}
    uncounted = Row("a", "b", 1.0, details={**WINDOW, "gflop": None})
    rows = estimate_rows([Row("a", "b", 1.0), uncounted, Row("a", "b", 1.0, details=large)])
    assert len(rows) == len(GPUS)
    assert rows[0].value is None
    assert "does not fit" in rows[0].note
    assert rows[-1].value is not None
