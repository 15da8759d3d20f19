"""A worker process that outlives a panel: the next one goes on with it, as tabs of a workbench do.

Starting one, loading the model and looking at the same image again is most of what a test with a
real worker would wait for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from masam_core.worker.protocol import Decoder


class KeptWorkers:
    """Those that nobody uses now, each of which has answered all that it was asked."""

    def __init__(self) -> None:
        self._free: list[_Process] = []

    def borrow(self, make: Callable[[], Any]) -> Borrowed:
        """A transport for one client; ``make`` gives a process where none is free."""
        return Borrowed(self, make)

    def take(self, make: Callable[[], Any]) -> _Process:
        """One that runs; OSError where it can't be started."""
        while self._free:
            found = self._free.pop()
            if found.runs:
                return found
        return _Process(make())

    def give(self, process: _Process) -> None:
        """Nobody uses it any more; one that is at work still is ended."""
        if process.runs and process.isIdle:
            self._free.append(process)
        else:
            process.transport.stop()

    def close(self) -> None:
        """End them."""
        while self._free:
            self._free.pop().transport.stop()


class Borrowed:
    """See ``masam_core.worker.client.Transport``."""

    def __init__(self, kept: KeptWorkers, make: Callable[[], Any]) -> None:
        self._kept, self._make = kept, make
        self._process: _Process | None = None
        self.on_output: Callable[[bytes], None] = lambda _: None
        self.on_log: Callable[[bytes], None] = lambda _: None
        self.on_closed: Callable[[int | None], None] = lambda _: None

    def start(self) -> None:
        self._process = self._kept.take(self._make)
        self._process.user = self

    def write(self, data: bytes) -> None:
        if self._process is not None:
            self._process.write(data)

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.user = None
            self._kept.give(process)

    def call_later(self, seconds: float, call: Callable[[], None]) -> None:
        if self._process is not None:
            self._process.transport.call_later(seconds, call)


class _Process:
    """A process that was started, and how many of its requests have no answer yet."""

    def __init__(self, transport: Any) -> None:
        self.transport, self.user = transport, None  # type: Any, Borrowed | None
        self.runs = True
        self._asked, self._answered, self._open = Decoder(), Decoder(), 0
        transport.on_output, transport.on_log = self._onOutput, self._onLog
        transport.on_closed = self._onClosed
        transport.start()

    @property
    def isIdle(self) -> bool:
        return self._open == 0

    def write(self, data: bytes) -> None:
        self._open += sum(1 for _ in self._asked.feed(data))
        self.transport.write(data)

    def _onOutput(self, data: bytes) -> None:
        messages: list[Any] = list(self._answered.feed(data))
        self._open -= sum(message["type"] in ("ok", "error") for message in messages)
        if self.user is not None:
            self.user.on_output(data)

    def _onLog(self, data: bytes) -> None:
        if self.user is not None:
            self.user.on_log(data)

    def _onClosed(self, code: int | None) -> None:
        self.runs = False
        if self.user is not None:
            self.user.on_closed(code)
