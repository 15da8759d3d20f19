"""How the workbench grows with its tabs: each is a process of its own behind one front process.

The workbench is run as its command, for nothing here knows it; a stand-in is its worker.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
import threading
import time

import requests

from masam_core.bench.growth import slope_row
from masam_core.bench.rows import Row, Setup
from masam_core.errors import MasamError

TITLE = "How the workbench grows with tabs"
TABS = (1, 2, 4, 8)  # more it does not open
START_SECONDS, ANSWER_SECONDS, END_SECONDS = 120.0, 120.0, 60.0
_WORKER = shlex.join([sys.executable, "-c", "import sys; sys.stdin.buffer.read()"])


def tab_rows(setup: Setup) -> list[Row]:
    """Seconds of opening so many tabs, of the pages of all, and of ending all, with their slopes;
    one row that says why where there is no workbench."""
    found: dict[str, list[float]] = {}
    for count in TABS:
        setup.tell(f"a workbench with {count} tabs")
        try:
            steps = _steps(count)
        except (MasamError, OSError) as error:
            return [Row(TITLE, f"{count} tabs", None, note=str(error))]
        for step, seconds in steps.items():
            found.setdefault(step, []).append(seconds)
    return [
        row
        for step, seconds in found.items()
        for row in (
            Row(TITLE, f"{step}, {TABS[-1]} tabs", seconds[-1], details={"each": seconds}),
            slope_row(TITLE, f"{step}, over tabs", TABS, seconds),
        )
    ]


def _steps(count: int) -> dict[str, float]:
    """Seconds of each step with so many tabs, of the clock."""
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "masam_core", "workbench", "--no-browser"),
                *("--worker", _WORKER),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "MASAM_HOME": folder},
        )
        try:
            address = _address(process)
            began = time.perf_counter()
            pages = [_get(requests.Session(), address) for _ in range(count)]
            opened = time.perf_counter()
            for session, page in pages:
                _get(session, page)
            listed = time.perf_counter()
            process.terminate()
            process.wait(END_SECONDS)
            ended = time.perf_counter()
        except subprocess.TimeoutExpired as error:
            raise MasamError("The workbench did not end.") from error
        except requests.RequestException as error:
            raise MasamError(f"The workbench did not answer ({type(error).__name__}).") from error
        finally:
            process.kill()
            process.communicate()
    return {
        "tabs opened": opened - began,
        "pages of all tabs asked for": listed - opened,
        "all tabs ended": ended - listed,
    }


def _address(process: subprocess.Popen[str]) -> str:
    """What it prints once it listens; MasamError with its words where it ends or is silent."""
    assert process.stdout is not None
    late = threading.Timer(START_SECONDS, process.kill)
    late.start()
    said = []
    try:
        for line in process.stdout:
            if found := re.search(r"http://\S+", line):
                return found[0]
            said.append(line.strip())
    finally:
        late.cancel()
    words = " ".join(filter(None, said))
    raise MasamError(f"The workbench did not start: {words[:300] or 'it said nothing'}")


def _get(session: requests.Session, address: str) -> tuple[requests.Session, str]:
    """Fetch a page; where it was in the end."""
    answer = session.get(address, timeout=ANSWER_SECONDS)
    answer.raise_for_status()
    return session, answer.url
