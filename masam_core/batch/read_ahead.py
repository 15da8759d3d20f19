"""Reads the next case while the one before it is computed."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from masam_core.batch.case import BatchCase
from masam_core.errors import TooSlow

What = TypeVar("What")


class ReadAhead(Generic[What]):
    """What is read of cases, such as their volumes, one of them in advance.

    Reading, unpacking and hashing leave Python's lock alone most of the time, so that a thread of
    this process is enough. It ends with the process: a stalled network drive holds up nothing.

    Args:
        read: reads a case's image.
    """

    def __init__(self, read: Callable[[BatchCase], What]) -> None:
        self._read = read
        self._ahead: _Reading[What] | None = None

    def begin(self, case: BatchCase) -> None:
        """Start to read a case; what was begun before and not taken is let go."""
        self._ahead = _Reading(case, self._read)

    def take(self, case: BatchCase) -> What:
        """The volume of a case, read by now or not.

        What went wrong in advance is tried again: there may have been too little memory beside the
        case before. What took too long is not.

        Raises:
            VolumeError: as ``read_apart``.
        """
        ahead, self._ahead = self._ahead, None
        found = ahead.wait() if ahead is not None and ahead.case.name == case.name else None
        return self._read(case) if found is None else found


class _Reading(Generic[What]):
    """One case being read."""

    def __init__(self, case: BatchCase, read: Callable[[BatchCase], What]) -> None:
        self.case = case
        self._found: list[What] = []
        self._slow: TooSlow | None = None
        self._thread = threading.Thread(target=self._run, args=(read,), daemon=True)
        self._thread.start()

    def _run(self, read: Callable[[BatchCase], What]) -> None:
        with contextlib.suppress(Exception):  # said when it is read again, in its own turn
            try:
                self._found.append(read(self.case))
            except TooSlow as error:
                self._slow = error

    def wait(self) -> What | None:
        """The volume, or None if it could not be read; TooSlow if it took too long."""
        self._thread.join()
        if self._slow is not None:
            raise self._slow
        return self._found.pop() if self._found else None
