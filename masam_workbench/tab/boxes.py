"""Boxes: drawing one with the mouse, and setting its ends."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from MASAMSlicerLib.control.boxactions import BoxActions
from MASAMSlicerLib.scene import placing, views

from masam_workbench.display.view import observe
from masam_workbench.tab.context import TabContext

if TYPE_CHECKING:
    from masam_workbench.display.sliceview import SliceView
    from masam_workbench.display.view import View

DRAG_PIXELS = 8  # further apart, press and release are two corners and not one click


class Boxes:
    """The box tool.

    Args:
        context: of the tab.
        leaveTools: puts every tool away.
        onRest: called with a lesion's id when its box was changed.
    """

    def __init__(
        self,
        context: TabContext,
        leaveTools: Callable[[], None],
        onRest: Callable[[str], None],
    ) -> None:
        self.context = context
        self._leaveTools, self._onRest = leaveTools, onRest
        self._actions = BoxActions(context, onRest)
        self._placing = ""
        self._pressed: tuple[int, int] | None = None
        self._view: SliceView | None = None
        self._sending = False
        mode = views.interactionNode(context.scene)
        mode.AddObserver(mode.InteractionModeChangedEvent, self._onMode)
        for view in context.views.slices.values():
            # Slicer takes a corner at each release: a drag is made two clicks.
            view.interactor.AddObserver("LeftButtonPressEvent", partial(self._onPress, view), -10.0)
            observe(view, "LeftButtonReleaseEvent", self._onRelease)
        # The 3D view would place corners too, and has no plane to lay them in.
        for event in ("LeftButtonPressEvent", "LeftButtonDoubleClickEvent"):
            observe(context.views.space, event, self._onSpace)
        for event in ("LeftButtonReleaseEvent", "MouseMoveEvent"):
            observe(context.views.space, event, lambda _: self.active)

    @property
    def active(self) -> bool:
        """Whether the next click places a corner."""
        return bool(self._placing)

    def toggle(self) -> None:
        """The shortcut B."""
        if self.active:
            self.stop()
        else:
            self.start()

    def start(self) -> None:
        """The next two clicks, or one drag, in a slice view draw a box."""
        context = self.context
        if context.volume is None:
            context.say("Open an image first.")
            return
        self._leaveTools()
        self._pressed = self._view = None
        self._placing = self._actions.startPlacing()
        context.say("Draw the box: drag from corner to corner in a slice, or click both corners.")

    def stop(self) -> None:
        """Leave the tool; a lesion without a box does not stay."""
        if not self.active:
            return
        placed, self._placing = self._placing, ""
        self._actions.stopPlacing(placed)

    def setEnd(self, end: int) -> None:
        """The slice that is shown becomes the box's first or last one."""
        self._actions.setEnd(end)

    def _onMode(self, *_: object) -> None:
        """The second corner is there."""
        if not self.active or views.isPlacing(self.context.scene):
            return
        lesion = self.context.session.lesions.lesion(self._placing)
        self.stop()
        drawn = lesion is not None and lesion.roi is not None and placing.isDrawn(lesion.roi)
        if lesion is None or not drawn or self._view is None:
            self.context.say("No box was drawn. Press B and try again.")
            return
        placing.completeBox(lesion.roi, lesion.volume, self._view.normal())
        self.context.say(
            placing.boxWarning(lesion) or "Adjust the box until it is tight, then Segment."
        )
        self._onRest(lesion.id)

    def _onSpace(self, _view: View) -> bool:
        if self.active:
            self.context.say("Draw the box in a slice.")
        return self.active

    def _onPress(self, view: SliceView, *_: object) -> None:
        if self.active and not self._sending:
            self._pressed, self._view = view.interactor.GetEventPosition(), view
            self._send(view, "LeftButtonReleaseEvent")

    def _onRelease(self, view: SliceView) -> bool:
        if self._sending:
            return False
        pressed, self._pressed = self._pressed, None
        if not self.active or pressed is None:
            return False
        here = view.interactor.GetEventPosition()
        if max(abs(a - b) for a, b in zip(pressed, here, strict=True)) < DRAG_PIXELS:
            return True  # the click's own release has been sent already
        self._send(view, "LeftButtonPressEvent")
        return False

    def _send(self, view: SliceView, event: str) -> None:
        self._sending = True
        try:
            view.interactor.InvokeEvent(event)
        finally:
            self._sending = False
