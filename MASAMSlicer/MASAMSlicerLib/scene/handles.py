"""Which handles of a lesion's box can be grabbed where."""

from __future__ import annotations

from typing import Any

from .lesions import LESION, ROI_CLASS
from .nodes import nodesOfClass


class MoveHandles:
    """Lets boxes be moved as a whole in slice views alone; sides and corners everywhere.

    In 3D the handle in the middle lies where one takes hold of the view to turn it, and the box
    would leave its lesion unseen. A display node has one setting for all views, so it goes with
    the mouse. The centre is a control point of the ROI, too, which no setting of the display takes
    off one kind of view: it is invisible, and the handle of the display node stands for it.

    Args:
        scene: vtkMRMLScene.
    """

    def __init__(self, scene: Any) -> None:
        self._scene = scene
        self._inSlice = False

    def refresh(self) -> None:
        """Bring all boxes of lesions in line; nothing is modified that is so already."""
        for roi in self._rois():
            _setMovable(roi, self._inSlice)

    def mouseIn(self, sliceView: bool) -> None:
        """The mouse is in a slice view, or anywhere else."""
        if sliceView != self._inSlice:
            self._inSlice = sliceView
            self.refresh()

    def follow(self, crosshairNode: Any) -> None:
        """Take from the crosshair node where the mouse is; outside slice views it has no slice."""
        self.mouseIn(crosshairNode.GetCursorPositionXYZ([0.0, 0.0, 0.0]) is not None)

    def release(self) -> None:
        """Give boxes the handles of any other ROI, for other modules."""
        self._inSlice = False
        for roi in self._rois():
            if roi.GetDisplayNode() is not None:
                roi.GetDisplayNode().SetTranslationHandleVisibility(True)
            if roi.GetNumberOfControlPoints():
                roi.SetNthControlPointVisibility(0, True)

    def _rois(self) -> list[Any]:
        return [roi for roi in nodesOfClass(self._scene, ROI_CLASS) if roi.GetAttribute(LESION)]


def _setMovable(roi: Any, movable: bool) -> None:
    display = roi.GetDisplayNode()
    if display is not None and bool(display.GetTranslationHandleVisibility()) != movable:
        display.SetTranslationHandleVisibility(movable)
    if roi.GetNumberOfControlPoints() and roi.GetNthControlPointVisibility(0):
        roi.SetNthControlPointVisibility(0, False)
