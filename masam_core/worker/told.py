"""A process that a front end starts for one job, and reads the lines of."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from masam_core.errors import Cancelled, MasamError
from masam_core.image.readable import readable
from masam_core.threads import share_processor
from masam_core.worker.channel import private_stdout

Say = Callable[[dict[str, Any]], None]


def run_told(path: str, work: Callable[[Any, Say, Callable[[], bool]], object]) -> int:
    """Do a job; 0 at its end, 1 where it could not be done.

    Events go to stdout, one a line as JSON: those of ``work``, or ``error`` (message), or
    ``cancelled`` where it raises Cancelled. A line ``cancel`` on stdin, or its end, asks to stop.

    Args:
        path: file with the job as JSON.
        work: called with what the file holds, with a function that says an event, and with one
            that says whether to stop.
    """
    share_processor()
    wire = os.fdopen(private_stdout(), "w", encoding="ascii")
    stop = threading.Event()
    threading.Thread(target=_listen, args=(stop,), daemon=True).start()

    def say(event: dict[str, Any]) -> None:
        print(json.dumps(event), file=wire, flush=True)

    try:
        work(json.loads(Path(path).read_text("utf-8")), say, stop.is_set)
    except Cancelled:
        say({"event": "cancelled"})
    except (MasamError, OSError, ValueError) as error:
        say({"event": "error", "message": readable(error)})
        return 1
    return 0


def _listen(stop: threading.Event) -> None:
    for line in sys.stdin:
        if line.strip() == "cancel":
            break
    stop.set()
