"""Check this installation: a window over the page with a verdict and a report to copy."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from masam_core.check.report import Report
from masam_core.check.run import CheckRun, Plan

if TYPE_CHECKING:
    from masam_workbench.tab.tab import Tab

TICK_SECONDS = 0.5


class Checking:
    """Runs the check with a worker of its own, beside the tab's; the scene is not touched.

    Args:
        tab: the tab.
        makeTransport: a new transport to a worker, as the machine's settings say.
    """

    def __init__(self, tab: Tab, makeTransport: Callable[[], Any]) -> None:
        self.tab = tab
        self._makeTransport = makeTransport
        self._run: CheckRun | None = None
        self._ticking: asyncio.Task[None] | None = None

    @property
    def running(self) -> bool:
        """Whether a check is going on."""
        return self._run is not None

    def press(self) -> None:
        """Start a check, or stop the one that is going on; its report stays to be read."""
        if self._run is not None:
            self._run.cancel()
            return
        if self.tab.running.busy:
            self.tab.say("Wait for the end of the run, then check: both at once would be slow.")
            return
        settings = self.tab.settings
        plan = Plan(
            program="the workbench",
            device=settings.device,
            elsewhere=bool(settings.workerCommand.strip()),
        )
        self._run = CheckRun(plan, self._makeTransport, self._onDone)
        self._show(self._run)
        self._run.start()
        if self._run is not None:  # it may have ended at once
            self._ticking = asyncio.get_running_loop().create_task(self._tick(self._run))

    def dismiss(self) -> bool:
        """Close the window, and stop what is going on; False where there was none."""
        if self._run is not None:
            self._run.cancel()
        open = bool(self.tab.state.check)
        with self.tab.state as state:
            state.check = {}
        return open

    async def _tick(self, run: CheckRun) -> None:
        """Show how far it is, and give up on a worker that never answers."""
        while not run.finished:
            self._show(run)
            await asyncio.sleep(TICK_SECONDS)
            run.tick()

    def _show(self, run: CheckRun) -> None:
        words = f"Checking: {run.words}, {run.seconds:.0f} s"
        with self.tab.state as state:
            state.check = {"percent": round(100 * run.fraction), "verdict": words}

    def _onDone(self, report: Report) -> None:
        self._run = None
        with self.tab.state as state:
            state.check = {
                "verdict": report.verdict,
                "state": report.state.value,
                "text": report.text(),
            }
