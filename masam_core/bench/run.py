"""Run the sections of a benchmark, and show what they found."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from rich import box
from rich.console import Console
from rich.table import Table

import masam_core
from masam_core.bench.growth import growth_rows
from masam_core.bench.job import job_rows
from masam_core.bench.length import length_rows
from masam_core.bench.loading import loading_rows
from masam_core.bench.queue import queue_rows
from masam_core.bench.refine import refine_rows
from masam_core.bench.rows import Row, Setup
from masam_core.bench.runtimes import runtime_rows
from masam_core.bench.scale import scale_rows
from masam_core.bench.start import start_rows
from masam_core.bench.tabs import tab_rows
from masam_core.bench.window import window_rows

SECTIONS: dict[str, Callable[[Setup], list[Row]]] = {
    "window": window_rows,
    "job": job_rows,
    "refine": refine_rows,
    "length": length_rows,
    "loading": loading_rows,
    "queue": queue_rows,
    "start": start_rows,
    "growth": growth_rows,
    "scale": scale_rows,
    "tabs": tab_rows,
    "runtimes": runtime_rows,
}
FILE_WIDTH = 150
BY_DEFAULT = ("window", "job", "refine", "length", "loading", "queue", "start")


def machine(device: torch.device) -> dict[str, Any]:
    """What it was run on."""
    return {
        "masam": masam_core.__version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "system": platform.system(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else str(device),
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text("utf-8", errors="replace").splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def show(rows: list[Row], console: Console) -> None:
    """A table for each section."""
    for title in dict.fromkeys(row.section for row in rows):
        table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", padding=(0, 1))
        for number, column in enumerate(("", "figure", "ratio", "aim", "")):
            right = 1 <= number <= 3
            table.add_column(column, justify="right" if right else "left", no_wrap=right)
        for row in rows:
            if row.section == title:
                ratio = "" if row.ratio is None else f"{row.ratio:.2f}x"
                table.add_row(row.what, figure(row), ratio, row.aim, row.note)
        console.print(table)


def figure(row: Row) -> str:
    """The value with its unit."""
    if row.value is None:
        return "-" if row.ratio is None else ""
    digits = 4 if abs(row.value) < 0.1 and row.unit == "s" else 3 if abs(row.value) < 10 else 1
    return f"{row.value:.{digits}f} {row.unit}".strip()
