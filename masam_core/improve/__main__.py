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

from masam_core.batch.lock import FolderLock
from masam_core.errors import ConfigError, MasamError
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
        alone = _alone(spec.data)
    except (MasamError, OSError, ValueError) as error:
        say({"event": "error", "message": readable(error)})
        return 1
    try:
        if not improve(spec, say, stop.is_set):
            return 0
        while (name := words.get()) and not stop.is_set():
            keep(model, name, say)
        return 0
    except (MasamError, OSError, ValueError, RuntimeError, MemoryError, ImportError) as error:
        say({"event": "error", "message": _in_words(error)})
        return 1
    finally:
        alone.release()


def _alone(data: Path) -> FolderLock:
    """Hold the data and the new model until the user has decided, and has seen no other's table."""
    place = data.with_name(f"{data.name}.lock")  # beside it: a new data folder must be empty
    place.mkdir(parents=True, exist_ok=True)
    try:
        return FolderLock(place)
    except ConfigError as error:
        raise ConfigError(
            "The model is being improved in another window or tab. Finish or close that one first: "
            "what it compares would change."
        ) from error


def _in_words(error: BaseException) -> str:
    if isinstance(error, MemoryError) or "out of memory" in str(error).lower():
        return (
            "The memory is not enough for training. Choose the processor as the device, or close "
            "what else uses it."
        )
    return readable(str(error) or type(error).__name__)


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
