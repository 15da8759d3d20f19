"""Progress of a batch on stderr."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from masam_core.cli.terminal import plain, progress

if TYPE_CHECKING:
    from masam_core.batch.queue import BatchQueue


class Bar:
    """Progress on stderr, with the time that the rest will take."""

    def __init__(self, queue: BatchQueue, quiet: bool) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, TimeRemainingColumn

        self._queue = queue
        self._progress = progress(
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            quiet=quiet or not sys.stderr.isatty(),
            transient=True,
        )
        self._task = self._progress.add_task("", total=len(queue.cases))

    def __enter__(self) -> Bar:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def on_case(self, name: str, status: str, message: str) -> None:
        """A case has begun or ended."""
        ended = self._queue.count("done") + self._queue.count("failed")
        self._progress.update(self._task, completed=ended, description=plain(name))
        if status == "failed":
            self._progress.console.print(f"{name}: {message}", style="red")

    def on_progress(self, name: str, fraction: float, text: str) -> None:
        """Within a case."""
        self._progress.update(self._task, description=plain(f"{name}: {text}"))
