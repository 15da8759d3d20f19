"""Between the MRML scene and files. Runs on the main thread, in Slicer and on slicer-core."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import slicer
import vtk

from .command import makeCoreImportable

makeCoreImportable()

from masam_core.roi import write_roi  # noqa: E402 - found only now in a source checkout

RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0])


def exportVolume(volumeNode: Any, path: Path) -> None:
    """Write a volume in its own frame, without its parent transform.

    Raises:
        ValueError: no volume, colour or vectors, or a transform that is not linear.
        RuntimeError: the file can't be written.
    """
    if volumeNode is None or volumeNode.GetImageData() is None:
        raise ValueError("Choose a volume that holds an image.")
    components = volumeNode.GetImageData().GetNumberOfScalarComponents()
    if components != 1:
        raise ValueError(
            f"'{volumeNode.GetName()}' has {components} values per voxel (colour or vectors). "
            "Convert it with 'Vector to Scalar Volume' first."
        )
    volumeToWorld(volumeNode)
    storage = slicer.vtkMRMLVolumeArchetypeStorageNode()
    storage.SetFileName(str(path))
    if not storage.WriteData(volumeNode):
        raise RuntimeError(f"'{volumeNode.GetName()}' could not be written to {path}.")


def exportRoi(roiNode: Any, volumeNode: Any, path: Path) -> None:
    """Write a ROI in the volume's own frame, whatever transforms the two lie under.

    Raises:
        ValueError: no ROI, a ROI without size, or a volume under a transform that is not linear.
    """
    if roiNode is None:
        raise ValueError("Choose or draw a ROI (a box around the lesion).")
    objectToWorld = asArray(roiNode.GetObjectToWorldMatrix())
    objectToVolume = np.linalg.inv(volumeToWorld(volumeNode)) @ objectToWorld
    lengths = np.linalg.norm(objectToVolume[:3, :3], axis=0)
    size = np.array(roiNode.GetSize()) * lengths
    if not (size > 0).all():
        raise ValueError(f"The ROI '{roiNode.GetName()}' has no size yet; draw it first.")
    axes = objectToVolume[:3, :3] / lengths
    write_roi(path, RAS_TO_LPS @ objectToVolume[:3, 3], size, RAS_TO_LPS @ axes, roiNode.GetName())


def importSegments(path: Path, volumeNode: Any, outputNode: Any) -> list[str]:
    """Add the segments of a ``.seg.nrrd`` file to a segmentation of the scene.

    They are read outside the scene and copied in one go; segments that are there stay as they
    are. An empty output takes the volume's geometry and lies under the volume's transform.

    Returns:
        The new segments' IDs.

    Raises:
        ValueError: the output has segments and lies under another transform than the volume.
        RuntimeError: the file can't be read. In both cases the output is unchanged.
    """
    target = outputNode.GetSegmentation()
    empty = target.GetNumberOfSegments() == 0
    if not empty and outputNode.GetTransformNodeID() != volumeNode.GetTransformNodeID():
        raise ValueError(
            f"'{outputNode.GetName()}' lies under another transform than "
            f"'{volumeNode.GetName()}'. Choose or create another segmentation."
        )
    private = slicer.vtkMRMLScene()
    readNode = slicer.vtkMRMLSegmentationNode()
    private.AddNode(readNode)
    storage = slicer.vtkMRMLSegmentationStorageNode()
    private.AddNode(storage)
    storage.SetFileName(str(path))
    if not storage.ReadData(readNode):
        raise RuntimeError(f"The result {path} could not be read.")
    source = readNode.GetSegmentation()
    if empty:
        target.SetSourceRepresentationName(
            slicer.vtkSegmentationConverter.GetSegmentationBinaryLabelmapRepresentationName()
        )
        outputNode.SetReferenceImageGeometryParameterFromVolumeNode(volumeNode)
        outputNode.SetAndObserveTransformNodeID(volumeNode.GetTransformNodeID())
    added = []
    for index in range(source.GetNumberOfSegments()):
        segment = slicer.vtkSegment()
        segment.DeepCopy(source.GetNthSegment(index))
        segmentId = target.GenerateUniqueSegmentID(segment.GetName())
        target.AddSegment(segment, segmentId)
        added.append(segmentId)
    return added


def volumeToWorld(volumeNode: Any) -> np.ndarray:
    """(4, 4) from the volume's own RAS to world RAS.

    Raises:
        ValueError: a transform that is not linear.
    """
    parent = volumeNode.GetParentTransformNode()
    if parent is None:
        return np.eye(4)
    if not parent.IsTransformToWorldLinear():
        raise ValueError(
            f"'{volumeNode.GetName()}' lies under a transform that is not linear. Harden it first."
        )
    matrix = vtk.vtkMatrix4x4()
    parent.GetMatrixTransformToWorld(matrix)
    return asArray(matrix)


def asArray(matrix: Any) -> np.ndarray:
    """A vtkMatrix4x4 as (4, 4)."""
    return np.array([[matrix.GetElement(row, col) for col in range(4)] for row in range(4)])
