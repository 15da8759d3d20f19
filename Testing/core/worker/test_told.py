"""A process for one job of a front end: its lines, its end, and how it is stopped."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import sys
from masam_core.errors import BoxError, Cancelled
from masam_core.worker.told import run_told

def work(values, say, stopped):
    print("a library chatters")  # must not come between the events
    say({"event": "begun", "values": values})
    if values == "wait":
        while not stopped():
            pass
        raise Cancelled
    if values == "fail":
        raise BoxError("The box is flat.")

sys.exit(run_told(sys.argv[1], work))
"""


@pytest.mark.parametrize(
    ("values", "last", "code"),
    [
        ("go", {"event": "begun", "values": "go"}, 0),
        ("wait", {"event": "cancelled"}, 0),
        ("fail", {"event": "error", "message": "The box is flat."}, 1),
    ],
)
def test_events_are_lines_and_a_word_stops_it(
    tmp_path: Path, values: str, last: dict[str, str], code: int
) -> None:
    job = tmp_path / "job.json"
    job.write_text(json.dumps(values), "utf-8")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(job)],
        input="cancel\n",
        capture_output=True,
        text=True,
        timeout=60,
    )
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert events[0] == {"event": "begun", "values": values}
    assert (events[-1], done.returncode) == (last, code)
