"""The worker's pipes for a program that runs on asyncio: nothing ever waits."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from masam_core.process_tree import kill_tree
from masam_core.worker.subprocess_transport import SubprocessTransport


class LoopTransport(SubprocessTransport):
    """Pipes to a child process; what it says is delivered on the event loop.

    Bytes are written by a thread: a worker that is still loading its libraries reads nothing, and
    the views must go on meanwhile.

    Args:
        command: program and arguments.
        environment: of the process.
        loop: where the callbacks run.
    """

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        super().__init__(command, environment)
        self._loop = loop
        self._outgoing: queue.Queue[bytes | None] = queue.Queue()

    def start(self) -> None:
        """Start the process; OSError when it can't be started."""
        super().start()
        threading.Thread(target=self._send, daemon=True).start()

    def write(self, data: bytes) -> None:
        """Send bytes to its standard input, in order, a little later."""
        self._outgoing.put(data)

    def stop(self) -> None:
        """End the process with everything that it has started: it may be a launcher."""
        self._outgoing.put(None)
        process = self.process
        if process is None:
            return
        # Its input may be in the hands of the writing thread, so it is not closed but ended.
        threading.Thread(target=self._end, daemon=True).start()

    def deliver(self, kind: str, data: Any) -> None:
        """Pass on what a reading thread has got."""
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self.dispatch, kind, data)

    def call_later(self, seconds: float, call: Callable[[], None]) -> None:
        """Call once after so long, on the event loop."""
        self._loop.call_later(seconds, call)

    def _send(self) -> None:
        while (data := self._outgoing.get()) is not None:
            try:
                super().write(data)
            except (OSError, ValueError):
                return  # the process has ended: the reading threads say so

    def _end(self) -> None:
        assert self.process is not None
        if self.process.poll() is None:
            kill_tree(self.process.pid)
        self.process.wait()
