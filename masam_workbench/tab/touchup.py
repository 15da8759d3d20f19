"""Brush and eraser with the mouse."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from MASAMSlicerLib.scene.touchup import Stroke

from masam_core.errors import MasamError
from masam_workbench.display.view import observe

if TYPE_CHECKING:
    from masam_workbench.display.sliceview import SliceView
    from masam_workbench.tab.tab import Tab

BRUSH, ERASER = "brush", "eraser"


class TouchUp:
    """A stroke is one step that can be undone.

    Attributes:
        tool: BRUSH, ERASER or an empty text.
    """

    def __init__(self, tab: Tab) -> None:
        self.tab = tab
        self.tool = ""
        self._stroke: Stroke | None = None
        self._step = contextlib.ExitStack()
        for view in tab.views.slices.values():
            for event, action in (
                ("LeftButtonPressEvent", self._onPress),
                ("MouseMoveEvent", self._onMove),
                ("LeftButtonReleaseEvent", self._onRelease),
            ):
                observe(view, event, action)

    def toggle(self, tool: str) -> None:
        """Take a tool, or put it away."""
        if tool not in (BRUSH, ERASER):
            return
        if self.tool == tool:
            self.stop()
            return
        self.tab.leaveTools()
        lesion = self.tab.selected
        if lesion is None or lesion.segment is None:
            self.tab.say("Segment a lesion first; brush and eraser correct its mask.")
            return
        self.tool = tool
        self.tab.say("Drag in a slice. Each stroke can be undone; Esc puts the tool away.")
        self.tab.refreshSoon()

    def stop(self) -> None:
        """Put the tool away."""
        self.endStroke()
        if self.tool:
            self.tool = ""
            self.tab.refreshSoon()

    def endStroke(self) -> None:
        """The mouse has let go, or something else begins."""
        if self._stroke is not None:
            self._stroke = None
            self._step.close()
            self.tab.measureSoon()

    def _onPress(self, view: SliceView) -> bool:
        if not self.tool or view.interactor.GetShiftKey() or view.interactor.GetControlKey():
            return False
        lesion = self.tab.selected
        try:
            if lesion is None:
                return True
            if self.tab.session.states.get(lesion.id, ("", ""))[0] == "running":
                self.tab.say(f"'{lesion.name}' is being segmented. Wait or cancel first.")
                return True
            erase = self.tool == ERASER
            stroke = Stroke(lesion, float(self.tab.state.radius), erase)
            words = "Erase in" if erase else "Paint in"
            touched = self._step.enter_context(
                self.tab.session.history.step(f"{words} {lesion.name}")
            )
            touched.append((lesion.segmentation, str(lesion.segmentId)))
            self._stroke = stroke
            self._move(view)
        except MasamError as error:
            self.tab.sayError(error)
        return True

    def _onMove(self, view: SliceView) -> bool:
        if self._stroke is None:
            return False
        self._move(view)
        return True

    def _onRelease(self, _view: SliceView) -> bool:
        if self._stroke is None:
            return False
        self.endStroke()
        return True

    def _move(self, view: SliceView) -> None:
        x, y = view.interactor.GetEventPosition()
        assert self._stroke is not None
        self._stroke.moveTo(view.rasAt(x, y), view.normal())
        for each in self.tab.views.slices.values():
            each.onChange()
