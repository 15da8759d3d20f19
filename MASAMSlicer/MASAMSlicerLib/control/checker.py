"""Check this installation: one button that starts a check and stops it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from masam_core.check.report import Report
from masam_core.check.run import CheckRun, Plan

from ..translation import tr as _
from .front import Later
from .telling import Clock


class Checker:
    """Runs the check with a worker of its own, beside the front end's; the scene is not touched.

    Args:
        later: see :meth:`~MASAMSlicerLib.control.front.Front.later`.
        makeTransport: a new transport to a worker, as the machine's settings say.
        show: called with the fraction done and words while it runs.
        onDone: called with the report.
    """

    def __init__(
        self,
        later: Later,
        makeTransport: Callable[[], Any],
        show: Callable[[float, str], None],
        onDone: Callable[[Report], None],
    ) -> None:
        self._makeTransport = makeTransport
        self._show, self._onDone = show, onDone
        self._run: CheckRun | None = None
        self._clock = Clock(later, self._tick)

    @property
    def running(self) -> bool:
        """Whether a check is going on."""
        return self._run is not None

    def start(self, plan: Plan) -> None:
        """Start a check."""
        self._run = CheckRun(plan, self._makeTransport, self._end)
        self._say(self._run)
        self._run.start()
        self._clock.start()

    def stop(self) -> None:
        """End the check that is going on, if there is one; its report says how far it came."""
        if self._run is not None:
            self._run.cancel()

    def _tick(self) -> None:
        """Show how far it is, and give up on a worker that never answers."""
        run = self._run
        if run is not None:
            run.tick()
        if run is None or run.finished:  # it may have ended at once
            self._clock.stop()
        else:
            self._say(run)

    def _say(self, run: CheckRun) -> None:
        words = _("Checking: {words}, {seconds:.0f} s")
        self._show(run.fraction, words.format(words=run.words, seconds=run.seconds))

    def _end(self, report: Report) -> None:
        self._run = None
        self._clock.stop()
        self._onDone(report)
