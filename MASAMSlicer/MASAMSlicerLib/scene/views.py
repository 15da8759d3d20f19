"""The slice views: where they are, going somewhere, and placing a box in them."""

from __future__ import annotations

from typing import Any

import numpy as np

from masam_core.image.geometry import LPS_TO_RAS

from . import prompts
from .lesions import LesionEntry
from .nodes import nodesOfClass
from .segments import surfaceName
from .transforms import matrixToArray, nodeToWorld, worldToNode
from .volumes import geometryOf

CLOSE_UP = 1.6  # sides of the box that a view shows when it goes to a lesion


def sliceNodes(scene: Any) -> list[Any]:
    """The slice nodes of the layout."""
    nodes = nodesOfClass(scene, "vtkMRMLSliceNode")
    return [node for node in nodes if node.IsMappedInLayout()] or nodes


def acrossSlices(volumeNode: Any) -> Any:
    """The slice node that shows the volume's acquisition slices best, or None."""
    geometry = geometryOf(volumeNode)
    axis = geometry.acquisition_axis
    ends = geometry.ras_from_ijk(np.stack([np.zeros(3), np.eye(3)[axis]]))
    direction = (ends[1] - ends[0]) / np.linalg.norm(ends[1] - ends[0])
    best, found = 0.0, None
    for node in sliceNodes(volumeNode.GetScene()):
        normal = matrixToArray(node.GetSliceToRAS())[:3, 2]
        if abs(normal @ direction) > best:
            best, found = abs(float(normal @ direction)), node
    return found


def currentPoint(volumeNode: Any) -> np.ndarray:
    """World position (3,) of the centre of the view that shows the acquisition slices."""
    node = acrossSlices(volumeNode)
    if node is None:
        raise ValueError("There is no slice view to take the slice from.")
    return matrixToArray(node.GetSliceToRAS())[:3, 3]


def fitToView(roiNode: Any, volumeNode: Any) -> None:
    """Make the ROI hold what the slice views show of the volume, and not more than a half of it.

    Half of the view in each direction: a box at its very edge could not be grabbed.
    """
    geometry = geometryOf(volumeNode)
    points = []
    for node in sliceNodes(volumeNode.GetScene()):
        matrix = matrixToArray(node.GetSliceToRAS())
        width, height, _ = node.GetFieldOfView()
        for x in (-0.25, 0.25):
            for y in (-0.25, 0.25):
                points.append(matrix[:3, :] @ np.array([x * width, y * height, 0.0, 1.0]))
    if not points:
        raise ValueError("There is no slice view to fit the box to.")
    ijk = geometry.ijk_from_ras(worldToNode(volumeNode, np.array(points)))
    limit = np.array(geometry.size_ijk) - 0.5
    low, high = np.clip(ijk.min(axis=0), -0.5, limit), np.clip(ijk.max(axis=0), -0.5, limit)
    middle = (low + high) / 2
    low, high = np.minimum(low, middle - 0.5), np.maximum(high, middle + 0.5)
    prompts.alignRoi(roiNode, volumeNode, low, high)


def goTo(lesion: LesionEntry) -> None:
    """Centre every slice view on the lesion and show its surroundings."""
    if lesion.volume is None or (lesion.roi is None and lesion.provenance is None):
        return
    world = _corners(lesion)
    centre, reach = world.mean(axis=0), float(np.ptp(world, axis=0).max())
    for node in sliceNodes(lesion.volume.GetScene()):
        node.JumpSliceByCentering(*[float(v) for v in centre])
        width, height, depth = node.GetFieldOfView()
        if width > 0 and height > 0 and reach > 0:
            factor = max(CLOSE_UP * reach / min(width, height), 1e-3)
            node.SetFieldOfView(width * factor, height * factor, depth)
            matrix = node.GetSliceToRAS()
            for row in range(3):
                matrix.SetElement(row, 3, float(centre[row]))
            node.UpdateMatrices()


def startPlacing(node: Any) -> None:
    """The next clicks in a view now place this Markups node, e.g. the two corners of a ROI."""
    selection, interaction = _nodes(node.GetScene())
    selection.SetReferenceActivePlaceNodeClassName(node.GetClassName())
    selection.SetActivePlaceNodeID(node.GetID())
    interaction.SetPlaceModePersistence(0)
    interaction.SetCurrentInteractionMode(interaction.Place)


def stopPlacing(scene: Any) -> None:
    """Back to the ordinary mouse."""
    interaction = interactionNode(scene)
    if interaction.GetCurrentInteractionMode() == interaction.Place:
        interaction.SetCurrentInteractionMode(interaction.ViewTransform)


def isPlacing(scene: Any) -> bool:
    """Whether the next click places something."""
    interaction = interactionNode(scene)
    return bool(interaction.GetCurrentInteractionMode() == interaction.Place)


def isBeingPlaced(scene: Any, roiNode: Any) -> bool:
    """Whether the next click is a corner of this ROI.

    Between the two clicks it has a size already, which follows the mouse.
    """
    selection, interaction = _nodes(scene)
    return bool(
        interaction.GetCurrentInteractionMode() == interaction.Place
        and selection.GetActivePlaceNodeID() == roiNode.GetID()
    )


def interactionNode(scene: Any) -> Any:
    """The scene's interaction node."""
    return _nodes(scene)[1]


def setSegmentsVisible(segmentationNode: Any, visible: bool, surface: bool) -> None:
    """Show or hide a segmentation, and its surface in 3D."""
    if segmentationNode.GetDisplayNode() is None:
        segmentationNode.CreateDefaultDisplayNodes()
    display = segmentationNode.GetDisplayNode()
    display.SetVisibility(visible)
    setSurfaceVisible(segmentationNode, surface)


def areSegmentsVisible(segmentationNode: Any) -> bool:
    """Whether a segmentation is shown, in slices or in 3D."""
    display = segmentationNode.GetDisplayNode()
    return bool(display is not None and display.GetVisibility())


def setSurfaceVisible(segmentationNode: Any, surface: bool) -> None:
    """Show or hide a segmentation's surface in 3D; one that is hidden as a whole stays so."""
    if segmentationNode.GetDisplayNode() is None:
        segmentationNode.CreateDefaultDisplayNodes()
    segmentationNode.GetDisplayNode().SetVisibility3D(surface)
    if surface and segmentationNode.GetSegmentation().GetNumberOfSegments():
        segmentationNode.CreateClosedSurfaceRepresentation()


def showsSurface(segmentationNode: Any) -> bool:
    """Whether a surface of the segmentation can be seen in 3D."""
    display = segmentationNode.GetDisplayNode()
    if display is None or not (display.GetVisibility() and display.GetVisibility3D()):
        return False
    return hasSurface(segmentationNode)


def hasSurface(segmentationNode: Any) -> bool:
    """Whether a segmentation's surface has been made."""
    return bool(segmentationNode.GetSegmentation().ContainsRepresentation(surfaceName()))


def _corners(lesion: LesionEntry) -> np.ndarray:
    if lesion.roi is not None and min(lesion.roi.GetSize()) > 0:
        lps = prompts.cornersInVolume(lesion.roi, lesion.volume)
    elif lesion.provenance is not None:
        lps = lesion.provenance.corners
    else:
        lps = np.array([[*(-np.array(lesion.roi.GetCenter())[:2]), lesion.roi.GetCenter()[2]]])
    return nodeToWorld(lesion.volume, lps @ LPS_TO_RAS[:3, :3])


def _nodes(scene: Any) -> tuple[Any, Any]:
    """Selection and interaction node, of which every scene has one."""
    return (
        scene.GetNodeByID("vtkMRMLSelectionNodeSingleton"),
        scene.GetNodeByID("vtkMRMLInteractionNodeSingleton"),
    )
