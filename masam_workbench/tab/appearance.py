"""How masks and boxes are shown."""

from __future__ import annotations

from MASAMSlicerLib.scene import views

from masam_workbench.display.view import observe
from masam_workbench.tab.context import TabContext

FILL = 0.22  # opacity of a mask in the slices: the image under it must stay readable
HANDLES = 2.0  # size of a box's handles, per cent of the view


class Appearance:
    """Brings the scene's display nodes in line with the page."""

    def __init__(self, context: TabContext) -> None:
        self.context = context
        for view in context.views.slices.values():
            observe(view, "MouseMoveEvent", lambda _: self._mouseIn3D(False))
        observe(context.views.space, "MouseMoveEvent", lambda _: self._mouseIn3D(True))

    def toggleMasks(self) -> None:
        """The shortcut V: hide and show every segment."""
        self._setMasksVisible(not self.context.state.showMasks)

    def showMasks(self) -> None:
        """A result is there: show it, also where masks were hidden before."""
        self._setMasksVisible(True)

    def _setMasksVisible(self, visible: bool) -> None:
        """Masks in slices and space; the first thing in space is looked at."""
        with self.context.state as state:
            state.showMasks = visible
        nodes = self.context.nodes("vtkMRMLSegmentationNode")
        for node in nodes:
            views.setSegmentsVisible(node, visible, visible)
            node.GetDisplayNode().SetOpacity2DFill(FILL)
        self.context.views.lookOnce(nodes[0] if nodes else None)

    def showHandles(self) -> None:
        """Only the selected box has handles: with several boxes, theirs would hide the image."""
        for lesion in self.context.lesions():
            display = lesion.roi.GetDisplayNode() if lesion.roi is not None else None
            if display is not None:
                display.SetHandlesInteractive(lesion.id == self.context.state.selected)
                display.SetInteractionHandleScale(HANDLES)
        self.context.session.handles.refresh()

    def _mouseIn3D(self, inside: bool) -> bool:
        self.context.session.handles.mouseIn3D(inside)
        return False
