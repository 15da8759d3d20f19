"""One window: the literal network against the product's, in time, operations, memory, result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from masam_core.bench.literal import LiteralMASAM
from masam_core.bench.rows import Row, Setup
from masam_core.bench.timing import PeakMemory, Timing, apart, clock, gflop
from masam_core.inference.device import autocast, choose_precision
from masam_core.model.masam import MASAM, Embedding
from masam_core.model.prompt import NetworkPrompt
from masam_core.model.quantize import prepare_int8

TITLE = "One window of slices"


@torch.inference_mode()
def window_rows(setup: Setup) -> list[Row]:
    """Time, GFLOP, peak memory and the difference of the logits."""
    model = setup.build().to(setup.device)
    config = model.config
    torch.manual_seed(1)
    shape: tuple[int, ...] = (1, config.num_slices, config.image_size, config.image_size)
    if config.channels == "local":
        shape = (*shape[:2], 3, *shape[2:])
    window = torch.rand(shape, device=setup.device)
    side = config.image_size
    box = torch.tensor([0.3 * side, 0.35 * side, 0.6 * side, 0.7 * side], device=setup.device)
    prompt = NetworkPrompt(box.expand(config.num_slices, 4))
    if config.shape_prior != "none":
        prompt.masks = torch.zeros(config.num_slices, 1, 4 * config.grid, 4 * config.grid).to(box)

    literal = LiteralMASAM(model)
    setup.tell(f"literal window ({1 + setup.repeats} times)")
    slow = clock(lambda: literal.encode(window), setup.repeats, device=setup.device)
    expected = literal.decode(literal.encode(window), prompt)
    peak = apart(_peak, setup.build, setup.device, "literal", window.cpu())
    rows = [_row("literal, float32", slow, gflop(lambda: literal.encode(window)), peak)]
    for precision in _precisions(setup):
        setup.tell(f"window in {precision}")
        dtype = choose_precision(precision, setup.device)
        product = _product(setup.build, setup.device, precision)

        def encode(product: Any = product, dtype: torch.dtype = dtype) -> Embedding:
            with autocast(setup.device, dtype):
                return product.encode(window)

        fast = clock(encode, setup.repeats, device=setup.device)
        with autocast(setup.device, dtype):
            logits, _ = product.decode(product.encode(window), prompt)
        worst = float((logits.float() - expected).abs().max())
        rows.append(
            _row(
                f"MASAM, {precision}",
                fast,
                gflop(encode) if precision != "int8" else None,
                apart(_peak, setup.build, setup.device, precision, window.cpu()),
                slow.median / fast.median,
                "2x" if precision == "float32" and config.backbone == "vit_b" else "",
                f"logits differ by {worst:.1g} at most, of {float(expected.abs().max()):.2g}",
                {"logits_differ": worst},
            )
        )
    exact = rows[1].value
    for row in rows:
        if row.what.endswith("int8") and exact and row.value:
            rows.append(
                Row(
                    TITLE,
                    "int8 against MASAM's own float32",
                    None,
                    "",
                    exact / row.value,
                    "1.3x",
                    "for processors without bfloat16",
                )
            )
    return rows


def _product(build: Callable[[], MASAM], device: torch.device, precision: str) -> MASAM:
    if precision == "int8":
        return prepare_int8(build())
    return build().prepare(choose_precision(precision, device)).to(device)


@torch.inference_mode()
def _peak(
    build: Callable[[], MASAM], device: torch.device, precision: str, window: torch.Tensor
) -> int | None:
    """Bytes beside the model that embedding a window takes, in a process of its own."""
    window = window.to(device)
    if precision == "literal":
        literal = LiteralMASAM(build().to(device))
        with PeakMemory(device) as memory:
            literal.encode(window)
        return memory.grown
    product = _product(build, device, precision)
    with PeakMemory(device) as memory, autocast(device, choose_precision(precision, device)):
        product.encode(window)
    return memory.grown


def _precisions(setup: Setup) -> list[str]:
    return [*setup.precisions, "int8"] if setup.device.type == "cpu" else setup.precisions


def _row(
    what: str,
    timing: Timing,
    operations: float | None,
    grown: int | None,
    ratio: float | None = None,
    aim: str = "",
    note: str = "",
    details: dict[str, Any] | None = None,
) -> Row:
    parts = [] if operations is None else [f"{operations:.0f} GFLOP"]
    parts += [] if grown is None else [f"{grown / 1e6:.0f} MB at its peak"]
    parts += [note] if note else []
    figures: dict[str, Any] = {
        "gflop": operations,
        "peak_bytes": grown,
        "seconds": timing.to_dict(),
    }
    figures |= details or {}
    return Row(TITLE, what, timing.median, "s", ratio, aim, ", ".join(parts), figures)
