"""``python -m masam_core.improve SPEC.json``: for panel and workbench, which read its lines.

SPEC holds the fields of :class:`masam_core.improve.spec.ImproveSpec`; the events, one a line as
JSON on stdout, are those of :func:`masam_core.improve.run.improve`, or an ``error`` (message). A
line ``cancel`` on stdin, or its end, stops it. After the outcome it waits: a line ``keep NAME``
keeps the new model under that name, the end of stdin leaves everything as it was.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
from pathlib import Path
from typing import Any

from masam_core.errors import MasamError
from masam_core.image.readable import readable
from masam_core.threads import share_processor
from masam_core.worker.channel import private_stdout


def main(path: str) -> int:
    """Improve; 0 at its end, 1 where it could not be done."""
    share_processor()
    from masam_core.improve.run import improve, keep
    from masam_core.improve.spec import ImproveSpec

    wire = os.fdopen(private_stdout(), "w", encoding="ascii")
    stop = threading.Event()
    words: queue.Queue[str] = queue.Queue()
    threading.Thread(target=_listen, args=(stop, words), daemon=True).start()
    model = ""

    def say(event: dict[str, Any]) -> None:
        nonlocal model
        model = event.get("model", model)
        print(json.dumps(event), file=wire, flush=True)

    try:
        spec = ImproveSpec.from_dict(json.loads(Path(path).read_text("utf-8")))
        if not improve(spec, say, stop.is_set):
            return 0
    except (MasamError, OSError, ValueError) as error:
        say({"event": "error", "message": readable(error)})
        return 1
    while (name := words.get()) and not stop.is_set():
        keep(model, name, say)
    return 0


def _listen(stop: threading.Event, words: queue.Queue[str]) -> None:
    for line in sys.stdin:
        said, _, name = line.strip().partition(" ")
        if said == "cancel":
            break
        if said == "keep" and name.strip():
            words.put(name.strip())
    stop.set()
    words.put("")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
