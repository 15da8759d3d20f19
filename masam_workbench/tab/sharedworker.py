"""The worker that all tabs share, as this tab's session sees it: a transport like any other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from masam_core.worker.protocol import Message, encode
from masam_workbench.front.link import END, FORGET, WORKER, TabLink


class SharedWorker:
    """The front process's worker, which is asked over the link.

    Args:
        link: to the front process; heard from now on.
        loop: of the tab.

    Attributes:
        pid: of the worker's process; 0 where it is not known.
    """

    def __init__(self, link: TabLink, loop: asyncio.AbstractEventLoop) -> None:
        self._link, self._loop = link, loop
        self._transport: SharedTransport | None = None
        self.pid = 0
        link.hear = self._hear

    def transport(self) -> SharedTransport:
        """What a session asks through; it takes the place of the one before."""
        self._transport = SharedTransport(self._link, self._loop)
        return self._transport

    def _hear(self, message: Message) -> None:
        if message["type"] == WORKER:
            self.pid = int(message["pid"])
        elif message["type"] != END and self._transport is not None:
            self._transport.on_output(encode(message))


class SharedTransport:
    """Frames to the front process, and back.

    Args:
        link: to it.
        loop: where the callbacks run.
    """

    def __init__(self, link: TabLink, loop: asyncio.AbstractEventLoop) -> None:
        self._link, self._loop = link, loop
        self.on_output: Callable[[bytes], None] = lambda _: None
        self.on_log: Callable[[bytes], None] = lambda _: None
        self.on_closed: Callable[[int | None], None] = lambda _: None

    def start(self) -> None:
        """Begin anew: nothing that was asked before is answered."""
        self._link.say(FORGET)

    def write(self, data: bytes) -> None:
        """Send a whole frame."""
        self._link.send(data)

    def stop(self) -> None:
        """Let the front process forget what was asked; the worker goes on for the other tabs."""
        self._link.say(FORGET)

    def call_later(self, seconds: float, call: Callable[[], None]) -> None:
        """Call once after so long, on the event loop."""
        self._loop.call_later(seconds, call)
