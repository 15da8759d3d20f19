"""Window and level by dragging in a slice."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from masam_workbench.display.view import observe
from masam_workbench.tab.context import TabContext

if TYPE_CHECKING:
    from masam_workbench.display.sliceview import SliceView

_ACROSS = 400.0  # pixels of a drag that change window or level by as much as the window was


class Windowing:
    """Sideways the window, up and down the level.

    Args:
        context: of the tab.
        leaveTools: puts every tool away.

    Attributes:
        tool: NAME while it is active, else an empty text.
    """

    NAME = "window"

    def __init__(self, context: TabContext, leaveTools: Callable[[], None]) -> None:
        self.context = context
        self._leaveTools = leaveTools
        self.tool = ""
        self._from: tuple[float, float, float, float] | None = None  # x, y, window, level
        for view in context.views.slices.values():
            observe(view, "LeftButtonPressEvent", self._onPress)
            observe(view, "MouseMoveEvent", self._onMove)
            observe(view, "LeftButtonReleaseEvent", self._onRelease)

    def toggle(self) -> None:
        """Take the tool, or put it away."""
        active = bool(self.tool)
        self._leaveTools()
        if not active and self.context.volume is not None:
            self.tool = self.NAME
            self.context.say(
                "Drag in a slice: sideways the window, up and down the level. Esc ends."
            )
        self.context.refreshSoon()

    def stop(self) -> None:
        """Back to the ordinary mouse."""
        if self.tool:
            self.tool, self._from = "", None
            self.context.refreshSoon()

    def _onPress(self, view: SliceView) -> bool:
        if not self.tool or self.context.volume is None:
            return False
        display = self.context.volume.GetDisplayNode()
        x, y = view.interactor.GetEventPosition()
        self._from = (x, y, display.GetWindow(), display.GetLevel())
        return True

    def _onMove(self, view: SliceView) -> bool:
        if self._from is None or self.context.volume is None:
            return False
        x, y = view.interactor.GetEventPosition()
        x0, y0, window, level = self._from
        step = max(abs(window), 1e-6) / _ACROSS
        display = self.context.volume.GetDisplayNode()
        display.SetAutoWindowLevel(False)
        display.SetWindowLevel(max(window + (x - x0) * step, step), level + (y - y0) * step)
        with self.context.state as state:
            state.preset = ""
        return True

    def _onRelease(self, _view: SliceView) -> bool:
        held, self._from = self._from is not None, None
        return held
