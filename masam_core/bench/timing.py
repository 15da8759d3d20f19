"""Measuring: medians of repeats, floating-point operations, and the peak of memory."""

from __future__ import annotations

import gc
import multiprocessing
import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, TypeVar

import torch

SAMPLE_SECONDS = 0.002
Result = TypeVar("Result")


@dataclass(frozen=True)
class Timing:
    """Seconds of some repeats of the same work."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.seconds)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"median": self.median, "runs": list(self.seconds)}


def clock(
    work: Callable[[], Any],
    repeats: int = 3,
    warm_up: bool = True,
    device: torch.device | None = None,
    before: Callable[[], Any] | None = None,
) -> Timing:
    """Time some work.

    Args:
        work: what is timed.
        repeats: how often.
        warm_up: once more at first, not counted.
        device: waited for, where it computes on its own.
        before: called before each repeat, not counted.
    """
    seconds = []
    for number in range(repeats + warm_up):
        if before is not None:
            before()
        wait_for(device)
        began = time.perf_counter()
        work()
        wait_for(device)
        if number or not warm_up:
            seconds.append(time.perf_counter() - began)
    return Timing(tuple(seconds))


def wait_for(device: torch.device | None) -> None:
    """Let a GPU finish."""
    if device is not None and device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device is not None and device.type == "mps":
        torch.mps.synchronize()


def gflop(work: Callable[[], Any]) -> float | None:
    """Count floating-point operations of matrix products, convolutions and attention, in 10^9.

    A multiplication and an addition count as two.

    Returns:
        The count, or None where PyTorch's counter can't follow the work: it takes operations apart
        below mixed precision, so one that meets two precisions only there fails when counted.
    """
    from torch.utils.flop_counter import FlopCounterMode

    # PyTorch's own list leaves out its fused attention for the CPU.
    fused = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
    try:
        with FlopCounterMode(display=False, custom_mapping={fused: _attention}) as counter:
            work()
    except RuntimeError:
        return None
    return counter.get_total_flops() / 1e9


def _attention(q: Any, k: Any, v: Any, *_: Any, **__: Any) -> int:
    """Operations of softmax(q k^T) v from the shapes (B, heads, M, d), (B, heads, N, d)."""
    batch, heads, rows, depth = q
    return int(2 * batch * heads * rows * k[2] * (depth + v[3]))


def apart(work: Callable[..., Result], *arguments: Any) -> Result:
    """Run a function in a fresh process, whose memory nothing has touched before.

    Function and arguments must be such that ``pickle`` takes them.
    """
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(work, arguments)


class PeakMemory:
    """Within a ``with`` block: how far memory grew at most, in bytes.

    On CUDA what PyTorch had allocated; elsewhere the resident memory of this process, looked at
    every two milliseconds (package ``psutil``), or None where the package is missing.

    Attributes:
        grown: bytes above the beginning, after the block.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.grown: int | None = None
        self._stop = threading.Event()
        self._highest = 0
        self._thread: threading.Thread | None = None

    def __enter__(self) -> PeakMemory:
        gc.collect()
        if self.device.type == "cuda":
            wait_for(self.device)
            torch.cuda.reset_peak_memory_stats(self.device)
            self._begin = torch.cuda.memory_allocated(self.device)
            return self
        try:
            import psutil
        except ModuleNotFoundError:
            return self
        process = psutil.Process()
        self._begin = self._highest = process.memory_info().rss

        def watch() -> None:
            while not self._stop.wait(SAMPLE_SECONDS):
                self._highest = max(self._highest, process.memory_info().rss)

        self._thread = threading.Thread(target=watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.device.type == "cuda":
            wait_for(self.device)
            self.grown = torch.cuda.max_memory_allocated(self.device) - self._begin
        elif self._thread is not None:
            self._stop.set()
            self._thread.join()
            self.grown = self._highest - self._begin
