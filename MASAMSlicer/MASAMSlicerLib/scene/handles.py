"""Which handles of a lesion's box can be grabbed where."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .lesions import LESION, ROI_CLASS
from .nodes import nodesOfClass


class MoveHandles:
    """Keeps boxes from being moved as a whole in 3D views; sides and corners stay.

    In 3D the handle in the middle lies where one takes hold of the view to turn it, and the box
    would leave its lesion unseen. A display node has one setting for all views, so it goes with
    the mouse. The centre is a control point of the ROI, too, which no setting of the display takes
    off one kind of view: it goes along.

    Both settings are part of what is saved, in a scene as in a single .mrk.json file, and Slicer's
    core says of neither that it is about to be written. So they are touched only while the mouse
    is in a 3D view, and every box has its own back as soon as the mouse is elsewhere: in the
    dialog that saves, for one.

    Args:
        scene: vtkMRMLScene.
    """

    def __init__(self, scene: Any) -> None:
        self._scene = scene
        self._in3D = False
        # ROI's ID to what the user had: handle of the display (None without one), centre point.
        self._former: dict[str, tuple[Any, bool | None, bool | None]] = {}

    def refresh(self) -> None:
        """Take the handles off boxes that have come while the mouse is in a 3D view."""
        if not self._in3D:
            return
        for roi in nodesOfClass(self._scene, ROI_CLASS):
            if roi.GetAttribute(LESION):
                self._takeOff(roi)

    def mouseIn3D(self, inside: bool) -> None:
        """The mouse is in a 3D view, or anywhere else."""
        if inside != self._in3D:
            self._in3D = inside
            if inside:
                self.refresh()
            else:
                self._giveBack()

    def release(self) -> None:
        """Give every box its own handles back, for other modules."""
        self.mouseIn3D(False)

    @contextmanager
    def released(self) -> Iterator[None]:
        """Boxes with their own handles as long as something is written."""
        inside = self._in3D
        self.release()
        try:
            yield
        finally:
            self.mouseIn3D(inside)

    def _takeOff(self, roi: Any) -> None:
        known = self._former.get(roi.GetID())
        if known is None or known[0] is not roi:  # an undone deletion makes another node
            self._former[roi.GetID()] = known = (roi, None, None)
        _, handle, centre = known
        display = roi.GetDisplayNode()
        if handle is None and display is not None:
            handle = bool(display.GetTranslationHandleVisibility())
            display.SetTranslationHandleVisibility(False)
        if centre is None and roi.GetNumberOfControlPoints():  # none until it is placed
            centre = bool(roi.GetNthControlPointVisibility(0))
            roi.SetNthControlPointVisibility(0, False)
        self._former[roi.GetID()] = (roi, handle, centre)

    def _giveBack(self) -> None:
        former, self._former = self._former, {}
        for roi, handle, centre in former.values():
            if roi.GetScene() is not self._scene:  # deleted meanwhile
                continue
            display = roi.GetDisplayNode()
            if handle is not None and display is not None:
                display.SetTranslationHandleVisibility(handle)
            if centre is not None and roi.GetNumberOfControlPoints():
                roi.SetNthControlPointVisibility(0, centre)
