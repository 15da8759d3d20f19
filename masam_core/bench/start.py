"""How soon one can begin: imports, the worker with the bundled model, a large volume sent to it."""

from __future__ import annotations

import statistics
import subprocess
import sys

import numpy as np

from masam_core.bench.rows import Row, Setup
from masam_core.bench.timing import clock
from masam_core.catalog.choice import ModelChoice
from masam_core.image.geometry import Geometry
from masam_core.image.volume import Volume
from masam_core.worker.steps import ask_steps, put_volume_steps
from masam_core.worker.subprocess_transport import BlockingWorker

TITLE = "Starting"
LARGE = (800, 512, 512)


def start_rows(setup: Setup) -> list[Row]:
    """Seconds from nothing to ready."""
    setup.tell("imports")
    core = _import("import masam_core", setup.repeats)
    torch_alone = _import("import torch", setup.repeats)
    command = [sys.executable, "-m", "masam_core.worker"]
    choice = ModelChoice(device=str(setup.device)).fields()

    def begin() -> None:
        worker = BlockingWorker(command)
        worker.run(ask_steps("load_model", **choice))
        worker.close()

    setup.tell("worker with the bundled model")
    ready = clock(begin, setup.repeats).median
    setup.tell("a volume of 512 x 512 x 800 to the worker")
    rng = np.random.default_rng(0)
    worker = BlockingWorker(command)
    worker.run(ask_steps("load_model", **choice))
    geometry = Geometry.from_spacing(LARGE, (0.8, 0.8, 1.0), (0.0, 0.0, 0.0))
    seconds = []
    for _ in range(setup.repeats):
        values = rng.integers(-1000, 1000, LARGE, dtype=np.int16)
        volume = Volume(values, geometry, "CT", "large")
        seconds.append(clock(lambda v=volume: worker.run(put_volume_steps(v)), 1, False).median)  # type: ignore[misc]
        worker.run(ask_steps("release", what="volumes"))
    worker.close()
    return [
        Row(TITLE, "import masam_core", core, aim="0.3 s"),
        Row(TITLE, "import torch", torch_alone),
        Row(
            TITLE,
            "worker ready, beyond torch's import",
            ready - torch_alone,
            aim="1 s",
            note=f"bundled model loaded; {ready:.2f} s from the process's start to its end",
        ),
        Row(
            TITLE,
            "512 x 512 x 800 int16 to the worker",
            statistics.median(seconds),
            aim="2 s",
            note="420 MB, hashed and sent",
        ),
    ]


def _import(statement: str, repeats: int) -> float:
    """Median seconds of an import, by the clock of a fresh process."""
    code = (
        f"import time\nbegan = time.perf_counter()\n{statement}\nprint(time.perf_counter() - began)"
    )
    run = [sys.executable, "-c", code]
    seconds = [
        float(subprocess.run(run, check=True, capture_output=True, text=True).stdout)
        for _ in range(repeats + 1)
    ]
    return statistics.median(seconds[1:])
