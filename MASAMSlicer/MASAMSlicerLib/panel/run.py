"""Run: one large button, progress, undo, and following the box."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import qt
from slicer.i18n import tr as _

from masam_core.errors import Cancelled

from ..following import Following
from ..scene import views
from ..session import RunReport
from ..wording import hasNotes, summary

if TYPE_CHECKING:
    from .panel import Panel

TICK_MS = 500


class Run:
    """Starts and cancels runs, and says how they go."""

    def __init__(self, panel: Panel) -> None:
        self.panel, self.ui = panel, panel.ui
        self._began = 0.0
        self._words = ""
        self._following = Following(panel.session, self.start, lambda: panel.volume)
        self._timer = qt.QTimer()
        self._timer.interval = TICK_MS
        self._timer.timeout.connect(self._tick)
        self.ui.segmentButton.clicked.connect(lambda *_: self.press())
        self.ui.undoButton.clicked.connect(lambda *_: self.undo())
        self.ui.redoButton.clicked.connect(lambda *_: self.redo())
        self.ui.progressBar.visible = False

    def refresh(self) -> None:
        """The button says what it would do, and a disabled one why it can't."""
        button, session = self.ui.segmentButton, self.panel.session
        if session.busy:
            button.text = _("Cancel")
            self.panel.enable(button, True, "", _("Stop; the scene stays as it is."))
        else:
            pending = session.pending(self.panel.volume) if self.panel.volume else []
            count = len(pending)
            words = _("Segment {n} lesions  (Ctrl+Enter)").format(n=count)
            button.text = words if count > 1 else _("Segment  (Ctrl+Enter)")
            problem = self._problem(count)
            self.panel.enable(
                button,
                not problem,
                problem,
                _("Outline what is in the boxes that are new or changed."),
            )
        history, wait = session.history, _("Wait until the run has ended, or cancel it.")
        self.panel.enable(
            self.ui.undoButton,
            bool(history.undoTitle) and not session.busy,
            wait if session.busy else _("There is nothing to undo."),
            _("Undo: {title}  (Ctrl+Z)").format(title=history.undoTitle),
        )
        self.panel.enable(
            self.ui.redoButton,
            bool(history.redoTitle) and not session.busy,
            wait if session.busy else _("There is nothing to redo."),
            _("Redo: {title}  (Ctrl+Y)").format(title=history.redoTitle),
        )

    def press(self) -> None:
        """The large button, and Ctrl+Enter."""
        if self.panel.session.busy:
            self._following.forget()
            self.panel.session.cancel()
        elif self.ui.segmentButton.enabled:
            self.start([lesion.id for lesion in self.panel.session.pending(self.panel.volume)])

    def again(self) -> None:
        """Segment the selected lesions, whatever their state."""
        ids = self.panel.lesionTable.selectedIds()
        if ids and not self.panel.session.busy:
            self.start(ids)

    def start(self, ids: Sequence[str]) -> None:
        """Segment lesions with the panel's settings."""
        self.panel.prompt.stop()
        try:
            choice, options = self.panel.choice(), self.panel.options()
            self._begin()
            self.panel.session.segment(
                ids,
                choice,
                options,
                self._onProgress,
                self._onDone,
                self._onError,
                self.panel.parameters.segmentation,
                bool(self.panel.parameters.allFrames),
            )
        except Exception as error:  # also an unforeseen one: the panel must not stay busy
            self._onError(error)
        self.refresh()  # at once: a second click must find a button that says Cancel
        self.panel.refreshSoon()

    def follow(self, lesionId: str) -> None:
        """A box has been moved: segment it again if the user wants that."""
        self._following.boxMoved(lesionId, bool(self.panel.parameters.liveUpdate))

    def undo(self) -> None:
        """Take the last result back."""
        self._travel(self.panel.session.history.undo, _("Undone: {title}"))

    def redo(self) -> None:
        """Do it again."""
        self._travel(self.panel.session.history.redo, _("Redone: {title}"))

    def _travel(self, move: Callable[[], str], words: str) -> None:
        if self.panel.session.busy:
            return
        title = move()
        if title:
            self._following.rest()
            self.panel.say(words.format(title=title))
        self.panel.refreshSoon()

    def _problem(self, count: int) -> str:
        if self.panel.volume is None:
            return _("Choose a volume first.")
        if self.panel.install.problem:
            return self.panel.install.problem
        if not self.panel.inputs.modelIsHere():
            return _("The model is not here yet: download it, or choose another.")
        if not count:
            return _("Place a box around a lesion first (B), or change one.")
        return ""

    def _begin(self) -> None:
        self._began = time.monotonic()
        self._words = _("starting")
        self.ui.progressBar.value = 0
        self.ui.progressBar.visible = True
        self._timer.start()
        self._tick()

    def _end(self) -> None:
        self._timer.stop()
        self.ui.progressBar.visible = False

    def _tick(self) -> None:
        seconds = time.monotonic() - self._began
        words = _("{words}, {seconds:.0f} s").format(words=self._words, seconds=seconds)
        self.panel.say(words, holds=lambda: self.panel.session.busy)

    def _onProgress(self, fraction: float, text: str) -> None:
        self._words = text
        self.ui.progressBar.value = int(1000 * fraction)
        self._tick()

    def _onDone(self, report: RunReport) -> None:
        self._end()
        for lesion in self.panel.session.lesions.lesions(self.panel.volume):
            if lesion.segmentation is not None and lesion.segment is not None:
                if self.panel.parameters.segmentation is None:
                    self.panel.parameters.segmentation = lesion.segmentation
                views.setSegmentsVisible(
                    lesion.segmentation, True, bool(self.panel.parameters.showSurface)
                )
        self.panel.results.lookAtSurface()
        self.panel.say(summary(report), warning=hasNotes(report))
        self.panel.refreshSoon()
        if self.panel.parameters.liveUpdate:
            self._following.runEnded()

    def _onError(self, error: Exception) -> None:
        self._end()
        if isinstance(error, Cancelled):
            self.panel.say(_("Cancelled; the scene is as it was."))
        else:
            self.panel.sayError(error)
        self.panel.refreshSoon()
