"""Batches that are killed at some moment: gone on with, every case is there once."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from masam_core.batch import driver
from masam_core.batch.spec import BatchSpec
from masam_core.image.volume import read_labels
from masam_core.whole import require_whole
from Testing.fuzz.injection import Injection, Kind, Place
from Testing.fuzz.kinds.images import image
from Testing.fuzz.kinds.prompts import MARKUP
from Testing.fuzz.oracle import Lost, Wrong
from Testing.fuzz.quick_worker import Filled

NAMES = ("a", "b", "c")
MOST_SECONDS = 60.0


def _files() -> dict[str, bytes]:
    roi = json.dumps({"markups": [MARKUP]}).encode()
    files = {f"scans/{name}.nrrd": image("a.nrrd") for name in NAMES}
    return files | {f"scans/{name}.mrk.json": roi for name in NAMES}


def _kills() -> st.SearchStrategy[Injection]:
    moments = st.lists(st.floats(0, 1.1), min_size=1, max_size=2)
    return moments.map(lambda at: Injection(_files(), "scans", settings={"moments": at}))


def _batch(place: Place) -> None:
    """Run the batch in this process, with a model that is quick."""
    driver.open_segmenter = lambda *_: contextlib.nullcontext(Filled())  # type: ignore[assignment]
    # With a worker the model's file plays no part; it is never started.
    spec = BatchSpec(place.target, place.results / "out", format=".nii.gz", worker=("none",))
    driver.run_spec(spec, lambda event: None, lambda: False)


def _apart(work: Callable[[], None], seconds: float) -> int:
    """Run in a copy of this process, killed after so many seconds; its exit code, -9 if killed."""
    child = os.fork()
    if not child:
        code = 1
        try:
            os.setsid()
            work()
            code = 0
        finally:
            sys.stderr.flush()
            os._exit(code)
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@cache
def _seconds() -> list[float]:
    """How long a whole run takes; filled with the first."""
    return [2.0]


def kill(place: Place, injection: Injection) -> Any:
    """Kill a batch once or twice, and run it to its end."""
    for moment in injection.settings["moments"]:
        _apart(lambda: _batch(place), moment * _seconds()[-1])
    began = time.monotonic()
    code = _apart(lambda: _batch(place), MOST_SECONDS)
    _seconds().append(max(0.2, time.monotonic() - began))
    if code:
        raise Wrong(f"the batch that goes on ended with {code}")
    out = place.results / "out"
    with (out / "measurements.csv").open(newline="", encoding="utf-8-sig") as file:
        rows = [(row["case"], row["status"]) for row in csv.DictReader(file)]
    if Counter(rows) != Counter((name, "done") for name in NAMES):
        raise Lost(f"the table holds {rows}")
    for name in NAMES:
        path = _one(out, name)
        require_whole(path)
        if not read_labels(path)[0].any():
            raise Lost(f"the mask of {name} is empty")
    return None


def _one(out: Path, name: str) -> Path:
    found = [p for p in out.rglob(f"{name}*.nii.gz") if not p.name.startswith(".")]
    if len(found) != 1:
        raise Lost(f"the masks of {name}: {[p.name for p in found]}")
    return found[0]


KINDS = (Kind("killed batches", _kills(), kill, names_target=False, seconds=120.0, cost=60.0),)
