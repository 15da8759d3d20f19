"""A lesion beside busy processes: what is measured, and that they end."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace

import pytest

from masam_core.bench import busy as module
from masam_core.bench.busy import SPINNING, busy_processes, busy_rows, sample
from masam_core.bench.rows import Setup
from masam_core.catalog.choice import ModelChoice

psutil = pytest.importorskip("psutil", reason="the extra 'bench' is not installed")


def test_the_sample_is_thirteen_slices() -> None:
    volume, box = sample()
    drawn = box.slice_boxes(volume.geometry.canonical_frame())
    assert drawn.last_slice - drawn.first_slice + 1 == 13


def test_busy_processes_compute_and_are_gone_after_the_block() -> None:
    with busy_processes(2) as processes:
        watched = [psutil.Process(process.pid) for process in processes]
        before = [process.cpu_times().user for process in watched]
        deadline = time.monotonic() + 60
        while any(
            process.cpu_times().user <= began
            for process, began in zip(watched, before, strict=True)
        ):
            assert time.monotonic() < deadline
            time.sleep(0.01)
    assert all(process.poll() is not None for process in processes)


def test_busy_processes_end_with_the_one_that_started_them() -> None:
    code = (
        "import os\n"
        "from masam_core.bench.busy import busy_processes\n"
        "with busy_processes(1) as (process,):\n"
        "    print(process.pid, flush=True)\n"
        "    os._exit(0)\n"  # as if it had been killed
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    with suppress(psutil.NoSuchProcess):
        psutil.Process(int(done.stdout)).wait(60)


class Worker:
    """A worker that answers at once, and how often it was asked for what."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = environment
        self.asked: list[str] = []

    def run(self, steps: object) -> None:
        self.asked.append(next(steps).type)  # type: ignore[call-overload]

    def close(self) -> None:
        self.asked.append("close")


def test_both_ways_of_waiting_are_measured_alone_and_beside(
    setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    workers: list[Worker] = []
    beside: list[int] = []

    def start(command: list[str], environment: dict[str, str]) -> Worker:
        workers.append(Worker(environment))
        return workers[-1]

    def clock(work: object, repeats: int, warm_up: bool) -> module.Timing:
        work()  # type: ignore[operator]
        number = sum(len(worker.asked) for worker in workers)
        return module.Timing((float(number),))

    original = module.busy_processes

    def counted(count: int) -> object:
        beside.append(count)
        return original(0)

    monkeypatch.setattr(module, "BlockingWorker", start)
    monkeypatch.setattr(module, "clock", clock)
    monkeypatch.setattr(module, "busy_processes", counted)
    rows = {row.what: row for row in busy_rows(replace(setup, repeats=2), 2, ModelChoice())}
    assert beside == [0, 2, 0, 2]
    product, spinning = (worker.environment for worker in workers)
    assert not {"OMP_WAIT_POLICY", *SPINNING} & set(product)  # the worker says it by itself
    assert SPINNING.items() <= spinning.items()
    # Warmed up; then each time without what was computed before. Spinning beside others: once.
    for worker, runs in zip(workers, (4, 3), strict=True):
        assert worker.asked == ["load_model", *["release", "load_model"] * runs, "close"]
    # Runs of the first worker end after 4 and 12 requests alone, 8 and 16 beside the others.
    assert rows["threads asleep, alone"].value == 8
    assert rows["threads asleep, beside 2 busy processes"].value == 12
    assert rows["threads asleep, beside 2 busy processes over alone"].value == 12 / 8
    assert rows["threads asleep, beside 2 busy processes over alone"].aim == "2.5"
    assert rows["threads that spin, beside 2 busy processes"].value == 10
    assert rows["threads that spin, beside 2 busy processes"].note == "run once"
    assert rows["asleep against spinning, alone"].ratio == 10 / 8
    assert rows["asleep against spinning, beside 2 busy processes"].ratio == 10 / 12
