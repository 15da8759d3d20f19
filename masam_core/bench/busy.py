"""A lesion while other programs compute: threads that wait asleep, and threads that spin."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from masam_core.bench.rows import Row, Setup
from masam_core.bench.timing import Timing, clock
from masam_core.catalog.bundled import sample_data_dir
from masam_core.catalog.choice import ModelChoice
from masam_core.image.volume import Volume, read_volume
from masam_core.inference.options import SegmentOptions
from masam_core.prompts.boxes import BoxPrompt
from masam_core.prompts.roi import read_roi
from masam_core.threads import WAITING
from masam_core.worker.steps import ask_steps, segment_steps
from masam_core.worker.subprocess_transport import BlockingWorker

TITLE = "Beside other programs"
SLICES = 13
# What GNU's and Intel's OpenMP do by themselves: 300,000 looks at a barrier, or 200 ms, before a
# thread goes to sleep. Set by hand, both win over the policy that the worker sets.
SPINNING = {"GOMP_SPINCOUNT": "300000", "KMP_BLOCKTIME": "200"}
# Computes until its standard input is closed, also where this process is killed.
_BUSY = (
    "import os, sys, threading\n"
    "threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()\n"
    "print(flush=True)\n"
    "while True: pass\n"
)


def busy_rows(setup: Setup, count: int, choice: ModelChoice) -> list[Row]:
    """The sample volume's lesion in a worker, alone and beside processes that never rest.

    Both ways of waiting take turns, so that a machine that is busy anyway is so for both. Threads
    that spin beside busy processes may take minutes, so that is run once.

    Args:
        setup: its repeats and its voice.
        count: of busy processes.
        choice: the worker's model and device.
    """
    volume, box = sample()
    steps = (choice, volume, [("lesion", box)], SegmentOptions())
    seconds: dict[tuple[str, str], list[float]] = {}
    with ExitStack() as stack:
        ways = {
            "asleep": stack.enter_context(_worker({})),  # as it starts by itself
            "spinning": stack.enter_context(_worker(SPINNING)),
        }
        for worker in ways.values():
            worker.run(segment_steps(*steps))  # sends the volume; warms up
        for number in range(setup.repeats):
            for state, beside in (("idle", 0), ("busy", count)):
                setup.tell(f"{state}, run {number + 1} of {setup.repeats}")
                with busy_processes(beside):
                    for way, worker in ways.items():
                        if (way, state) == ("spinning", "busy") and number:
                            continue
                        worker.run(ask_steps("release", what="cache"))
                        once = clock(_segmenting(worker, steps), 1, warm_up=False)
                        seconds.setdefault((way, state), []).extend(once.seconds)
    timings = {key: Timing(tuple(values)) for key, values in seconds.items()}
    return _rows(timings, count, f"{SLICES} slices of the sample lesion, balanced, box to mask")


def sample() -> tuple[Volume, BoxPrompt]:
    """The sample MR, and the middle slices of its box."""
    folder = sample_data_dir() / "sarcoma_mr"
    volume = read_volume(folder / "image.nii.gz")
    box = read_roi(folder / "box.mrk.json", volume.geometry)[0]
    corners = box.corners_ijk.copy()
    first = round(corners[:, 2].mean()) - SLICES // 2
    corners[:, 2] = corners[:, 2].clip(first - 0.5, first + SLICES - 0.5)
    return volume, BoxPrompt(corners, box.name)


def _rows(timings: dict[tuple[str, str], Timing], count: int, note: str) -> list[Row]:
    rows = []
    beside = f"beside {count} busy process{'es' if count > 1 else ''}"
    for way, title in (("asleep", "threads asleep"), ("spinning", "threads that spin")):
        idle, busy = timings[way, "idle"], timings[way, "busy"]
        once = "" if way == "asleep" else "run once"
        for timing, what, own in ((idle, "alone", note), (busy, beside, once)):
            details = {"seconds": timing.to_dict()}
            rows.append(Row(TITLE, f"{title}, {what}", timing.median, note=own, details=details))
        aim = "2.5" if way == "asleep" else ""
        rows.append(
            Row(TITLE, f"{title}, {beside} over alone", busy.median / idle.median, "", aim=aim)
        )
    for state, what in (("idle", "alone"), ("busy", beside)):
        asleep, spinning = timings["asleep", state], timings["spinning", state]
        rows.append(
            Row(
                TITLE,
                f"asleep against spinning, {what}",
                None,
                ratio=spinning.median / asleep.median,
                aim="1x" if state == "idle" else "",
            )
        )
    return rows


def _segmenting(worker: BlockingWorker, steps: tuple[Any, ...]) -> Callable[[], object]:
    return lambda: worker.run(segment_steps(*steps))


@contextmanager
def _worker(waiting: dict[str, str]) -> Iterator[BlockingWorker]:
    told = (WAITING, *SPINNING)  # by the user, or by this process
    environment = {name: value for name, value in os.environ.items() if name not in told}
    worker = BlockingWorker([sys.executable, "-m", "masam_core.worker"], environment | waiting)
    try:
        yield worker
    finally:
        worker.close()


@contextmanager
def busy_processes(count: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Run so many processes that compute without rest, and end them with the block."""
    with ExitStack() as stack:
        processes = []
        for _ in range(count):
            process = subprocess.Popen(
                [sys.executable, "-c", _BUSY], stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
            stack.callback(process.wait)
            stack.callback(process.kill)
            processes.append(process)
        for process in processes:
            assert process.stdout is not None
            process.stdout.readline()
        yield processes
