"""Check this installation: one button, a verdict, and a report to copy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import qt
import slicer
from slicer.i18n import tr as _

from masam_core.check.report import Report
from masam_core.check.run import CheckRun, Plan
from masam_core.installation.finding import State

from . import settings

if TYPE_CHECKING:
    from .panel import Panel

TICK_MS = 500
WIDTH = 54  # characters of a line that the panel shows


class Check:
    """Runs the check with a worker of its own, beside the panel's; the scene is not touched.

    Args:
        panel: the panel.
        makeTransport: a new transport to a worker, as this machine's settings say.
        styles: of the verdict's label, by what was found.
    """

    def __init__(
        self,
        panel: Panel,
        makeTransport: Callable[[], Any],
        styles: Mapping[State, str],
    ) -> None:
        self.panel, self.ui = panel, panel.ui
        self._makeTransport, self._styles = makeTransport, styles
        self._run: CheckRun | None = None
        self._text = ""
        self._closed = False
        self._timer = qt.QTimer()
        self._timer.interval = TICK_MS
        self._timer.timeout.connect(self._tick)
        self.ui.checkButton.clicked.connect(lambda *_: self.press())
        self.ui.copyReportButton.clicked.connect(self._onCopy)
        for widget in (self.ui.checkProgressBar, self.ui.checkLabel, self.ui.checkText):
            widget.visible = False

    @property
    def running(self) -> bool:
        """Whether a check is going on."""
        return self._run is not None

    def refresh(self) -> None:
        """Say what the buttons would do."""
        busy = self.panel.session.busy and not self.running
        self.ui.checkButton.text = _("Cancel") if self.running else _("Check this installation")
        self.panel.enable(
            self.ui.checkButton, not busy, _("Wait for the end of the run: both would be slow.")
        )
        self.panel.enable(
            self.ui.copyReportButton,
            bool(self._text) and not self.running,
            _("There is no report yet: check the installation first."),
        )

    def press(self) -> None:
        """Start a check, or stop the one that is going on."""
        if self._run is not None:
            self._run.cancel()
            return
        plan = Plan(
            program=f"3D Slicer {slicer.app.applicationVersion}",
            model=self.panel.parameters.model,
            device=str(settings.read("device")),
            elsewhere=bool(str(settings.read("workerCommand")).strip()),
        )
        self._run = CheckRun(plan, self._makeTransport, self._onDone)
        self.ui.checkText.visible = False
        self.ui.checkLabel.visible = self.ui.checkProgressBar.visible = True
        self.ui.checkLabel.styleSheet = ""
        self._timer.start()
        self._run.start()
        self._tick()
        self.refresh()  # at once: a second click must find a button that says Cancel

    def cleanup(self) -> None:
        """The module is unloaded."""
        self._closed = True
        if self._run is not None:
            self._run.cancel()
        self._timer.stop()

    def _tick(self) -> None:
        """Show how far it is, and give up on a worker that never answers."""
        run = self._run
        if run is None:
            return
        run.tick()
        if run.finished:
            return
        self.ui.checkProgressBar.value = int(1000 * run.fraction)
        self.ui.checkLabel.text = _("Checking: {words}, {seconds:.0f} s").format(
            words=run.words, seconds=run.seconds
        )

    def _onDone(self, report: Report) -> None:
        self._run = None
        self._timer.stop()
        if self._closed:
            return
        self.ui.checkProgressBar.visible = False
        self.ui.checkLabel.visible = self.ui.checkText.visible = True
        self.ui.checkLabel.styleSheet = self._styles.get(report.state, "")
        self.ui.checkLabel.text = report.verdict
        self.ui.checkText.plainText = report.text(WIDTH)
        self._text = report.text()
        self.refresh()

    def _onCopy(self) -> None:
        qt.QApplication.clipboard().setText(self._text)
