"""Check this installation: a window over the page with a verdict and a report to copy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from MASAMSlicerLib.control.checker import Checker

from masam_core.check.report import Report
from masam_core.check.run import Plan
from masam_workbench.tab.context import TabContext


class Checking:
    """The window of the check.

    Args:
        context: of the tab.
        makeTransport: a new transport to a worker, as the machine's settings say.
    """

    def __init__(self, context: TabContext, makeTransport: Callable[[], Any]) -> None:
        self.context = context
        self._checker = Checker(context.later, makeTransport, self._show, self._onDone)

    def press(self) -> None:
        """Start a check, or stop the one that is going on; its report stays to be read."""
        if self._checker.running:
            self._checker.stop()
            return
        if self.context.session.segmenting:
            self.context.say("Wait for the end of the run, then check: both at once would be slow.")
            return
        settings = self.context.settings
        plan = Plan(
            program="the workbench",
            device=settings.device,
            elsewhere=bool(settings.workerCommand.strip()),
        )
        self._checker.start(plan)

    def dismiss(self) -> bool:
        """Close the window, and stop what is going on; False where there was none."""
        self._checker.stop()
        open = bool(self.context.state.check)
        self._write({})
        return open

    def _show(self, fraction: float, words: str) -> None:
        self._write({"percent": round(100 * fraction), "verdict": words})

    def _onDone(self, report: Report) -> None:
        self._write({"verdict": report.verdict, "state": report.state.value, "text": report.text()})

    def _write(self, check: dict[str, Any]) -> None:
        self.context.state.check = check
