"""Models that segment whole volumes: their structures with ticks, and the button for all of them.

Where the chosen model takes no prompts, the tools for boxes and clicks make way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt
from slicer.i18n import tr as _

from ..control.modelclasses import ModelClass, ModelClasses
from ..control.segmentall import SegmentAll, WholeRequest
from .context import PanelContext
from .run import Run
from .swatch import swatch


class Classes:
    """The list of structures, and what the large button does for such a model.

    Args:
        context: of the panel.
        model: what the worker says of the chosen model, or None.
        run: of the lesions.
        problem: why nothing can be segmented, or an empty text.
        before: puts tools away that a run would disturb.
    """

    def __init__(
        self,
        context: PanelContext,
        model: Callable[[], dict[str, Any] | None],
        run: Run,
        problem: Callable[[], str],
        before: Callable[[], None],
    ) -> None:
        self.context, self.ui = context, context.ui
        self._model, self._run, self._problem = model, run, problem
        self.chosen = ModelClasses()
        self.segmentAll = SegmentAll(
            context,
            request=self._request,
            before=before,
            onStart=self._onStart,
            runner=run.runner,
        )
        run.instead = self._instead
        self._shown: list[ModelClass] = []
        self._filling = False
        self._forPrompts = (
            *(self.ui.placeButton, self.ui.lineButton, self.ui.sliceBoxButton),
            *(self.ui.pointButton, self.ui.notPointButton, self.ui.scribbleButton),
            *(self.ui.lassoButton, self.ui.upperEndButton, self.ui.lowerEndButton),
            *(self.ui.fitButton, self.ui.liveCheckBox),
        )
        self.ui.classesList.connect("itemChanged(QListWidgetItem*)", self._onTick)
        self.ui.classesAllButton.clicked.connect(lambda *_: self._tickAll(True))
        self.ui.classesNoneButton.clicked.connect(lambda *_: self._tickAll(False))
        self.ui.segmentAllButton.clicked.connect(lambda *_: self.segmentAll.press())
        self.ui.classesFrame.visible = False

    def refresh(self) -> None:
        """Show the structures of the chosen model, and take away what it has no use for."""
        chosen = self.chosen
        chosen.show(str(self.context.parameters.model), self._model())
        for widget in self._forPrompts:
            widget.visible = chosen.takesPrompts
            if not chosen.takesPrompts:  # or its key would still take the tool
                words = _("The chosen model takes no boxes and no clicks.")
                self.context.enable(widget, False, words)
        if chosen.takesPrompts:
            self.context.enable(self.ui.liveCheckBox, True, "")
        known = chosen.classes
        self.ui.classesFrame.visible = chosen.isAutomatic or bool(chosen.problem)
        self.ui.classesLabel.text = self._words()
        self.ui.classesList.visible = bool(known)
        self.ui.classesAllButton.visible = self.ui.classesNoneButton.visible = len(known) > 1
        self._fill(known)
        self.ui.segmentAllButton.visible = chosen.isAutomatic and not chosen.onlyAutomatic
        busy, problem = self.context.session.busy, self._whyNot()
        wait = _("Wait until the run has ended, or cancel it.")
        hint = _("Segment the ticked structures of the whole volume, without boxes.")
        self.context.enable(
            self.ui.segmentAllButton, not problem and not busy, wait if busy else problem, hint
        )
        if not busy and not chosen.takesPrompts:
            count = chosen.count
            every = count == len(known)
            words = _("Segment all") if every else _("Segment {n} of {all}")
            self.ui.segmentButton.text = (
                words.format(n=count, all=len(known)) + "  " + _("(Ctrl+Enter)")
            )
            self.context.enable(self.ui.segmentButton, not problem, problem, hint)

    def forBatch(self) -> dict[str, Any]:
        """Fields of a BatchSpec; none where the model takes boxes."""
        if not self.chosen.onlyAutomatic:
            return {}
        names = [each.name for each in self.chosen.classes if self.chosen.isTicked(each.name)]
        every = len(names) in (0, len(self.chosen.classes))
        return {"automatic": True, "classes": () if every else tuple(names)}

    def _words(self) -> str:
        """What the model does, in a line above the list."""
        chosen = self.chosen
        if chosen.problem:
            return chosen.problem
        if chosen.onlyAutomatic:
            return _("This model needs no boxes: it segments the whole volume by itself.")
        return _("This model can also segment the whole volume by itself.")

    def _whyNot(self) -> str:
        """Why the whole volume can't be segmented, or an empty text."""
        if self.context.volume is None:
            return _("Choose a volume first.")
        if self.chosen.problem or self._problem():
            return self.chosen.problem or self._problem()
        if self.chosen.classes and not self.chosen.count:
            return _("Tick at least one structure.")
        return ""

    def _request(self) -> WholeRequest:
        options = self.context.options()
        return WholeRequest(self.context.choice(), options, self.chosen.wanted())

    def _instead(self) -> bool:
        """The large button was pressed: whether it is for the whole volume."""
        if not self.chosen.onlyAutomatic:
            return False
        self.segmentAll.press()
        return True

    def _onStart(self) -> None:
        """A second click must find a button that says Cancel."""
        self._run.refresh()
        self.refresh()

    def _fill(self, known: list[ModelClass]) -> None:
        """Write the list anew where the model has changed, and its ticks."""
        listed = self.ui.classesList
        self._filling = True
        try:
            if known != self._shown:
                listed.clear()
                for each in known:
                    item = qt.QListWidgetItem(each.name)
                    item.setFlags(qt.Qt.ItemIsEnabled | qt.Qt.ItemIsUserCheckable)
                    item.setIcon(swatch(each.color))
                    item.setCheckState(qt.Qt.Checked)
                    listed.addItem(item)
                self._shown = known
            for row, each in enumerate(known):
                state = qt.Qt.Checked if self.chosen.isTicked(each.name) else qt.Qt.Unchecked
                if listed.item(row).checkState() != state:
                    listed.item(row).setCheckState(state)
        finally:
            self._filling = False

    def _onTick(self, item: Any) -> None:
        if not self._filling:
            self.chosen.tick(str(item.text()), item.checkState() == qt.Qt.Checked)
            self.context.refreshSoon()

    def _tickAll(self, wanted: bool) -> None:
        self.chosen.tickAll(wanted)
        self.refresh()
