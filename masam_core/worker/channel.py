"""Standard input and output as the protocol's own, out of reach of chatty libraries."""

from __future__ import annotations

import os
import sys
import threading
from typing import BinaryIO

from masam_core.worker.protocol import Message, encode

READ_BYTES = 1 << 20


def private_stdout() -> int:
    """The true stdout as a descriptor of its own, out of reach of whatever else is printed.

    Number 1 is pointed at stderr, so that what a library prints, from Python or from C, lands in
    the log.
    """
    sys.stdout.flush()
    wire = os.dup(1)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return wire


def widen_pipe(descriptor: int) -> None:
    """Let a pipe hold more at once, where the system allows it (Linux: 64 KB unless told).

    Writer and reader of a large volume then wait for each other less often.
    """
    try:
        import fcntl

        fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, READ_BYTES)
    except (ImportError, AttributeError, OSError):
        return  # no pipe, another system, or a limit: it works as it is, only slower


class Channel:
    """Frames to and from the process that asks."""

    def __init__(self, source: BinaryIO, sink: BinaryIO) -> None:
        self._source = source
        self._sink = sink
        self._lock = threading.Lock()

    @classmethod
    def take_over_stdio(cls) -> Channel:
        """Make this process's stdin and stdout the protocol's."""
        wire = private_stdout()
        source = os.dup(0)
        # A child process or input() must not eat frames.
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        if sys.platform == "win32":
            import msvcrt

            for descriptor in (wire, source):
                msvcrt.setmode(descriptor, os.O_BINARY)
        widen_pipe(source)
        return cls(os.fdopen(source, "rb", buffering=0), os.fdopen(wire, "wb", buffering=0))

    def read(self) -> bytes:
        """Bytes that have come; empty at the end."""
        return self._source.read(READ_BYTES) or b""

    def send(self, message: Message) -> None:
        """Write a whole frame; raises OSError (BrokenPipeError) when nobody listens any more."""
        frame = memoryview(encode(message))
        with self._lock:
            while frame:  # an unbuffered pipe may take less than all
                frame = frame[self._sink.write(frame) :]
