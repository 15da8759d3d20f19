"""Markups ROIs as box prompts, and ROIs laid on a volume."""

from __future__ import annotations

from typing import Any

import numpy as np

from masam_core.errors import BoxError
from masam_core.image.geometry import LPS_TO_RAS, Geometry
from masam_core.lesion.crops import tight_slices
from masam_core.prompts.boxes import CORNER_BITS, BoxPrompt

from .transforms import arrayToMatrix, matrixToArray, nodeToWorld, worldToNode
from .volumes import geometryOf


def cornersInVolume(roiNode: Any, volumeNode: Any) -> np.ndarray:
    """The ROI's eight corners (8, 3) in the volume's own LPS, mm.

    ROI to world (its parent transforms included), world to the volume's own space (its parent
    transforms undone, linear or not). Corner bi + 2 bj + 4 bk as in BoxPrompt.

    Raises:
        BoxError: a ROI that has not been drawn.
    """
    return cornersOnVolume(cornersInWorld(roiNode), volumeNode)


def cornersOnVolume(world: np.ndarray, volumeNode: Any) -> np.ndarray:
    """World RAS (n, 3) in the volume's own LPS, mm."""
    return np.asarray(worldToNode(volumeNode, world) @ LPS_TO_RAS[:3, :3])


def cornersInWorld(roiNode: Any) -> np.ndarray:
    """The ROI's eight corners (8, 3) in the world's RAS, mm, in the same order.

    Raises:
        BoxError: a ROI that has not been drawn.
    """
    if roiNode is None:
        raise BoxError("Draw a box around the lesion first.")
    size = np.array(roiNode.GetSize())
    if not (size > 0).all() or not np.isfinite(size).all():
        raise BoxError(f"The box '{roiNode.GetName()}' has no size yet; draw it in a slice view.")
    objectToWorld = matrixToArray(roiNode.GetObjectToWorldMatrix())
    corners = (CORNER_BITS - 0.5) * size
    return np.asarray(corners @ objectToWorld[:3, :3].T + objectToWorld[:3, 3])


def boxFromRoi(
    roiNode: Any, volumeNode: Any, geometry: Geometry | None = None, name: str = ""
) -> BoxPrompt:
    """The ROI as a prompt on the volume's grid.

    Raises:
        BoxError: not drawn.
        VolumeError: see geometryOf.
    """
    geometry = geometry or geometryOf(volumeNode)
    corners = geometry.ijk_from_lps(cornersInVolume(roiNode, volumeNode))
    return BoxPrompt(corners, name or roiNode.GetName() or "Lesion")


def alignRoi(roiNode: Any, volumeNode: Any, low: np.ndarray, high: np.ndarray) -> None:
    """Lay the ROI along the volume's axes, from continuous index ``low`` to ``high`` (i, j, k).

    Whole voxels ``a`` to ``b`` are ``a - 0.5`` to ``b + 0.5``. The ROI keeps its parent transform.
    """
    geometry = geometryOf(volumeNode)
    low, high = np.asarray(low, float), np.asarray(high, float)
    ends = np.stack([low, *(low + np.eye(3) * (high - low))])
    ras = geometry.ras_from_ijk(np.vstack([ends, (low + high) / 2]))
    _lay(roiNode, nodeToWorld(volumeNode, ras))


def layRoi(roiNode: Any, volumeNode: Any, corners: np.ndarray) -> None:
    """Lay the ROI on eight corners (8, 3) in the volume's own LPS, mm, as of cornersInVolume.

    The ROI keeps its parent transform.
    """
    points = np.vstack([corners[[0, 1, 2, 4]], corners.mean(axis=0)])
    _lay(roiNode, nodeToWorld(volumeNode, points @ LPS_TO_RAS[:3, :3]))


def _lay(roiNode: Any, world: np.ndarray) -> None:
    """World RAS of one corner, of its neighbours along the ROI's three axes, and of the centre."""
    own = worldToNode(roiNode, world)
    edges = own[1:4] - own[0]
    size = np.linalg.norm(edges, axis=1)
    # The closest rotation: under a non-linear transform the edges need not be at right angles.
    u, _, vt = np.linalg.svd((edges / size[:, None]).T)
    matrix = np.eye(4)
    matrix[:3, :3] = u @ vt
    matrix[:3, 3] = own[4]
    roiNode.SetAndObserveObjectToNodeMatrix(arrayToMatrix(matrix))
    roiNode.SetSize(*[float(v) for v in size])


def alignedBounds(roiNode: Any, volumeNode: Any) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest continuous index (i, j, k) that the ROI reaches in the volume."""
    corners = boxFromRoi(roiNode, volumeNode).corners_ijk
    return corners.min(axis=0), corners.max(axis=0)


def roiFromMask(
    roiNode: Any, volumeNode: Any, mask: np.ndarray, offset: tuple[int, int, int]
) -> None:
    """Lay the ROI tightly around a mask (KJI crop at ``offset``).

    Raises:
        BoxError: an empty mask.
    """
    tight = tight_slices(mask)
    if tight is None:
        raise BoxError("There is no voxel to put a box around.")
    low = np.array([o + s.start for o, s in zip(offset, tight, strict=True)])[::-1]
    high = np.array([o + s.stop for o, s in zip(offset, tight, strict=True)])[::-1]
    alignRoi(roiNode, volumeNode, low - 0.5, high - 0.5)
