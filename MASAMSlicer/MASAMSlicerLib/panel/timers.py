"""Calls that come once, a little later."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt


class Timers:
    """Single-shot timers, used again and again: one must not be deleted in its own event."""

    def __init__(self) -> None:
        self._timers: list[_Timer] = []
        self._closed = False

    def later(self, milliseconds: int, action: Callable[[], None]) -> Callable[[], None]:
        """Call ``action`` once after so long; what is returned calls it off."""
        if self._closed:
            return lambda: None
        timer = next((each for each in self._timers if each.action is None), None)
        if timer is None:
            timer = _Timer()
            self._timers.append(timer)
        return timer.start(milliseconds, action)

    def close(self) -> None:
        """Call off everything, and call nothing any more."""
        self._closed = True
        for timer in self._timers:
            timer.stop()


class _Timer:
    """One timer; ``action`` is None while it is free."""

    def __init__(self) -> None:
        self.action: Callable[[], None] | None = None
        self._timer: Any = qt.QTimer()
        self._timer.setSingleShot(True)  # as a property PythonQt hides it behind the static method
        self._timer.timeout.connect(self._fire)

    def start(self, milliseconds: int, action: Callable[[], None]) -> Callable[[], None]:
        self.action = action
        self._timer.interval = milliseconds
        self._timer.start()

        def callOff() -> None:
            if self.action is action:  # else it was called, and the timer serves another
                self.stop()

        return callOff

    def stop(self) -> None:
        self.action = None
        self._timer.stop()

    def _fire(self) -> None:
        action, self.action = self.action, None
        if action is not None:
            action()
