"""One section, as a process of its own: ``python -m Testing.gpu.sections NAME DEVICE [--small]``.

Prints each finding as it comes, as a JSON object on a line.
"""

from __future__ import annotations

import importlib.util
import json
import platform
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import torch

from masam_core.bench.length import length_rows
from masam_core.bench.rows import Row, Setup
from masam_core.bench.run import SECTIONS as BENCH
from masam_core.bench.run import machine
from masam_core.bench.scale import scale_rows
from masam_core.inference.device import choose_device, choose_precision
from masam_core.installation.gpu import driver_cards
from Testing.gpu.agreement import precision_rows
from Testing.gpu.memory import memory_rows
from Testing.gpu.recording import graph_rows
from Testing.gpu.subjects import Run, Subject
from Testing.gpu.suite import suite_rows

PACKAGES = ("SimpleITK", "pytest", "hypothesis", "lightning_fabric", "monai", "segment_anything")


def bench_rows(run: Run, subject: Subject) -> Iterator[Row]:
    """Run a window, a lesion and, if `masam bench` has it, a correction."""
    for name in ("window", "job", "refine"):
        if name in BENCH:
            yield from _named(subject, BENCH[name](run.setup(subject)))
        else:
            yield Row(f"{subject.name}: {name}", "not measured", None, note="masam bench lacks it")


def other_bench_rows(run: Run, measure: Callable[[Setup], list[Row]]) -> Iterator[Row]:
    """Another part of `masam bench`, with ViT-B."""
    subject = run.vit_b()
    if run.small:
        yield Row("small", "not run", None, note="it has no small form")
        return
    yield from _named(subject, measure(run.setup(subject)))


def facts(run: Run) -> dict[str, Any]:
    """Machine, card, driver, and what is installed."""
    found = machine(run.device)
    found |= {
        "model": "bundled, and vit_b at 512 with random weights",
        "platform": platform.platform(),
        "precision": str(choose_precision("auto", run.device)).removeprefix("torch."),
        "driver": list(driver_cards()),
        "tf32": {
            "matmul": torch.backends.cuda.matmul.allow_tf32,
            "cudnn": torch.backends.cudnn.allow_tf32,
        },
        "missing": [name for name in PACKAGES if importlib.util.find_spec(name) is None],
    }
    if run.on_cuda:
        card = torch.cuda.get_device_properties(run.device)
        found |= {
            "card": card.name,
            "card_bytes": card.total_memory,
            "capability": f"{card.major}.{card.minor}",
            "cuda": torch.version.cuda,
            "cudnn": torch.backends.cudnn.version(),
        }
    return found


def rows_of(name: str, run: Run) -> Iterator[Row]:
    """Findings of a section, one by one."""
    sections: dict[str, Callable[[], Iterator[Row]]] = {
        "suite": suite_rows,
        "bundled": lambda: bench_rows(run, run.bundled()),
        "vit_b": lambda: bench_rows(run, run.vit_b()),
        "graphs": lambda: graph_rows(run),
        "precisions": lambda: precision_rows(run),
        "memory": lambda: memory_rows(run),
        "length": lambda: other_bench_rows(run, length_rows),
        "scale": lambda: other_bench_rows(run, scale_rows),
    }
    return sections[name]()


def _named(subject: Subject, rows: list[Row]) -> list[Row]:
    return [replace(row, section=f"{subject.name}: {row.section}") for row in rows]


def main(arguments: list[str]) -> None:
    """Run a section and print what it finds."""
    name, device, *rest = arguments
    chosen = choose_device(device)
    if chosen.type == "cuda" and chosen.index is None:  # some of torch.cuda asks for the number
        chosen = torch.device("cuda", torch.cuda.current_device())
    run = Run(chosen, "--small" in rest)
    if name == "machine":
        print(json.dumps({"machine": facts(run)}), flush=True)
        return
    for row in rows_of(name, run):
        print(json.dumps({"row": row.to_dict()}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
