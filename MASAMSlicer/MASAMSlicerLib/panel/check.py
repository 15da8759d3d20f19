"""Check this installation: one button, a verdict, and a report to copy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from masam_core.check.report import Report
from masam_core.check.run import Plan
from masam_core.installation.finding import State

from ..control.checker import Checker
from ..control.front import ERROR, PLAIN, WARNING
from . import settings
from .context import STYLES, PanelContext

WIDTH = 54  # characters of a line that the panel shows
KINDS = {State.NOTE: WARNING, State.PROBLEM: ERROR}


class Check:
    """Button, bar and report of the check.

    Args:
        context: of the panel.
        makeTransport: a new transport to a worker, as this machine's settings say.
    """

    def __init__(self, context: PanelContext, makeTransport: Callable[[], Any]) -> None:
        self.context, self.ui = context, context.ui
        self.checker = Checker(context.later, makeTransport, self._show, self._onDone)
        self._text = ""
        self._closed = False
        self.ui.checkButton.clicked.connect(lambda *_: self.press())
        self.ui.copyReportButton.clicked.connect(self._onCopy)
        for widget in (self.ui.checkProgressBar, self.ui.checkLabel, self.ui.checkText):
            widget.visible = False

    @property
    def running(self) -> bool:
        """Whether a check is going on."""
        return self.checker.running

    def refresh(self) -> None:
        """Say what the buttons would do."""
        busy = self.context.session.busy and not self.running
        self.ui.checkButton.text = _("Cancel") if self.running else _("Check this installation")
        self.context.enable(
            self.ui.checkButton, not busy, _("Wait for the end of the run: both would be slow.")
        )
        self.context.enable(
            self.ui.copyReportButton,
            bool(self._text) and not self.running,
            _("There is no report yet: check the installation first."),
        )

    def press(self) -> None:
        """Start a check, or stop the one that is going on."""
        if self.running:
            self.checker.stop()
            return
        self.ui.checkText.visible = False
        self.ui.checkLabel.visible = self.ui.checkProgressBar.visible = True
        self.ui.checkLabel.styleSheet = ""
        plan = Plan(
            program=f"3D Slicer {slicer.app.applicationVersion}",
            model=self.context.parameters.model,
            device=str(settings.read("device")),
            elsewhere=bool(str(settings.read("workerCommand")).strip()),
        )
        self.checker.start(plan)
        self.refresh()  # at once: a second click must find a button that says Cancel

    def cleanup(self) -> None:
        """The module is unloaded."""
        self._closed = True
        self.checker.stop()

    def _show(self, fraction: float, words: str) -> None:
        self.ui.checkProgressBar.value = int(1000 * fraction)
        self.ui.checkLabel.text = words

    def _onDone(self, report: Report) -> None:
        if self._closed:
            return
        self.ui.checkProgressBar.visible = False
        self.ui.checkLabel.visible = self.ui.checkText.visible = True
        self.ui.checkLabel.styleSheet = STYLES[KINDS.get(report.state, PLAIN)]
        self.ui.checkLabel.text = report.verdict
        self.ui.checkText.plainText = report.text(WIDTH)
        self._text = report.text()
        self.refresh()

    def _onCopy(self) -> None:
        qt.QApplication.clipboard().setText(self._text)
