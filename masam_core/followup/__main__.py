"""``python -m masam_core.followup JOB.json``: for panel and workbench, which read its lines.

JOB holds the fields of :class:`masam_core.followup.job.Job`; the events, one a line as JSON on
stdout, are those of :func:`masam_core.followup.job.carry_over`, or an ``error`` (message) or
``cancelled``. A line ``cancel`` on stdin, or its end, stops it.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

from masam_core.errors import Cancelled, MasamError
from masam_core.image.readable import readable
from masam_core.threads import share_processor
from masam_core.worker.channel import private_stdout


def main(path: str) -> int:
    """Carry lesions over; 0 at its end, 1 where it could not be done."""
    share_processor()
    from masam_core.followup.job import Job, carry_over

    wire = os.fdopen(private_stdout(), "w", encoding="ascii")
    stop = threading.Event()
    threading.Thread(target=_listen, args=(stop,), daemon=True).start()

    def say(event: dict[str, Any]) -> None:
        print(json.dumps(event), file=wire, flush=True)

    try:
        job = Job.from_dict(json.loads(Path(path).read_text("utf-8")))
        carry_over(job, say, stop.is_set)
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


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
