"""Points between world and a node's own space, whatever transforms lie in between."""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer
from vtkmodules.vtkCommonMath import vtkMatrix4x4
from vtkmodules.vtkCommonTransforms import vtkGeneralTransform


def matrixToArray(matrix: Any) -> np.ndarray:
    """A vtkMatrix4x4 as (4, 4)."""
    return np.array([[matrix.GetElement(row, col) for col in range(4)] for row in range(4)])


def arrayToMatrix(values: np.ndarray) -> Any:
    """(4, 4) as a vtkMatrix4x4."""
    matrix = vtkMatrix4x4()
    for row in range(4):
        for col in range(4):
            matrix.SetElement(row, col, float(values[row][col]))
    return matrix


def worldToNode(node: Any, points: np.ndarray) -> np.ndarray:
    """World RAS (n, 3) into a transformable node's own RAS: its parent transforms undone."""
    return _between(None, node.GetParentTransformNode(), points)


def nodeToWorld(node: Any, points: np.ndarray) -> np.ndarray:
    """A transformable node's own RAS (n, 3) into world RAS."""
    return _between(node.GetParentTransformNode(), None, points)


def sameTransform(first: Any, second: Any) -> bool:
    """Whether two nodes lie under the same parent transform (or both under none)."""
    return (first.GetTransformNodeID() or None) == (second.GetTransformNodeID() or None)


def _between(source: Any, target: Any, points: np.ndarray) -> np.ndarray:
    points = np.atleast_2d(np.asarray(points, dtype=float))
    if source is None and target is None:
        return points.copy()
    transform = vtkGeneralTransform()
    slicer.vtkMRMLTransformNode.GetTransformBetweenNodes(source, target, transform)
    return np.array([transform.TransformPoint(*point) for point in points])
