"""Small images with a box each, a worker that is quick, and what became of the cases."""

from __future__ import annotations

import csv
import os
import shlex
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import SimpleITK as sitk

ROOT = Path(__file__).resolve().parents[3]


def write_images(folder: Path, count: int) -> Path:
    """A folder of images ``case0``, ``case1``, ... and label images."""
    folder.mkdir()
    array = np.arange(6 * 7 * 8, dtype=np.int16).reshape(6, 7, 8)
    labels = np.zeros_like(array, np.uint8)
    labels[1:4, 2:5, 3:7] = 1
    sitk.WriteImage(sitk.GetImageFromArray(labels), str(folder / "case0_label.nii.gz"))
    for number in range(count):
        image = sitk.GetImageFromArray(array + number)
        sitk.WriteImage(image, str(folder / f"case{number}.nii.gz"))
        if number:
            shutil.copy(folder / "case0_label.nii.gz", folder / f"case{number}_label.nii.gz")
    return folder


def environment(**more: str) -> dict[str, str]:
    """Variables of processes that are started."""
    return {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "COLUMNS": "200",
        "OMP_NUM_THREADS": "1",
        **more,
    }


def held_worker(folder: Path) -> str:
    """Command of a worker that is held while ``folder/hold`` is there."""
    script = ROOT / "Testing" / "core" / "cluster" / "held_worker.py"
    return shlex.join([sys.executable, str(script), str(folder / "journal"), str(folder / "hold")])


def begun(folder: Path) -> int:
    """How many cases the workers have begun."""
    journal = folder / "journal"
    return len(journal.read_text().splitlines()) if journal.exists() else 0


def wait_for(ready: Callable[[], bool], seconds: float = 240.0) -> None:
    """Wait until something is so; AssertionError if it never is."""
    until = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < until, "it did not come"
        time.sleep(0.05)


def rows_of(out: Path) -> dict[str, str]:
    """Status of each case in the table, in which each stands once."""
    with (out / "measurements.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    found = {row["case"]: row["status"] for row in rows}
    assert len(found) == len(rows)
    return found


def times_done(out: Path) -> dict[str, int]:
    """How often each case was done, by its log."""
    return {p.stem: p.read_text().count("Done in") for p in sorted((out / "logs").glob("*.log"))}
