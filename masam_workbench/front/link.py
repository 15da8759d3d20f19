"""What front process and tab say to each other, over the tab's standard input and output.

Frames of the worker's protocol in both directions. Those that the two processes are concerned with
themselves have types of their own, below; all others are the tab's requests to the worker that all
tabs share, and its answers. There is no port, and nothing for other users of the machine to reach.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import queue
import sys
import threading
from collections.abc import Callable
from typing import BinaryIO

from masam_core.worker.channel import private_stdout
from masam_core.worker.protocol import Decoder, Message, ProtocolError, encode

SETTINGS = "tab.settings"  # front: how the tab is to be
END = "tab.end"  # front: end; without it, the end of the input says that the front process has died
WORKER = "tab.worker"  # front: number of the worker's process, which dies with the front process
PORT = "tab.port"  # tab: where it listens
IMAGE = "tab.image"  # tab: there is something in it to lose
FORGET = "tab.forget"  # tab: nothing that it has asked of the worker is wanted any more
_READ_BYTES = 1 << 20


class TabLink:
    """The tab's end.

    Args:
        source, sink: standard input and output, or pipes in their place.
    """

    def __init__(self, source: BinaryIO, sink: BinaryIO) -> None:
        self._source, self._sink = source, sink
        self._decoder = Decoder()
        self._early: list[Message] = []
        self._outgoing: queue.Queue[bytes] = queue.Queue()
        self.hear: Callable[[Message], None] = lambda _: None

    @classmethod
    def ofProcess(cls) -> TabLink:
        """Make this process's standard input and output the link's; what is printed is no part."""
        source, wire = os.dup(sys.stdin.fileno()), private_stdout()
        return cls(os.fdopen(source, "rb", buffering=0), os.fdopen(wire, "wb", buffering=0))

    def first(self) -> Message:
        """Wait for the first message.

        Raises:
            EOFError: the front process has gone.
        """
        while not self._early:
            self._early += self._read()
        return self._early.pop(0)

    def start(self, loop: asyncio.AbstractEventLoop, ended: Callable[[bool], None]) -> None:
        """Hear from now on, on the loop.

        Args:
            loop: where ``hear`` is called.
            ended: called, on a thread, when the front process lets go; with whether it said so.
        """
        threading.Thread(target=self._listen, args=(loop, ended), daemon=True).start()
        threading.Thread(target=self._write, daemon=True).start()

    def send(self, data: bytes) -> None:
        """Send whole frames, a little later; never waits."""
        self._outgoing.put(data)

    def say(self, kind: str, **fields: object) -> None:
        """Send a message."""
        self.send(encode({"type": kind, **fields}))

    def _listen(self, loop: asyncio.AbstractEventLoop, ended: Callable[[bool], None]) -> None:
        messages, self._early = self._early, []
        told = False
        with contextlib.suppress(EOFError):
            while True:
                for message in messages:
                    told = told or message["type"] == END
                    with contextlib.suppress(RuntimeError):  # the loop has ended
                        loop.call_soon_threadsafe(self.hear, message)
                messages = self._read()
        ended(told)

    def _read(self) -> list[Message]:
        data = self._source.read(_READ_BYTES)
        if not data:
            raise EOFError
        return [item for item in self._decoder.feed(data) if not isinstance(item, ProtocolError)]

    def _write(self) -> None:
        with contextlib.suppress(OSError):  # the front process has gone
            while True:
                view = memoryview(self._outgoing.get())
                while view:
                    view = view[self._sink.write(view) :]
