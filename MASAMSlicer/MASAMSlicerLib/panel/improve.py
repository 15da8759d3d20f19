"""Improve the model with my cases: a dialog with progress, the table, and a question."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import ctk
import qt
from slicer.i18n import tr as _

from ..control.front import ERROR, PLAIN
from ..control.improving import Improving, Outcome
from ..wording import breakable
from . import settings
from .context import STYLES, PanelContext
from .qprocess import QProcessTransport

WIDTH, HEIGHT = 560, 520


class Improve:
    """The button, and the dialog that it opens.

    Args:
        context: of the panel.
        problem: why nothing can be computed, or an empty text.
        onTaken: called when a new model was taken over, to look for models again.
    """

    def __init__(
        self, context: PanelContext, problem: Callable[[], str], onTaken: Callable[[], None]
    ) -> None:
        self.context, self.ui = context, context.ui
        self._problem, self._taken = problem, onTaken
        self.dialog: ImproveDialog | None = None
        self.ui.improveButton.clicked.connect(lambda *_: self.open())

    @property
    def running(self) -> bool:
        """Whether a model is being improved."""
        return self.dialog is not None and self.dialog.improving.running

    def refresh(self) -> None:
        """Say what the button would do."""
        elsewhere = bool(str(settings.read("workerCommand")).strip())
        there = _("The model is on another machine: improve it there, by 'masam collect' and 'train'.")
        problem = self._problem() or (there if elsewhere else "")
        self.context.enable(self.ui.improveButton, not problem, problem)

    def open(self) -> None:
        """Show the dialog; one that is open comes to the front."""
        if self.dialog is None:
            self.dialog = ImproveDialog(self.context, self._onTaken, self._onClosed)
        self.dialog.show()

    def cleanup(self) -> None:
        """The module is unloaded."""
        if self.dialog is not None:
            self.dialog.close()

    def _onTaken(self, name: str) -> None:
        self.context.parameters.model = name
        self._taken()
        self.context.say(_("The new model '{name}' is chosen.").format(name=name))
        self.context.refreshSoon()

    def _onClosed(self) -> None:
        self.dialog = None


class ImproveDialog:
    """What is gathered from where, how far it is, old against new, and what to do with it.

    Args:
        context: of the panel.
        onTaken: called with the name of a model that was taken over.
        onClosed: called when the dialog is gone.
    """

    def __init__(
        self,
        context: PanelContext,
        onTaken: Callable[[str], None],
        onClosed: Callable[[], None],
    ) -> None:
        self.context, self._onTakenOver, self._onClosed = context, onTaken, onClosed
        self.improving = Improving(
            QProcessTransport,
            self._show,
            self._onNote,
            self._onOutcome,
            self._onTaken,
            self._onEnd,
        )
        self._build()
        self._refresh()

    def show(self) -> None:
        """Bring it to the front."""
        self.widget.show()
        self.widget.raise_()

    def close(self) -> None:
        """Close it; what is going on is stopped, and nothing is taken over."""
        self.improving.stop()
        self.widget.hide()
        self.widget.deleteLater()
        self._onClosed()

    def _build(self) -> None:
        self.widget = qt.QDialog(self.context.widget)
        self.widget.setWindowTitle(_("Improve the model with my cases"))
        self.widget.resize(WIDTH, HEIGHT)
        self.widget.connect("finished(int)", lambda *_: self.close())
        layout = qt.QVBoxLayout(self.widget)
        self.intro = self._label(
            _(
                "Lesions that you have locked, touched up or confirmed are gathered from saved "
                "scenes and batch results, and the chosen model goes on learning from them, for "
                "minutes. Nothing leaves this computer. You see old against new on cases that were "
                "held back, and the new model is taken only if you say so. For research use."
            )
        )
        self.folder = ctk.ctkPathLineEdit()
        self.folder.filters = ctk.ctkPathLineEdit.Dirs | ctk.ctkPathLineEdit.Drives
        self.folder.setToolTip(_("Folder with saved scenes (.mrb) or results of a batch"))
        self.folder.currentPath = str(settings.read("improveFolder"))
        self.folder.currentPathChanged.connect(lambda *_: self._refresh())
        self.everything = qt.QCheckBox(_("Also lesions that nobody has put right or confirmed"))
        self.startButton = qt.QPushButton()
        self.startButton.clicked.connect(lambda *_: self._onStart())
        self.bar = qt.QProgressBar()
        self.bar.maximum = 1000
        self.bar.setTextVisible(False)
        self.status = self._label("")
        self.notes = qt.QPlainTextEdit()
        self.notes.setReadOnly(True)
        self.table = qt.QTableWidget()
        self.table.setEditTriggers(qt.QAbstractItemView.NoEditTriggers)
        self.table.verticalHeader().hide()
        self.takeButton = qt.QPushButton(_("Use the new model"))
        self.takeButton.clicked.connect(lambda *_: self._onTake())
        self.closeButton = qt.QPushButton(_("Close"))
        self.closeButton.clicked.connect(lambda *_: self.close())
        row = qt.QHBoxLayout()
        row.addWidget(self.takeButton)
        row.addWidget(self.closeButton)
        layout.addWidget(self.intro)
        layout.addWidget(self._label(_("Folder with saved scenes or batch results:")))
        for part in (self.folder, self.everything, self.startButton, self.bar, self.status):
            layout.addWidget(part)
        layout.addWidget(self.table, 2)
        layout.addWidget(self.notes, 1)
        layout.addLayout(row)
        for part in (self.bar, self.table, self.notes):
            part.setVisible(False)

    def _label(self, text: str) -> Any:
        label = qt.QLabel(text)
        label.setWordWrap(True)
        return label

    def _refresh(self) -> None:
        running = self.improving.running
        self.startButton.setText(_("Cancel") if running else _("Start"))
        self.startButton.setEnabled(running or bool(self._path()))
        self.folder.setEnabled(not running)
        self.everything.setEnabled(not running)
        outcome = self.improving.outcome
        able = self.improving.waiting and outcome is not None and outcome.changed
        self.takeButton.setEnabled(bool(able))
        self.takeButton.setToolTip(
            ""
            if able
            else _("There is no new model yet, or none that differs from the one you have.")
        )

    def _path(self) -> str:
        return str(self.folder.currentPath or "").strip()

    def _onStart(self) -> None:
        if self.improving.running:
            self.improving.cancel()
            self.status.setText(_("Stopping ..."))
            return
        settings.write("improveFolder", self._path())
        self.notes.clear()
        self.notes.setVisible(False)
        self.table.setVisible(False)
        self._say("")
        try:
            self.improving.start(
                [Path(self._path())],
                self.context.parameters.model,
                bool(self.everything.isChecked()),
                str(settings.read("device")).split(":")[0],
            )
        except OSError as error:
            self._say(str(error), ERROR)
        else:
            self.bar.setVisible(True)
        self._refresh()  # at once: a second click must find a button that says Cancel

    def _onTake(self) -> None:
        self.takeButton.setEnabled(False)  # a second click would keep it twice
        self.improving.take()

    def _show(self, fraction: float, words: str) -> None:
        self.bar.setValue(int(1000 * fraction))
        self._say(words)

    def _onNote(self, words: str) -> None:
        self.notes.setVisible(True)
        self.notes.appendPlainText(words)
        self._refresh()

    def _onOutcome(self, outcome: Outcome) -> None:
        self.bar.setVisible(False)
        self._say(f"{outcome.verdict}\n{outcome.about}")
        self._fill(outcome.columns, outcome.rows)
        self._onNote(outcome.note)

    def _fill(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        self.table.setColumnCount(len(columns))
        self.table.setRowCount(len(rows))
        self.table.setHorizontalHeaderLabels(list(columns))
        for number, row in enumerate(rows):
            for column, text in enumerate(row):
                self.table.setItem(number, column, qt.QTableWidgetItem(text))
        self.table.resizeColumnsToContents()
        self.table.setVisible(True)

    def _onTaken(self, name: str) -> None:
        self._say(_("The new model is kept as '{name}' and chosen.").format(name=name))
        self._onTakenOver(name)
        self._refresh()

    def _onEnd(self, problem: str) -> None:
        self.bar.setVisible(False)
        stopped = _("Stopped. What was gathered is kept; nothing else was changed.")
        self._say(problem or stopped, ERROR if problem else PLAIN)
        self._refresh()

    def _say(self, words: str, kind: str = PLAIN) -> None:
        self.status.styleSheet = STYLES[kind]
        self.status.setText(breakable(words))
