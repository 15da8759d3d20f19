"""Drawing a prompt with Slicer's own mouse modes: a Markups node that lives until it is drawn."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import promptnodes, views
from .nodes import removeWhole
from .promptnodes import LASSO, LINE, POINT, SCRIBBLE, SLICE_BOX

_CLASSES = {
    POINT: "vtkMRMLMarkupsFiducialNode",
    SCRIBBLE: "vtkMRMLMarkupsCurveNode",
    LASSO: "vtkMRMLMarkupsClosedCurveNode",
    LINE: "vtkMRMLMarkupsLineNode",
    SLICE_BOX: "vtkMRMLMarkupsLineNode",  # from corner to corner
}


class Drawing:
    """One prompt that is being drawn; what is left behind is its points alone.

    Args:
        scene: vtkMRMLScene.
        kind: a word of ``promptnodes``.
        positive: its colour says whether it belongs to the lesion.
    """

    def __init__(self, scene: Any, kind: str, positive: bool) -> None:
        self._scene = scene
        node = scene.CreateNodeByClass(_CLASSES[kind])
        node.UnRegister(None)
        node.SetName("Drawing")
        node.SetHideFromEditors(True)
        node.SetSaveWithScene(False)
        self.node = scene.AddNode(node)
        self.node.CreateDefaultDisplayNodes()
        display = self.node.GetDisplayNode()
        color = promptnodes.POSITIVE_COLOR if positive else promptnodes.NEGATIVE_COLOR
        display.SetSaveWithScene(False)
        display.SetSelectedColor(*color)
        display.SetColor(*color)
        display.SetPointLabelsVisibility(False)
        display.SetPropertiesLabelVisibility(False)
        if self.node.IsA("vtkMRMLMarkupsCurveNode"):
            self.node.SetCurveTypeToLinear()
            display.SetGlyphScale(0.6)
        views.startPlacing(self.node)

    def points(self) -> np.ndarray:
        """(n, 3) world RAS of what has been drawn so far."""
        return promptnodes.worldPoints(self.node)

    def end(self) -> np.ndarray:
        """Leave the tool and take the node away; the points that were drawn."""
        points = self.points()
        views.stopPlacing(self._scene)
        if self.node.GetScene() is self._scene:
            removeWhole(self._scene, self.node)
        return points
