"""Pauses that grow from try to try."""

from __future__ import annotations

import time
from collections.abc import Callable

FIRST, MOST = 5.0, 600.0  # seconds


class Pauses:
    """How long each thing waits for its next try.

    Args:
        first: seconds after the first try that failed; doubled after each further one.
        most: seconds, at most.
        now: tells the time in seconds.
    """

    def __init__(
        self,
        first: float = FIRST,
        most: float = MOST,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._first, self._most, self._now = first, most, now
        self._tries: dict[str, tuple[int, float]] = {}

    def failed(self, name: str) -> int:
        """A try has failed; gives how many have until now."""
        count = self.tries(name) + 1
        pause = min(self._first * 2.0 ** min(count - 1, 60), self._most)
        self._tries[name] = count, self._now() + pause
        return count

    def over(self, name: str) -> None:
        """Nothing is to be tried again."""
        self._tries.pop(name, None)

    def tries(self, name: str) -> int:
        """How many tries have failed."""
        return self._tries.get(name, (0, 0.0))[0]

    def may(self, name: str) -> bool:
        """Whether the next try may begin."""
        return self._now() >= self._tries.get(name, (0, float("-inf")))[1]

    def left(self, name: str) -> float:
        """Seconds until it may."""
        return max(0.0, self._tries.get(name, (0, float("-inf")))[1] - self._now())
