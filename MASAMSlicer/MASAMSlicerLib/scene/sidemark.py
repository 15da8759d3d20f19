"""A mark on the sides of a box that cut a lesion off, in slices and in 3D."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import vtk

from .extendable import Extendable
from .nodes import removeWhole
from .promptnodes import NEGATIVE_COLOR

GAP_MM, THICK_MM = 0.8, 1.6
NAME, ATTRIBUTE = "Ends flat here", "MASAM.CutSide"


class SideMarks:
    """Draws a slab beside each side; it is not the user's and never saved.

    Args:
        scene: vtkMRMLScene.
    """

    def __init__(self, scene: Any) -> None:
        self._scene = scene
        self._shown: list[np.ndarray] = []
        self._node: Any = None

    def show(self, sides: Sequence[Extendable]) -> None:
        """Mark these sides and no others."""
        corners = [_slab(side) for side in sides]
        there = self._node is not None and self._node.GetScene() is self._scene
        same = len(corners) == len(self._shown) and all(
            np.allclose(a, b) for a, b in zip(corners, self._shown, strict=True)
        )
        if same and (there or not corners):
            return
        self._shown = corners
        if not corners:
            self.remove()
            return
        if not there:
            self._node = self._make()
        self._node.SetAndObservePolyData(_surface(corners))

    def remove(self) -> None:
        """Take the marks away."""
        node, self._node, self._shown = self._node, None, []
        if node is not None and node.GetScene() is self._scene:
            removeWhole(self._scene, node)

    def _make(self) -> Any:
        node = self._scene.CreateNodeByClass("vtkMRMLModelNode")
        node.UnRegister(None)
        node.SetName(NAME)
        node.SetAttribute(ATTRIBUTE, "1")
        node.SetHideFromEditors(True)
        node.SetSaveWithScene(False)
        node.SetSelectable(False)
        node = self._scene.AddNode(node)
        node.CreateDefaultDisplayNodes()
        display = node.GetDisplayNode()
        display.SetSaveWithScene(False)
        display.SetColor(*NEGATIVE_COLOR)
        display.SetOpacity(0.7)
        display.SetAmbient(1.0)  # its colour says something: no light and shade
        display.SetDiffuse(0.0)
        display.SetBackfaceCulling(False)
        display.SetVisibility2D(True)
        display.SetSliceIntersectionThickness(3)
        return node


def _slab(side: Extendable) -> np.ndarray:
    """Corners (8, 3): beside the line of the box, so that they are seen in slices, too."""
    return np.vstack([side.corners + mm * side.outwards for mm in (GAP_MM, GAP_MM + THICK_MM)])


def _surface(slabs: Sequence[np.ndarray]) -> Any:
    """Slabs as a vtkPolyData."""
    points, cells = vtk.vtkPoints(), vtk.vtkCellArray()
    around = [(0, 1, 2, 3), (4, 5, 6, 7)] + [
        (n, (n + 1) % 4, (n + 1) % 4 + 4, n + 4) for n in range(4)
    ]
    for corners in slabs:
        first = points.GetNumberOfPoints()
        for corner in corners:
            points.InsertNextPoint(*[float(v) for v in corner])
        for face in around:
            cells.InsertNextCell(4)
            for number in face:
                cells.InsertCellPoint(first + number)
    data = vtk.vtkPolyData()
    data.SetPoints(points)
    data.SetPolys(cells)
    return data
