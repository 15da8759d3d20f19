"""What a GPU would take, worked out from operations and bytes: an estimate, no measurement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from masam_core.bench.rows import Row

TITLE = "GPUs, by calculation (an estimate, nothing was measured)"
SHARE = 0.35  # of the peak that transformers of this size usually reach
WINDOWS_IN_20_SLICES = 4  # at quality fast
TENSORS_PER_BLOCK = 30  # of the tokens' size, written and read once each, in one block


@dataclass(frozen=True)
class Gpu:
    """Figures of the makers' data sheets.

    ``tflops``: dense bfloat16 products with float32 sums; ``bandwidth``: GB/s.
    """

    name: str
    memory_gb: float
    tflops: float
    bandwidth: float


GPUS = (
    Gpu("8 GB (GeForce RTX 4060)", 8, 30, 272),
    Gpu("24 GB (GeForce RTX 4090)", 24, 165, 1008),
    Gpu("80 GB (H100 SXM)", 80, 989, 3350),
)


def estimate_rows(measured: Sequence[Row]) -> list[Row]:
    """Estimate each window of the table, 20 slices at quality ``fast``, without the decoder.

    Time is the longer of operations at 35 % of the peak and bytes at full bandwidth: weights once
    a window, and 30 tensors of the tokens' size a block, in two bytes each. Memory is weights and
    the tensors of one block for four windows side by side.
    """
    rows = []
    for row in measured:
        if row.details.get("gflop") is None:
            continue
        for gpu in GPUS:
            seconds, needed = estimate(row.details, gpu)
            fits = needed < 0.9 * gpu.memory_gb * 1e9
            rows.append(
                Row(
                    TITLE,
                    f"{row.details['backbone']} at {row.details['image_size']}, {gpu.name}",
                    seconds if fits else None,
                    note=f"about {needed / 1e9:.1f} GB" + ("" if fits else ": does not fit"),
                )
            )
    return rows


def estimate(window: dict[str, Any], gpu: Gpu) -> tuple[float, float]:
    """Seconds for 20 slices, and bytes of memory."""
    weights = 2 * window["weights"]
    tensor = 2 * window["tokens"] * window["width"]
    moved = weights + 2 * TENSORS_PER_BLOCK * tensor * window["depth"]
    computing = window["gflop"] / (1e3 * gpu.tflops * SHARE)
    moving = moved / (1e9 * gpu.bandwidth)
    needed = weights + 4 * TENSORS_PER_BLOCK * tensor
    return WINDOWS_IN_20_SLICES * max(computing, moving), float(needed)
