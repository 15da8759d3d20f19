"""``python -m masam_core.batch SPEC.json``: a batch for Slicer's panel, which reads its lines.

SPEC holds the fields of :class:`masam_core.batch.spec.BatchSpec`; the events are those of
:func:`masam_core.batch.driver.run_spec`. On stdout comes one event a line, as JSON; an ``error``
(message) instead of ``end`` where the batch could not begin. A line ``cancel`` on stdin, or its
end, cancels after the window that is computed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from masam_core.worker.told import Say, run_told


def main(path: str) -> int:
    """Run the batch; 0 at its end, 1 where it could not begin."""

    def work(values: Any, say: Say, stopped: Callable[[], bool]) -> None:
        from masam_core.batch.driver import run_spec  # loads PyTorch
        from masam_core.batch.spec import BatchSpec

        run_spec(BatchSpec.from_dict(values), say, stopped)

    return run_told(path, work)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
