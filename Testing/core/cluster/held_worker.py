"""The quick worker, which keeps a journal and can be made to wait. Run as a process.

Arguments: a journal, to which it adds a line for each case that it begins (its process, and the one
that started it), and a file that holds a
number: while that is there, no more cases than that are computed.
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


class Held(Quick):
    """Quick, once it may."""

    def _segment(self, message: Any, send: Any, cancelled: Any) -> dict[str, Any]:
        with JOURNAL.open("a") as file:
            file.write(f"{os.getpid()} {os.getppid()}\n")
        while _over() and not cancelled():
            time.sleep(0.02)
        return super()._segment(message, send, cancelled)


def _over() -> bool:
    try:
        return len(JOURNAL.read_text().splitlines()) > int(HOLD.read_text())
    except FileNotFoundError:
        return False


if __name__ == "__main__":
    serve(Held())
