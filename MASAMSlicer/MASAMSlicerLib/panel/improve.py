"""Improve the model with my cases: progress, old against new, and a yes that is waited for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import ctk
import qt
from slicer.i18n import tr as _

from ..control.front import ERROR, PLAIN
from ..control.improving import Improving, Outcome
from ..wording import breakable
from . import settings
from .context import STYLES, PanelContext
from .qprocess import QProcessTransport


class Improve:
    """The button, and the frame that it opens below itself.

    Args:
        context: of the panel.
        problem: why nothing can be computed, or an empty text.
        onTaken: called when a new model was taken over, to look for models again.
    """

    def __init__(
        self, context: PanelContext, problem: Callable[[], str], onTaken: Callable[[], None]
    ) -> None:
        self.context, self.ui = context, context.ui
        self._problem, self._lookAgain = problem, onTaken
        self._closed = self._open = False
        self.improving = Improving(
            QProcessTransport,
            self._show,
            self._onNote,
            self._onOutcome,
            self._onTaken,
            self._onEnd,
        )
        paths = ctk.ctkPathLineEdit
        self.ui.improveFolder.filters = paths.Dirs | paths.Drives
        self.ui.improveFolder.currentPath = str(settings.read("improveFolder"))
        self.ui.improveFolder.currentPathChanged.connect(self.context.refreshSoon)
        self.ui.improveTable.editTriggers = qt.QAbstractItemView.NoEditTriggers  # a report
        self.ui.improveTable.verticalHeader().hide()
        self.ui.improveButton.clicked.connect(lambda *_: self._onButton())
        self.ui.improveStartButton.clicked.connect(lambda *_: self._onStart())
        self.ui.improveTakeButton.clicked.connect(lambda *_: self._onTake())
        self.ui.improveFrame.visible = False
        for widget in (self.ui.improveProgressBar, self.ui.improveTable, self.ui.improveNotes):
            widget.visible = False
        self.ui.improveLabel.visible = self.ui.improveTakeButton.visible = False

    def refresh(self) -> None:
        """Say what the buttons would do."""
        running, outcome = self.improving.running, self.improving.outcome
        elsewhere = bool(str(settings.read("workerCommand")).strip())
        there = _("The model is on another machine: improve it there, by 'masam collect'.")
        problem = self._problem() or (there if elsewhere else "")
        free = running or not problem
        self.context.enable(self.ui.improveButton, free, problem)
        self.ui.improveStartButton.text = _("Cancel") if running else _("Start")
        if not problem and not self._path():
            problem = _("Choose the folder with your saved scenes or batch results first.")
        self.context.enable(self.ui.improveStartButton, running or not problem, problem)
        self.ui.improveFolder.enabled = self.ui.improveAllCheckBox.enabled = not running
        new = self.improving.waiting and outcome is not None and outcome.changed
        same = _("There is no new model to take: training found nothing better than the old one.")
        self.ui.improveTakeButton.visible = self.improving.waiting
        self.context.enable(self.ui.improveTakeButton, bool(new), same)

    def cleanup(self) -> None:
        """The module is unloaded: what is going on is stopped, and nothing is taken over."""
        self._closed = True
        self.improving.stop()

    def _path(self) -> str:
        return str(self.ui.improveFolder.currentPath or "").strip()

    def _onButton(self) -> None:
        """Open the frame, or close it; what is going on goes on."""
        self._open = not self._open
        self.ui.improveFrame.visible = self._open
        self.refresh()

    def _onStart(self) -> None:
        if self.improving.running:
            self.improving.cancel()
            self._say(_("Stopping ..."))
            return
        settings.write("improveFolder", self._path())
        self.ui.improveNotes.plainText = ""
        self.ui.improveNotes.visible = self.ui.improveTable.visible = False
        self.ui.improveProgressBar.visible = True
        try:
            self.improving.start(
                [Path(self._path())],
                self.context.parameters.model,
                bool(self.ui.improveAllCheckBox.checked),
                str(settings.read("device")).split(":")[0],
            )
        except OSError as error:
            self.ui.improveProgressBar.visible = False
            self._say(str(error), ERROR)
        self.refresh()  # at once: a second click must find a button that says Cancel

    def _onTake(self) -> None:
        self.context.enable(self.ui.improveTakeButton, False, _("It is being kept."))
        self.improving.take()

    def _show(self, fraction: float, words: str) -> None:
        self.ui.improveProgressBar.value = int(1000 * fraction)
        self._say(words)

    def _onNote(self, words: str) -> None:
        text = str(self.ui.improveNotes.plainText)
        self.ui.improveNotes.plainText = f"{text}\n{words}" if text else words
        self.ui.improveNotes.visible = True
        self.refresh()

    def _onOutcome(self, outcome: Outcome) -> None:
        self.ui.improveProgressBar.visible = False
        self._say(f"{outcome.verdict}\n{outcome.about}")
        self._fill(outcome.columns, outcome.rows)
        self._onNote(outcome.note)

    def _fill(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        table = self.ui.improveTable
        table.columnCount, table.rowCount = len(columns), len(rows)
        table.setHorizontalHeaderLabels(list(columns))
        for number, row in enumerate(rows):
            for column, text in enumerate(row):
                table.setItem(number, column, qt.QTableWidgetItem(text))
        table.resizeColumnsToContents()
        table.visible = True

    def _onTaken(self, name: str) -> None:
        self.context.parameters.model = name
        self._say(_("The new model is kept as '{name}' and chosen.").format(name=name))
        self._lookAgain()
        self.refresh()
        self.context.refreshSoon()

    def _onEnd(self, problem: str) -> None:
        if self._closed:
            return
        self.ui.improveProgressBar.visible = False
        stopped = _("Stopped. What was gathered is kept; nothing else was changed.")
        self._say(problem or stopped, ERROR if problem else PLAIN)
        self.refresh()

    def _say(self, words: str, kind: str = PLAIN) -> None:
        self.ui.improveLabel.styleSheet = STYLES[kind]
        self.ui.improveLabel.text = breakable(words)
        self.ui.improveLabel.visible = True
