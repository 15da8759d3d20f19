"""The quick worker, which keeps a journal and can be made to wait. Run as a process.

Arguments: a journal, to which it adds a line for each case that it begins (its process, and the one
that started it), and a file that holds a number: while that is there, this worker computes so many
cases and is held at the next one, whatever others do.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

from masam_core.worker.server import serve
from Testing.core.worker.quick import Quick

JOURNAL, HOLD = (Path(word) for word in sys.argv[1:3])
STARTER = os.getppid()  # now: later it may have died, and another process be the parent


class Held(Quick):
    """Quick, once it may."""

    count = 0  # of cases begun

    def _segment(self, message: Any, send: Any, cancelled: Any) -> dict[str, Any]:
        self.count += 1
        with JOURNAL.open("a") as file:
            file.write(f"{os.getpid()} {STARTER}\n")
        while _held(self.count) and not cancelled():
            time.sleep(0.02)
        return super()._segment(message, send, cancelled)


def _held(number: int) -> bool:
    try:
        return number > int(HOLD.read_text())
    except FileNotFoundError:
        return False


if __name__ == "__main__":
    serve(Held())
