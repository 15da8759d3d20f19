"""Brush and eraser with the mouse."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from MASAMSlicerLib.scene.touchup import Stroke

from masam_core.errors import ConfigError, MasamError
from masam_core.limits import BRUSH_MM
from masam_workbench.display.view import observe
from masam_workbench.tab.context import TabContext

if TYPE_CHECKING:
    from masam_workbench.display.sliceview import SliceView

BRUSH, ERASER = "brush", "eraser"


class TouchUp:
    """A stroke is one step that can be undone.

    Args:
        context: of the tab.
        leaveTools: puts every tool away.
        onStroke: called after each stroke.

    Attributes:
        tool: BRUSH, ERASER or an empty text.
    """

    def __init__(
        self,
        context: TabContext,
        leaveTools: Callable[[], None],
        onStroke: Callable[[], None],
    ) -> None:
        self.context = context
        self._leaveTools, self._onStroke = leaveTools, onStroke
        self.tool = ""
        self._stroke: Stroke | None = None
        self._step = contextlib.ExitStack()
        for view in context.views.slices.values():
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
        self._leaveTools()
        lesion = self.context.selected
        if lesion is None or lesion.segment is None:
            self.context.say("Segment a lesion first; brush and eraser correct its mask.")
            return
        self.tool = tool
        self.context.say("Drag in a slice. Each stroke can be undone; Esc puts the tool away.")
        self.context.refreshSoon()

    def stop(self) -> None:
        """Put the tool away."""
        self.endStroke()
        if self.tool:
            self.tool = ""
            self.context.refreshSoon()

    def endStroke(self) -> None:
        """The mouse has let go, or something else begins."""
        if self._stroke is not None:
            self._stroke = None
            self._step.close()
            self._onStroke()

    def _radius(self) -> float:
        """Radius as set in the page, mm; ConfigError for what the page's slider can't be set to."""
        value = self.context.state.radius
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ConfigError(f"The {BRUSH_MM.name} is {value!r}; expected {BRUSH_MM.words}.")
        BRUSH_MM.check(value)
        return float(value)

    def _onPress(self, view: SliceView) -> bool:
        if not self.tool or view.interactor.GetShiftKey() or view.interactor.GetControlKey():
            return False
        lesion = self.context.selected
        try:
            if lesion is None:
                return True
            if self.context.session.states.get(lesion.id, ("", ""))[0] == "running":
                self.context.say(f"'{lesion.name}' is being segmented. Wait or cancel first.")
                return True
            erase = self.tool == ERASER
            stroke = Stroke(lesion, self._radius(), erase)
            words = "Erase in" if erase else "Paint in"
            touched = self._step.enter_context(
                self.context.session.history.step(f"{words} {lesion.name}")
            )
            touched.append((lesion.segmentation, str(lesion.segmentId)))
            self._stroke = stroke
            self._move(view)
        except MasamError as error:
            self.context.sayError(error)
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
        for each in self.context.views.slices.values():
            each.onChange()
