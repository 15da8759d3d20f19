"""Window and level by dragging in a slice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from masam_workbench.display.view import observe

if TYPE_CHECKING:
    from masam_workbench.display.sliceview import SliceView
    from masam_workbench.tab.tab import Tab

_ACROSS = 400.0  # pixels of a drag that change window or level by as much as the window was


class Windowing:
    """Sideways the window, up and down the level.

    Attributes:
        tool: NAME while it is active, else an empty text.
    """

    NAME = "window"

    def __init__(self, tab: Tab) -> None:
        self.tab = tab
        self.tool = ""
        self._from: tuple[float, float, float, float] | None = None  # x, y, window, level
        for view in tab.views.slices.values():
            observe(view, "LeftButtonPressEvent", self._onPress)
            observe(view, "MouseMoveEvent", self._onMove)
            observe(view, "LeftButtonReleaseEvent", self._onRelease)

    def toggle(self) -> None:
        """Take the tool, or put it away."""
        active = bool(self.tool)
        self.tab.leaveTools()
        if not active and self.tab.volume is not None:
            self.tool = self.NAME
            self.tab.say("Drag in a slice: sideways the window, up and down the level. Esc ends.")
        self.tab.refreshSoon()

    def stop(self) -> None:
        """Back to the ordinary mouse."""
        if self.tool:
            self.tool, self._from = "", None
            self.tab.refreshSoon()

    def _onPress(self, view: SliceView) -> bool:
        if not self.tool or self.tab.volume is None:
            return False
        display = self.tab.volume.GetDisplayNode()
        x, y = view.interactor.GetEventPosition()
        self._from = (x, y, display.GetWindow(), display.GetLevel())
        return True

    def _onMove(self, view: SliceView) -> bool:
        if self._from is None or self.tab.volume is None:
            return False
        x, y = view.interactor.GetEventPosition()
        x0, y0, window, level = self._from
        step = max(abs(window), 1e-6) / _ACROSS
        display = self.tab.volume.GetDisplayNode()
        display.SetAutoWindowLevel(False)
        display.SetWindowLevel(max(window + (x - x0) * step, step), level + (y - y0) * step)
        with self.tab.state as state:
            state.preset = ""
        return True

    def _onRelease(self, _view: SliceView) -> bool:
        held, self._from = self._from is not None, None
        return held
