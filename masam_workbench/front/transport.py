"""The worker's pipes for a program that runs on asyncio: nothing ever waits."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from masam_core.process_tree import kill_tree
from masam_core.worker.subprocess_transport import SubprocessTransport


class LoopTransport(SubprocessTransport):
    """Pipes to a child process; what it says is delivered on the event loop.

    Args:
        command: program and arguments.
        environment: of the process.
        loop: where the callbacks run.

    Attributes:
        onStart: called with the number of the process.
    """

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        super().__init__(command, environment)
        self._loop = loop
        self._ending: threading.Thread | None = None
        self.onStart: Callable[[int], None] = lambda _: None

    def start(self) -> None:
        """Start the process; OSError when it can't be started."""
        super().start()
        assert self.process is not None
        self.onStart(self.process.pid)

    def stop(self) -> None:
        """End the process with everything that it has started: it may be a launcher."""
        if self.process is None:
            return
        self._ending = threading.Thread(target=self._end, daemon=True)
        self._ending.start()

    def ended(self) -> None:
        """Wait until a process that was stopped has ended."""
        if self._ending is not None:
            self._ending.join()

    def deliver(self, kind: str, data: Any) -> None:
        """Pass on what a reading thread has got."""
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self.dispatch, kind, data)

    def call_later(self, seconds: float, call: Callable[[], None]) -> None:
        """Call once after so long, on the event loop."""
        self._loop.call_later(seconds, call)

    def _end(self) -> None:
        assert self.process is not None
        if self.process.poll() is None:
            kill_tree(self.process.pid)
        self.process.wait()  # then the thread that writes ends, too
