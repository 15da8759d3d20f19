"""Finding nodes of a scene."""

from __future__ import annotations

from typing import Any


def nodesOfClass(scene: Any, kind: str) -> list[Any]:
    """All nodes of a class in a scene, in the scene's order.

    Not slicer.util.getNodesByClass, which looks into slicer.mrmlScene whatever scene it is given.
    """
    return [scene.GetNthNodeByClass(n, kind) for n in range(scene.GetNumberOfNodesByClass(kind))]


def removeWhole(scene: Any, node: Any) -> None:
    """Remove a displayable node together with its display nodes, which would stay in the scene."""
    displays = [node.GetNthDisplayNode(n) for n in range(node.GetNumberOfDisplayNodes())]
    scene.RemoveNode(node)
    for display in displays:
        if display is not None and display.GetScene() is scene:
            scene.RemoveNode(display)
