"""How masks are shown."""

from __future__ import annotations

from MASAMSlicerLib.scene.views import setSegmentsVisible

from masam_workbench.tab.context import TabContext

FILL = 0.15  # opacity of a mask in the slices: the image under it must stay readable


class Appearance:
    """Brings the scene's display nodes in line with the page, as a saved scene will show them."""

    def __init__(self, context: TabContext) -> None:
        self.context = context

    def toggleMasks(self) -> None:
        """The shortcut V: hide and show every segment."""
        self._setMasksVisible(not self.context.state.showMasks)

    def showMasks(self) -> None:
        """A result is there: show it, also where masks were hidden before."""
        self._setMasksVisible(True)

    def _setMasksVisible(self, visible: bool) -> None:
        self.context.state.showMasks = visible
        for node in self.context.nodes("vtkMRMLSegmentationNode"):
            setSegmentsVisible(node, visible, False)
            node.GetDisplayNode().SetVisibility3D(visible)
            node.GetDisplayNode().SetOpacity2DFill(FILL)
