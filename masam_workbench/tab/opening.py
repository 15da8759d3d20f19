"""What was saved is opened again as it was: whole scenes, and segmentations on their image."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import slicer
from MASAMSlicerLib.control.twostudies import EARLIER_REFERENCE
from MASAMSlicerLib.scene.handedits import EMPTY
from MASAMSlicerLib.scene.lesions import LABEL, LesionList
from MASAMSlicerLib.scene.provenance import Provenance
from MASAMSlicerLib.scene.segments import attach, readSegment
from MASAMSlicerLib.scene.volumes import requireVolume, volumeFromNode

from masam_core.errors import MasamError, SegmentationError, VolumeError
from masam_core.prompts.boxes import BoxPrompt
from masam_core.prompts.record import PromptRecord

_VOLUME, _SEGMENTATION = "vtkMRMLScalarVolumeNode", "vtkMRMLSegmentationNode"
_HIERARCHY = "vtkMRMLSubjectHierarchyNode"


def importScene(scene: Any, path: Path) -> tuple[Any, list[Any]]:
    """Bring a saved scene into another one.

    Args:
        scene: vtkMRMLScene.
        path: of the .mrml file, whose data lie below its folder.

    Returns:
        The volume node to show: a next study, else the one with the most lesions, else the first;
        and all nodes that came.

    Raises:
        VolumeError: it can't be read, or has no image; nothing was added.
    """
    before = {node.GetID() for node in ownNodes(scene)}
    url, root = scene.GetURL(), scene.GetRootDirectory()
    try:
        scene.SetURL(str(path))
        scene.SetRootDirectory(str(path.parent))
        read = bool(scene.Import())
    finally:
        scene.SetURL(url)
        scene.SetRootDirectory(root)
    came = [node for node in ownNodes(scene) if node.GetID() not in before]
    lesions = LesionList(scene)
    volumes = [node for node in came if node.IsA(_VOLUME) and _canBeShown(node)]
    if not read or not volumes:
        _remove(scene, came)
        raise VolumeError(
            "There is no image in this scene that can be shown."
            if read
            else "The scene can't be read: it is damaged. Save it again, or open the image alone."
        )

    def rank(node: Any) -> tuple[bool, int]:
        return node.GetNodeReference(EARLIER_REFERENCE) in volumes, len(lesions.lesions(node))

    return max(volumes, key=rank), came


def ownNodes(scene: Any) -> list[Any]:
    """The nodes of what was opened: those that a file would hold, and no other scene has."""
    nodes = [scene.GetNthNode(number) for number in range(scene.GetNumberOfNodes())]
    return [
        node
        for node in nodes
        if node.GetSaveWithScene() and not node.GetSingletonTag() and not node.IsA(_HIERARCHY)
    ]


def removeAllBut(scene: Any, kept: Sequence[Any]) -> None:
    """Take all that was opened out of a scene, except for these nodes."""
    ids = {node.GetID() for node in kept if node is not None}
    _remove(scene, [node for node in ownNodes(scene) if node.GetID() not in ids])


def readSegmentation(scene: Any, path: Path, volumeNode: Any, name: str) -> Any:
    """Read a .seg.nrrd file onto the image that it was made on.

    Args:
        scene: vtkMRMLScene.
        path: of the file.
        volumeNode: the image.
        name: for people.

    Returns:
        The new segmentation node.

    Raises:
        SegmentationError: it can't be read, is empty, or lies outside of the image; nothing was
            added.
    """
    private = slicer.vtkMRMLScene()
    storage, own = slicer.vtkMRMLSegmentationStorageNode(), slicer.vtkMRMLSegmentationNode()
    private.AddNode(storage)
    private.AddNode(own)
    storage.SetFileName(str(path))
    if not storage.ReadData(own) or not own.GetSegmentation().GetNumberOfSegments():
        raise SegmentationError(
            f"'{name}' holds no segment that can be read. Save it again, or check that it is a "
            "segmentation of 3D Slicer (.seg.nrrd)."
        )
    bounds, image = [0.0] * 6, [0.0] * 6
    own.GetBounds(bounds)
    volumeNode.GetBounds(image)
    low, high = np.array(bounds[::2]), np.array(bounds[1::2])
    if (low <= high).all() and (
        (high < np.array(image[::2])).any() or (low > np.array(image[1::2])).any()
    ):
        raise SegmentationError(
            f"'{name}' lies outside of this image: it belongs to another one. Open that first."
        )
    node = scene.AddNewNodeByClass(_SEGMENTATION, scene.GenerateUniqueName(Path(name).name))
    node.CreateDefaultDisplayNodes()
    attach(node, volumeNode)
    node.GetSegmentation().DeepCopy(own.GetSegmentation())
    node.SetReferenceImageGeometryParameterFromVolumeNode(volumeNode)
    return node


def adoptSegments(lesions: LesionList, segmentationNode: Any, volumeNode: Any) -> int:
    """Make the segments of a segmentation lesions of the list, with boxes and prompts.

    One that MASAM made is what it was; one of another program is a mask that was made by hand.

    Returns:
        How many there are.
    """
    known = {
        lesion.id for lesion in lesions.lesions() if lesion.segmentation is not segmentationNode
    }
    segmentation = segmentationNode.GetSegmentation()
    own = []
    for segmentId in segmentation.GetSegmentIDs():
        segment = segmentation.GetSegment(segmentId)
        made = Provenance.ofSegment(segment)
        mask, offset = readSegment(segmentationNode, segmentId, volumeNode)
        if not mask.size:
            continue
        if made is None:
            made = byHand(volumeNode, mask, offset, segment.GetName())
        elif made.lesion in known:  # the same file once more
            made = replace(made, lesion=uuid.uuid4().hex[:12])
            segment.RemoveTag(LABEL)
        for name, value in made.tags().items():
            segment.SetTag(name, value)
        own.append(made.lesion)
    for lesion in lesions.lesions():
        if lesion.id in own and lesion.id not in known:
            lesions.adopt(lesion)
    return len(own)


def byHand(
    volumeNode: Any, mask: np.ndarray, offset: tuple[int, int, int], name: str
) -> Provenance:
    """The origin of a mask of which nothing is known, as if all of it had been drawn.

    Args:
        volumeNode: the image.
        mask: bool KJI, tight.
        offset: KJI index of its first voxel.
        name: of the lesion.
    """
    image = volumeFromNode(volumeNode)
    (k, j, i), (depth, rows, cols) = offset, mask.shape
    box = BoxPrompt.from_voxels(i, i + cols - 1, j, j + rows - 1, k, k + depth - 1, name=name)
    record = PromptRecord(box, (), started_from_mask=True)
    return Provenance(
        lesion=uuid.uuid4().hex[:12],
        corners=image.geometry.lps_from_ijk(box.corners_ijk),
        maskHash=EMPTY,
        volumeHash=image.content_hash,
        prompts=record.to_dict(image.geometry),
    )


def _remove(scene: Any, nodes: Sequence[Any]) -> None:
    for node in nodes:
        if node.GetScene() is scene:  # it may have gone with another one
            scene.RemoveNode(node)


def _canBeShown(node: Any) -> bool:
    try:
        requireVolume(node)
    except MasamError:
        return False
    return True
