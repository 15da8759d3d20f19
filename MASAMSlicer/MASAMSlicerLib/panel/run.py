"""Run: one large button, progress, undo, and following the box."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from slicer.i18n import tr as _

from ..control.runner import Request, Runner
from ..session.reports import RunReport
from .context import PanelContext


class Run:
    """The buttons of a run and what they say.

    Args:
        context: of the panel.
        problem: why nothing can be segmented besides what is known here, or an empty text.
        before: puts tools away that a run would disturb.
        onResult: shows what a run has found.
    """

    def __init__(
        self,
        context: PanelContext,
        problem: Callable[[], str],
        before: Callable[[], None],
        onResult: Callable[[RunReport], None],
    ) -> None:
        self.context, self.ui = context, context.ui
        self._problemElsewhere = problem
        self.runner = Runner(
            context,
            request=self._request,
            follows=lambda: bool(context.parameters.liveUpdate),
            before=before,
            onStart=self.refresh,
            onResult=onResult,
            restored=self._showThreshold,
        )
        self.instead: Callable[[], bool] = lambda: False  # whether something else is begun
        self.ui.segmentButton.clicked.connect(lambda *_: self.press())
        self.ui.undoButton.clicked.connect(lambda *_: self.runner.undo())
        self.ui.redoButton.clicked.connect(lambda *_: self.runner.redo())
        self.ui.progressBar.visible = False

    def refresh(self) -> None:
        """The button says what it would do, and a disabled one why it can't."""
        button, session = self.ui.segmentButton, self.context.session
        if session.busy:
            button.text = _("Cancel")
            self.context.enable(button, True, "", _("Stop; the scene stays as it is."))
        else:
            pending = session.pending(self.context.volume) if self.context.volume else []
            count = len(pending)
            words = _("Segment {n} lesions  (Ctrl+Enter)").format(n=count)
            button.text = words if count > 1 else _("Segment  (Ctrl+Enter)")
            problem = self._problem(count)
            self.context.enable(
                button,
                not problem,
                problem,
                _("Outline what is in the boxes that are new or changed."),
            )
        history, wait = session.history, _("Wait until the run has ended, or cancel it.")
        self.context.enable(
            self.ui.undoButton,
            bool(history.undoTitle) and not session.busy,
            wait if session.busy else _("There is nothing to undo."),
            _("Undo: {title}  (Ctrl+Z)").format(title=history.undoTitle),
        )
        self.context.enable(
            self.ui.redoButton,
            bool(history.redoTitle) and not session.busy,
            wait if session.busy else _("There is nothing to redo."),
            _("Redo: {title}  (Ctrl+Y)").format(title=history.redoTitle),
        )

    def press(self) -> None:
        """The large button, and Ctrl+Enter."""
        if self.runner.busy or (self.ui.segmentButton.enabled and not self.instead()):
            self.runner.press()

    def again(self, lesionIds: Sequence[str]) -> None:
        """Segment lesions, whatever their state."""
        self.runner.again(lesionIds)

    def _showThreshold(self, lesionIds: Sequence[str]) -> None:
        """Show at which threshold the selected mask, which has just come back, was cut."""
        lesion, parameters = self.context.selected, self.context.parameters
        made = lesion.provenance if lesion is not None and lesion.id in lesionIds else None
        if made is None or "threshold" not in made.options:
            return
        threshold = made.options["threshold"]
        parameters.useThreshold = threshold is not None
        if threshold is not None:
            parameters.threshold = float(threshold)

    def _request(self) -> Request:
        parameters = self.context.parameters
        return Request(
            self.context.choice(),
            self.context.options(),
            parameters.segmentation,
            bool(parameters.allFrames),
            beside=False,  # no segmentation is chosen: the selector says that a new one is made
        )

    def _problem(self, count: int) -> str:
        if self.context.volume is None:
            return _("Choose a volume first.")
        elsewhere = self._problemElsewhere()
        if elsewhere:
            return elsewhere
        return "" if count else _("Place a box around a lesion first (B), or change one.")
