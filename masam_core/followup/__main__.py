"""``python -m masam_core.followup JOB.json``: for panel and workbench, which read its lines.

JOB holds the fields of :class:`masam_core.followup.job.Job`; the events, one a line as JSON on
stdout, are those of :func:`masam_core.followup.job.carry_over`, or an ``error`` (message) or
``cancelled``. A line ``cancel`` on stdin, or its end, stops it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from masam_core.worker.told import Say, run_told


def main(path: str) -> int:
    """Carry lesions over; 0 at its end, 1 where it could not be done."""

    def work(values: Any, say: Say, stopped: Callable[[], bool]) -> None:
        from masam_core.followup.job import Job, carry_over

        carry_over(Job.from_dict(values), say, stopped)

    return run_told(path, work)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
