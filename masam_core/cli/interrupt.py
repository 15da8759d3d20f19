"""Ctrl-C at any moment, also while libraries are loaded."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

INTERRUPTED = 130  # exit code: 128 and the signal's number


def stop_at_once(_number: int, _frame: FrameType | None) -> None:
    """End the process: nothing has been begun that could be lost.

    A KeyboardInterrupt in the middle of an import ends in a traceback, or in another error that the
    library makes of it.
    """
    with contextlib.suppress(OSError):
        os.write(2, b"Error: Stopped.\n")
    os._exit(INTERRUPTED)


def stop_at_once_from_now() -> None:
    """Take Ctrl-C over until a command begins; outside the main thread nothing changes."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, stop_at_once)


@contextlib.contextmanager
def interruptible() -> Iterator[Callable[[], bool]]:
    """A KeyboardInterrupt for Ctrl-C while a command runs; yields whether there was one.

    Where another program runs the command, Ctrl-C stays as that program has it.
    """
    pressed = threading.Event()

    def press(_number: int, _frame: Any) -> None:
        pressed.set()
        raise KeyboardInterrupt

    main = threading.current_thread() is threading.main_thread()
    taken = main and signal.getsignal(signal.SIGINT) is stop_at_once
    if taken:
        signal.signal(signal.SIGINT, press)
    try:
        yield pressed.is_set
    finally:
        if taken:
            signal.signal(signal.SIGINT, stop_at_once)


@contextlib.contextmanager
def terminable() -> Iterator[None]:
    """A KeyboardInterrupt for the system's wish to end (SIGTERM), too, so that nothing that was
    started goes on alone; outside the main thread nothing changes."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(_number: int, _frame: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
