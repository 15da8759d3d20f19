"""Which volume a segmentation belongs to: results of another volume are never put into it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from masam_core.errors import SegmentationError

from .lesions import LesionEntry, volumeOf
from .volumes import volumeFromNode

GONE = "a volume that is not in the scene any more"


def otherVolume(segmentationNode: Any, volumeNode: Any, lesions: Sequence[LesionEntry]) -> str:
    """Say in words which other volume a segmentation belongs to; empty where it is none.

    It belongs to the volume whose geometry it has, and to those whose lesions it holds.

    Args:
        segmentationNode: vtkMRMLSegmentationNode.
        volumeNode: whose results are to be written.
        lesions: all of the scene.
    """
    reference = volumeOf(segmentationNode)
    if reference is not None and reference is not volumeNode:
        return f"'{reference.GetName()}'"
    for lesion in lesions:
        if lesion.segment is None or lesion.segmentation is not segmentationNode:
            continue
        if lesion.volume is None and not _isOfImage(lesion, volumeNode):
            return GONE
        if lesion.volume is not None and lesion.volume is not volumeNode:
            return f"'{lesion.volume.GetName()}'"
    return ""


def requireOwn(segmentationNode: Any, volumeNode: Any, lesions: Sequence[LesionEntry]) -> None:
    """Raise SegmentationError where a segmentation belongs to another volume."""
    other = otherVolume(segmentationNode, volumeNode, lesions)
    if other:
        raise SegmentationError(
            f"'{segmentationNode.GetName()}' belongs to {other}: no result of "
            f"'{volumeNode.GetName()}' is put into it. Choose another segmentation, or a new one."
        )


def segmentationFor(
    lesion: LesionEntry,
    volumeNode: Any,
    lesions: Sequence[LesionEntry],
    chosen: Sequence[Any],
    beside: bool = True,
) -> Any:
    """Find the segmentation that takes a lesion's result; None where a new one must.

    Its own comes first, then what was chosen, then one of the volume's other lesions; one that
    belongs to another volume is passed over. A lesion stays where its segment is already as long
    as that segmentation has the volume's geometry, or none.

    Args:
        lesion: whose result.
        volumeNode: of the result.
        lesions: all of the scene.
        chosen: segmentation nodes, the first that fits is taken; None among them is left out.
        beside: whether that of the volume's other lesions will do.
    """
    own = lesion.segmentation
    if lesion.segment is not None and volumeOf(own) in (None, volumeNode):
        return own
    return _first((own, *chosen), volumeNode, lesions) or (
        segmentationOf(volumeNode, lesions) if beside else None
    )


def segmentationOf(volumeNode: Any, lesions: Sequence[LesionEntry]) -> Any:
    """Find the segmentation that a volume's lesions are in, or None.

    Args:
        volumeNode: whose.
        lesions: all of the scene.
    """
    beside = [each.segmentation for each in lesions if each.volume is volumeNode]
    return _first(beside, volumeNode, lesions)


def _first(nodes: Sequence[Any], volumeNode: Any, lesions: Sequence[LesionEntry]) -> Any:
    """The first segmentation that is in the scene and of no other volume, or None."""
    scene = volumeNode.GetScene()
    for node in nodes:
        here = node is not None and node.GetScene() is scene  # else deleted meanwhile
        if here and not otherVolume(node, volumeNode, lesions):
            return node
    return None


def _isOfImage(lesion: LesionEntry, volumeNode: Any) -> bool:
    """Whether a segment that has lost its volume node was made of this image."""
    made = lesion.provenance
    return made is not None and made.volumeHash == volumeFromNode(volumeNode).content_hash
