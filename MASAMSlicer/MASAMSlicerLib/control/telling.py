"""How something that takes its time is told: a clock that ticks, words, a bar, and the end."""

from __future__ import annotations

import time
from collections.abc import Callable

from masam_core.errors import Cancelled

from ..translation import tr as _
from .front import PLAIN, Front, Later

TICK_MS = 500


class Clock:
    """Calls ``tick`` at once when it is started, then twice a second until it is stopped.

    Args:
        later: see :meth:`~MASAMSlicerLib.control.front.Front.later`.
        tick: what is called; it may stop the clock.
    """

    def __init__(self, later: Later, tick: Callable[[], None]) -> None:
        self._later, self._tick = later, tick
        self._goes = False
        self._callOff: Callable[[], None] = lambda: None

    def start(self) -> None:
        """Begin to tick, or begin anew."""
        self.stop()
        self._goes = True
        self._next()

    def stop(self) -> None:
        """Tick no more."""
        self._goes = False
        self._callOff()

    def _next(self) -> None:
        self._tick()
        if self._goes:
            self._callOff = self._later(TICK_MS, self._next)


class Telling:
    """Says how a run goes, and how long it has taken, until it has ended.

    Args:
        front: the front end.
        goesOn: whether the run is going on; its words stand as long as it is.
    """

    def __init__(self, front: Front, goesOn: Callable[[], bool]) -> None:
        self._front, self._goesOn = front, goesOn
        self._began, self._words = 0.0, ""
        self._clock = Clock(front.later, self._say)

    def begin(self) -> None:
        """A run is about to be asked for: its time counts from now."""
        self._began, self._words = time.monotonic(), _("starting")

    def show(self) -> None:
        """It goes on: show the bar, and say the elapsed time again and again."""
        self._front.progress(0.0)
        self._clock.start()

    def progress(self, fraction: float, text: str) -> None:
        """Say how much of it is done, in [0, 1], and what it is doing."""
        self._words = text
        self._front.progress(fraction)
        self._say()

    def end(self) -> None:
        """It has ended: no bar, and no more words."""
        self._clock.stop()
        self._front.progress(None)

    def failed(self, error: Exception, stays: str = "") -> None:
        """Say why a run that has ended has come to nothing.

        Args:
            error: Cancelled where the user wanted it so.
            stays: what was done beside it and stays, in words; empty where all is as it was.
        """
        if isinstance(error, Cancelled):
            words = stays or _("everything is as it was.")
            self._front.say(_("Cancelled; {words}").format(words=words))
        else:
            self._front.sayError(error)

    def _say(self) -> None:
        seconds = time.monotonic() - self._began
        words = _("{words}, {seconds:.0f} s").format(words=self._words, seconds=seconds)
        self._front.say(words, PLAIN, self._goesOn)
