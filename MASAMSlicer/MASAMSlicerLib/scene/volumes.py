"""Volume nodes as volumes of the core, and the frames of sequences."""

from __future__ import annotations

from typing import Any

import slicer
from vtkmodules.vtkCommonMath import vtkMatrix4x4

from masam_core.errors import VolumeError
from masam_core.image.geometry import LPS_TO_RAS, Geometry
from masam_core.image.intensity import intensity_unit
from masam_core.image.volume import Volume

from .nodes import nodesOfClass
from .transforms import matrixToArray

_HOUNSFIELD = "[hnsf'U]"  # UCUM
_known: dict[str, tuple[tuple[Any, ...], Volume]] = {}


def requireVolume(node: Any) -> None:
    """Raise VolumeError, in the user's words, for a node that can't be segmented."""
    if node is None:
        raise VolumeError("Choose a volume first.")
    name = node.GetName()
    image = node.GetImageData()
    if image is None or not image.GetNumberOfPoints():
        raise VolumeError(f"'{name}' holds no image. Load it again or choose another volume.")
    if node.IsA("vtkMRMLVectorVolumeNode") or image.GetNumberOfScalarComponents() != 1:
        count = image.GetNumberOfScalarComponents()
        raise VolumeError(
            f"'{name}' has {count} values per voxel (colour, vectors or several time points). "
            "Make one grey value per voxel first, e.g. with the module 'Vector to Scalar Volume'."
        )
    if node.IsA("vtkMRMLLabelMapVolumeNode"):
        raise VolumeError(f"'{name}' is a label map. Choose the image that it belongs to.")


def hasImage(node: Any) -> bool:
    """Whether a node is there and can be segmented."""
    try:
        requireVolume(node)
    except VolumeError:
        return False
    return True


def geometryOf(node: Any) -> Geometry:
    """The volume's grid in its own frame, parent transforms left out; raises VolumeError."""
    requireVolume(node)
    matrix = vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    i, j, k = node.GetImageData().GetDimensions()
    return Geometry((k, j, i), LPS_TO_RAS @ matrixToArray(matrix))


def volumeFromNode(node: Any) -> Volume:
    """A volume of the core on the node's own voxels (a view, nothing is copied).

    The last object is kept for each node, so that its content hash is computed once for as long
    as image and position do not change.

    Raises:
        VolumeError: no image, several values per voxel, a label map, a sheared grid.
    """
    geometry = geometryOf(node)
    image = node.GetImageData()
    modality = modalityOf(node)
    state = (
        image.GetMTime(),
        image.GetPointData().GetScalars().GetMTime(),
        geometry.ijk_to_lps.tobytes(),
        modality,
        node.GetName(),
    )
    key = node.GetAddressAsString("")  # VTK's modification times tell a later node from this one
    kept = _known.get(key)
    if kept is not None and kept[0] == state:
        return kept[1]
    volume = Volume(slicer.util.arrayFromVolume(node), geometry, modality, node.GetName())
    _known[key] = (state, volume)
    return volume


def forgetVolumes() -> None:
    """Let go of the images that were seen, e.g. when the scene closes."""
    _known.clear()


def modalityOf(node: Any) -> str | None:
    """CT, MR, ... as DICOM says, CT where the values are Hounsfield units, else None."""
    units = node.GetVoxelValueUnits() if hasattr(node, "GetVoxelValueUnits") else None
    if units is not None and units.GetCodeValue() == _HOUNSFIELD:
        return "CT"
    scene = node.GetScene()
    if scene is None:
        return None
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    item = hierarchy.GetItemByDataNode(node) if hierarchy is not None else 0
    if not item:
        return None
    name = slicer.vtkMRMLSubjectHierarchyConstants.GetDICOMSeriesModalityAttributeName()
    return hierarchy.GetItemAttribute(item, name) or None


def intensityUnitOf(node: Any) -> str | None:
    """HU where the volume is CT, by its modality or its values; None elsewhere or without image."""
    try:
        return intensity_unit(volumeFromNode(node).kind)
    except VolumeError:
        return None


def framesOf(node: Any) -> list[Any]:
    """The volume nodes of all frames where the node shows a frame of a sequence, else []."""
    sequence = sequenceOf(node)
    if sequence is None:
        return []
    return [sequence.GetNthDataNode(n) for n in range(sequence.GetNumberOfDataNodes())]


def sequenceOf(node: Any) -> Any:
    """The sequence whose current frame the node shows, or None."""
    browser = _browserOf(node)
    return None if browser is None else browser.GetSequenceNode(node)


def frameOf(node: Any) -> int:
    """Index of the frame that the node shows; 0 where it is none of a sequence."""
    browser = _browserOf(node)
    return 0 if browser is None else max(0, browser.GetSelectedItemNumber())


def showFrame(node: Any, number: int, logic: Any) -> None:
    """Have a node show another frame of its sequence, as Slicer's own browser does.

    Args:
        node: volume node that shows a frame.
        number: index of the frame; the first or last for what lies beyond them.
        logic: vtkSlicerSequencesLogic.
    """
    browser = _browserOf(node)
    if browser is None:
        return
    last = browser.GetNumberOfItems() - 1
    browser.SetSelectedItemNumber(max(0, min(number, last)))
    logic.UpdateProxyNodesFromSequences(browser)


def _browserOf(node: Any) -> Any:
    scene = node.GetScene() if node is not None else None
    if scene is None:
        return None
    for browser in nodesOfClass(scene, "vtkMRMLSequenceBrowserNode"):
        if browser.GetSequenceNode(node) is not None:
            return browser
    return None
