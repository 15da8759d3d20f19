"""Masks into segments and back: one segment at a time, its neighbours never touched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import slicer
from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy
from vtkmodules.vtkCommonCore import reference
from vtkmodules.vtkCommonTransforms import vtkGeneralTransform

from masam_core.errors import SegmentationError
from masam_core.image.geometry import Geometry
from masam_core.lesion.crops import tight_slices

from .transforms import arrayToMatrix, sameTransform
from .volumes import geometryOf

LOCKED_TAG = "MASAM.Locked"
Mask = np.ndarray
Offset = tuple[int, int, int]


@dataclass(frozen=True)
class Look:
    """How a segment is named and shown.

    Attributes:
        name: of the segment.
        color: red, green, blue in [0, 1].
        terminology: value of the terminology tag, or empty to leave it.
    """

    name: str
    color: tuple[float, float, float]
    terminology: str = ""


def newSegmentation(volumeNode: Any, name: str) -> Any:
    """An empty segmentation node for a volume: its geometry, its transform, its study."""
    scene = volumeNode.GetScene()
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", scene.GenerateUniqueName(name))
    node.CreateDefaultDisplayNodes()
    attach(node, volumeNode)
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    if hierarchy is not None:
        own, image = hierarchy.GetItemByDataNode(node), hierarchy.GetItemByDataNode(volumeNode)
        if own and image:
            hierarchy.SetItemParent(own, hierarchy.GetItemParent(image))
    return node


def attach(segmentationNode: Any, volumeNode: Any) -> None:
    """Give an empty segmentation the volume's geometry and parent transform."""
    segmentation = segmentationNode.GetSegmentation()
    segmentation.SetSourceRepresentationName(labelmapName())
    segmentationNode.SetReferenceImageGeometryParameterFromVolumeNode(volumeNode)
    segmentationNode.SetAndObserveTransformNodeID(volumeNode.GetTransformNodeID())


def requireWritable(segmentationNode: Any, volumeNode: Any) -> None:
    """Raise SegmentationError where a mask of the volume can't be put into the segmentation."""
    if segmentationNode.GetSegmentation().GetNumberOfSegments() == 0:
        return
    if not sameTransform(segmentationNode, volumeNode):
        raise SegmentationError(
            f"'{segmentationNode.GetName()}' lies under another transform than "
            f"'{volumeNode.GetName()}'. Choose or create another segmentation."
        )


def writeSegment(
    segmentationNode: Any,
    segmentId: str | None,
    volumeNode: Any,
    mask: Mask,
    offset: Offset,
    look: Look,
    tags: dict[str, str],
) -> str:
    """Put a mask into a segment, a new one where ``segmentId`` is None or gone.

    Only this segment changes: one that shares its labelmap with others gets its own first where
    that is needed, and overlap with others is kept. An existing segment keeps its own name, colour
    and terminology.

    Args:
        mask: bool KJI crop of the volume.
        offset: KJI index of its first voxel.
        look: for a new segment.
        tags: written to the segment.

    Returns:
        The segment's ID.

    Raises:
        SegmentationError: the segment is locked, or lies under another transform than the volume;
            nothing has changed.
    """
    requireWritable(segmentationNode, volumeNode)
    segmentation = segmentationNode.GetSegmentation()
    segment = segmentation.GetSegment(segmentId) if segmentId else None
    if segment is not None and isLocked(segment):
        raise SegmentationError(f"The segment '{segment.GetName()}' is locked.")
    if segmentation.GetNumberOfSegments() == 0:
        attach(segmentationNode, volumeNode)
    image = _orientedImage(mask, offset, geometryOf(volumeNode))
    if segment is None:
        segment = slicer.vtkSegment()
        segment.SetName(look.name)
        segment.SetColor(*look.color)
        if look.terminology:
            segment.SetTag(slicer.vtkSegment.GetTerminologyEntryTagName(), look.terminology)
        segment.AddRepresentation(labelmapName(), image)
        segmentId = segmentation.GenerateUniqueSegmentID(segmentId or look.name)
        _setTags(segment, tags)
        if not segmentation.AddSegment(segment, segmentId):
            raise SegmentationError(f"The segment '{look.name}' could not be added.")
        if segmentation.ContainsRepresentation(surfaceName()):
            segmentationNode.CreateClosedSurfaceRepresentation()
        return str(segmentId)
    logic = slicer.vtkSlicerSegmentationsModuleLogic
    if not logic.SetBinaryLabelmapToSegment(
        image, segmentationNode, segmentId, logic.MODE_REPLACE, image.GetExtent()
    ):
        raise SegmentationError(f"The segment '{segment.GetName()}' could not be changed.")
    _setTags(segment, tags)
    return str(segmentId)


def readSegment(segmentationNode: Any, segmentId: str, volumeNode: Any) -> tuple[Mask, Offset]:
    """A segment on the volume's grid: its tight bool KJI crop and the offset of that.

    The crop is (0, 0, 0) in size where the segment is empty. A segment on another grid is
    resampled (nearest voxel).

    Raises:
        SegmentationError: no such segment.
    """
    segment = segmentationNode.GetSegmentation().GetSegment(segmentId)
    if segment is None:
        raise SegmentationError(f"There is no segment '{segmentId}' any more.")
    image = slicer.vtkOrientedImageData()
    segmentationNode.GetBinaryLabelmapRepresentation(segmentId, image)
    if not sameTransform(segmentationNode, volumeNode):
        logic = slicer.vtkSlicerSegmentationsModuleLogic
        logic.ApplyParentTransformToOrientedImageData(segmentationNode, image)
        _undoTransform(volumeNode, image)
    geometry = geometryOf(volumeNode)
    reference = _emptyLike(geometry)
    resample = slicer.vtkOrientedImageDataResample
    if not resample.DoGeometriesMatch(image, reference):
        target = slicer.vtkOrientedImageData()
        resample.ResampleOrientedImageToReferenceOrientedImage(image, reference, target)
        image = target
    return _clipped(image, geometry)


def labelmapName() -> str:
    """Name of the binary labelmap representation."""
    return slicer.vtkSegmentationConverter.GetSegmentationBinaryLabelmapRepresentationName()


def surfaceName() -> str:
    """Name of the closed surface representation."""
    return slicer.vtkSegmentationConverter.GetSegmentationClosedSurfaceRepresentationName()


def tagOf(segment: Any, name: str) -> str:
    """A segment's tag, or an empty text."""
    value = reference("")
    return str(value) if segment.GetTag(name, value) else ""


def isLocked(segment: Any) -> bool:
    """Whether the user has locked the segment here, or marked it completed in Slicer."""
    logic = slicer.vtkSlicerSegmentationsModuleLogic
    return tagOf(segment, LOCKED_TAG) == "1" or logic.GetSegmentStatus(segment) == logic.Completed


def setLocked(segment: Any, locked: bool) -> None:
    """Lock or unlock a segment; unlocking also takes the mark 'completed' away."""
    logic = slicer.vtkSlicerSegmentationsModuleLogic
    if locked:
        segment.SetTag(LOCKED_TAG, "1")
        return
    segment.RemoveTag(LOCKED_TAG)
    if logic.GetSegmentStatus(segment) == logic.Completed:
        logic.SetSegmentStatus(segment, logic.InProgress)


def _setTags(segment: Any, tags: dict[str, str]) -> None:
    for name, value in tags.items():
        segment.SetTag(name, value)


def _orientedImage(mask: Mask, offset: Offset, geometry: Geometry) -> Any:
    image = slicer.vtkOrientedImageData()
    k, j, i = offset
    depth, rows, cols = mask.shape
    image.SetExtent(i, i + cols - 1, j, j + rows - 1, k, k + depth - 1)
    values = numpy_to_vtk(np.ascontiguousarray(mask, np.uint8).reshape(-1), deep=True)
    values.SetName("LabelmapScalars")
    image.GetPointData().SetScalars(values)
    image.SetGeometryFromImageToWorldMatrix(arrayToMatrix(geometry.ijk_to_ras))
    return image


def _emptyLike(geometry: Geometry) -> Any:
    image = slicer.vtkOrientedImageData()
    i, j, k = geometry.size_ijk
    image.SetExtent(0, i - 1, 0, j - 1, 0, k - 1)
    image.SetGeometryFromImageToWorldMatrix(arrayToMatrix(geometry.ijk_to_ras))
    return image


def _undoTransform(volumeNode: Any, image: Any) -> None:
    """World to the volume's own space."""
    parent = volumeNode.GetParentTransformNode()
    if parent is None:
        return
    transform = vtkGeneralTransform()
    slicer.vtkMRMLTransformNode.GetTransformBetweenNodes(None, parent, transform)
    slicer.vtkOrientedImageDataResample.TransformOrientedImage(image, transform)


def _clipped(image: Any, geometry: Geometry) -> tuple[Mask, Offset]:
    empty = np.zeros((0, 0, 0), dtype=bool), (0, 0, 0)
    i0, i1, j0, j1, k0, k1 = image.GetExtent()
    scalars = image.GetPointData().GetScalars()
    if scalars is None or i1 < i0 or j1 < j0 or k1 < k0:
        return empty
    whole = vtk_to_numpy(scalars).reshape(k1 - k0 + 1, j1 - j0 + 1, i1 - i0 + 1) != 0
    first = np.array([k0, j0, i0])
    # A segment may reach beyond the volume; what lies outside can't be measured on it.
    low = np.maximum(first, 0)
    high = np.minimum(first + whole.shape, geometry.shape)
    if (low >= high).any():
        return empty
    whole = whole[tuple(slice(a, b) for a, b in zip(low - first, high - first, strict=True))]
    tight = tight_slices(whole)
    if tight is None:
        return empty
    k, j, i = (int(low[a] + tight[a].start) for a in range(3))
    return whole[tight].copy(), (k, j, i)
