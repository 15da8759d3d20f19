"""Segments that a model has made of a whole volume: one a class, beside the lesion list.

They bear the tag ``MASAM.Class`` and no lesion's id: organs are no rows of the lesion list, are not
measured by RECIST, and go to no export of lesions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .lesions import volumeOf
from .nodes import nodesOfClass
from .provenance import PREFIX, maskDigest
from .segments import isLocked, newSegmentation, readSegment, tagOf

CLASS = PREFIX + "Class"
HOLDS_CLASSES = "MASAM.Classes"  # attribute of segmentations that hold such segments
LOCKED, EDITED = "locked", "edited by hand"


@dataclass(frozen=True)
class MadeBefore:
    """A class's segment of an earlier run.

    Attributes:
        node: its segmentation.
        segmentId: in it.
    """

    node: Any
    segmentId: str

    def protection(self, volumeNode: Any) -> str:
        """Why it is not to be replaced: LOCKED, EDITED, or an empty text."""
        segment = self.node.GetSegmentation().GetSegment(self.segmentId)
        if isLocked(segment):
            return LOCKED
        digest = maskDigest(*readSegment(self.node, self.segmentId, volumeNode))
        return EDITED if digest != tagOf(segment, PREFIX + "MaskSHA256") else ""


def madeBefore(scene: Any, volumeNode: Any, modelHash: str) -> dict[str, MadeBefore]:
    """Segments that a model has made of a volume, by the class's name.

    Args:
        scene: vtkMRMLScene.
        volumeNode: that was segmented.
        modelHash: digest of the model's file.
    """
    found: dict[str, MadeBefore] = {}
    for node in ofVolume(scene, volumeNode):
        segmentation = node.GetSegmentation()
        for segmentId in segmentation.GetSegmentIDs():
            segment = segmentation.GetSegment(segmentId)
            name = tagOf(segment, CLASS)
            if name and tagOf(segment, PREFIX + "ModelSHA256") == modelHash:
                found[name] = MadeBefore(node, segmentId)
    return found


def newClasses(volumeNode: Any, model: str) -> Any:
    """An empty segmentation for what a model finds in a volume."""
    node = newSegmentation(volumeNode, f"{volumeNode.GetName()} ({model})")
    node.SetAttribute(HOLDS_CLASSES, "1")
    return node


def bringToView(node: Any, segmentIds: list[str]) -> None:
    """Show a segmentation and some of its segments, whatever was hidden before."""
    display = node.GetDisplayNode()
    if display is None:
        node.CreateDefaultDisplayNodes()
        display = node.GetDisplayNode()
    display.SetVisibility(True)
    for segmentId in segmentIds:
        display.SetSegmentVisibility(segmentId, True)


def ofVolume(scene: Any, volumeNode: Any) -> list[Any]:
    """Segmentations that hold classes of a volume."""
    return [node for node in _holding(scene) if volumeOf(node) is volumeNode]


def ofOtherVolumes(scene: Any, volumeNode: Any) -> list[Any]:
    """Segmentations that hold classes of another volume, and perhaps its lesions, too."""
    return [node for node in _holding(scene) if volumeOf(node) not in (None, volumeNode)]


def _holding(scene: Any) -> list[Any]:
    nodes = nodesOfClass(scene, "vtkMRMLSegmentationNode")
    return [node for node in nodes if node.GetAttribute(HOLDS_CLASSES)]
