"""The slice view that was used last: where the mouse is, or was."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from masam_core.image.geometry import closest_axes

from . import views
from .ends import PLANES
from .nodes import nodesOfClass
from .transforms import matrixToArray, worldToNode
from .volumes import geometryOf

CROSSHAIR = "vtkMRMLCrosshairNode"


class LastView:
    """Follows the mouse from slice view to slice view, by the scene's crosshair.

    Args:
        scene: vtkMRMLScene.
        onChange: called when the mouse has come into another view.
    """

    def __init__(self, scene: Any, onChange: Callable[[], None]) -> None:
        self._scene, self._onChange = scene, onChange
        self._node: Any = None
        self._watched: Any = None
        self._tag = 0

    def watch(self) -> None:
        """Watch the crosshair of the scene, which may be another one after it was loaded."""
        found = nodesOfClass(self._scene, CROSSHAIR)
        node = found[0] if found else None
        if node is self._watched:
            return
        self.stop()
        if node is not None:
            self._watched = node
            self._tag = node.AddObserver(node.CursorPositionModifiedEvent, self._onCursor)

    def stop(self) -> None:
        """Let go of it."""
        if self._watched is not None:
            self._watched.RemoveObserver(self._tag)
        self._watched = self._node = None

    def plane(self, volumeNode: Any) -> str:
        """The volume's plane, a word of ``ends.PLANES``, that is nearest to the view's slices."""
        geometry = geometryOf(volumeNode)
        node = self._view(volumeNode)
        if node is None:
            return PLANES[closest_axes(geometry.direction)[geometry.acquisition_axis]]
        matrix = matrixToArray(node.GetSliceToRAS())
        ends = worldToNode(volumeNode, np.stack([matrix[:3, 3], matrix[:3, 3] + matrix[:3, 2]]))
        step = np.diff(geometry.ijk_from_ras(ends), axis=0)[0] * geometry.spacing
        return PLANES[closest_axes(geometry.direction)[int(np.abs(step).argmax())]]

    def point(self, volumeNode: Any) -> np.ndarray:
        """World position (3,) of the centre of the view; ValueError where there is none."""
        node = self._view(volumeNode)
        if node is None:
            return views.currentPoint(volumeNode)
        return np.asarray(matrixToArray(node.GetSliceToRAS())[:3, 3])

    def _view(self, volumeNode: Any) -> Any:
        node = self._node
        if node is not None and node.GetScene() is self._scene:
            return node
        return views.acrossSlices(volumeNode)

    def _onCursor(self, crosshair: Any, _event: str) -> None:
        node = crosshair.GetCursorPositionXYZ([0.0, 0.0, 0.0])
        if node is not None and node is not self._node:  # none where it has left the views
            self._node = node
            self._onChange()
