"""``python -m masam_core.batch SPEC.json``: a batch for Slicer's panel, which reads its lines.

SPEC holds the fields of :class:`masam_core.batch.spec.BatchSpec`; the events are those of
:func:`masam_core.batch.driver.run_spec`. On stdout comes one event a line, as JSON; an ``error``
(message) instead of ``end`` where the batch could not begin. A line ``cancel`` on stdin, or its
end, cancels after the window that is computed.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

from masam_core.errors import MasamError
from masam_core.image.readable import readable
from masam_core.threads import share_processor
from masam_core.worker.channel import private_stdout


def main(path: str) -> int:
    """Run the batch; 0 at its end, 1 where it could not begin."""
    share_processor()
    from masam_core.batch.driver import run_spec  # loads PyTorch
    from masam_core.batch.spec import BatchSpec

    wire = os.fdopen(private_stdout(), "w", encoding="ascii")
    stop = threading.Event()
    threading.Thread(target=_listen, args=(stop,), daemon=True).start()

    def say(event: dict[str, Any]) -> None:
        print(json.dumps(event), file=wire, flush=True)

    try:
        spec = BatchSpec.from_dict(json.loads(Path(path).read_text("utf-8")))
        run_spec(spec, say, stop.is_set)
    except (MasamError, OSError, ValueError) as error:
        say({"event": "error", "message": readable(error)})
        return 1
    return 0


def _listen(stop: threading.Event) -> None:
    for line in sys.stdin:
        if line.strip() == "cancel":
            break
    stop.set()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
