"""What happens to boxes, other prompts and segmentations in the scene, whoever does it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vtkmodules.util.misc import calldata_type
from vtkmodules.util.vtkConstants import VTK_OBJECT
from vtkmodules.vtkCommonCore import vtkCommand

from ..scene.lesions import LESION
from ..scene.nodes import nodesOfClass
from ..scene.promptnodes import MARKUPS, lesionOfPrompt
from .settling import Settling

BOX, SEGMENTATION = "vtkMRMLMarkupsROINode", "vtkMRMLSegmentationNode"


class Watcher:
    """Observes every box, prompt and segmentation of a scene, also those that come later.

    Args:
        scene: vtkMRMLScene.
        settling: told of boxes that move or are let go of.
        onChange: called after anything that a front end shows.
    """

    def __init__(self, scene: Any, settling: Settling, onChange: Callable[[], None]) -> None:
        self._scene, self._settling, self._onChange = scene, settling, onChange
        # By the node's ID, and let go of with the node: an observer would keep it in memory.
        self._watched: dict[str, tuple[Any, list[tuple[Any, int]]]] = {}
        self._tags = [
            scene.AddObserver(scene.NodeAddedEvent, self._onAdded),
            scene.AddObserver(scene.NodeRemovedEvent, self._onRemoved),
        ]
        self.watchAll()

    def watchAll(self) -> None:
        """Watch what is there: after a scene was loaded, say, whose nodes come all at once."""
        for kind in (MARKUPS, SEGMENTATION):
            for node in nodesOfClass(self._scene, kind):
                self._watch(node)

    def forgetGone(self) -> None:
        """Let go of nodes that have left the scene without a word, as in a batch."""
        for identity, (node, _) in list(self._watched.items()):
            if self._scene.GetNodeByID(identity) is not node:
                self._forget(identity)

    def stop(self) -> None:
        """Let go of everything."""
        for tag in self._tags:
            self._scene.RemoveObserver(tag)
        self._tags = []
        for identity in list(self._watched):
            self._forget(identity)

    def _watch(self, node: Any) -> None:
        known = self._watched.get(node.GetID())
        if known is not None and known[0] is node:
            return
        self._forget(node.GetID())
        tags: list[tuple[Any, int]] = []
        if node.IsA(BOX):
            for event in (vtkCommand.ModifiedEvent, node.PointModifiedEvent):
                tags.append((node, node.AddObserver(event, self._onBox)))
            released = node.AddObserver(node.PointEndInteractionEvent, self._onReleased)
            tags.append((node, released))
        elif node.IsA(MARKUPS) and lesionOfPrompt(node):
            for event in (node.PointModifiedEvent, node.PointRemovedEvent):
                tags.append((node, node.AddObserver(event, self._onBox)))
            released = node.AddObserver(node.PointEndInteractionEvent, self._onReleased)
            tags.append((node, released))
        elif node.IsA(SEGMENTATION):
            segmentation = node.GetSegmentation()
            for event in (
                segmentation.SegmentAdded,
                segmentation.SegmentRemoved,
                segmentation.SegmentModified,
                segmentation.SourceRepresentationModified,
            ):
                tags.append((segmentation, segmentation.AddObserver(event, self._onSegments)))
        if tags:
            self._watched[node.GetID()] = (node, tags)

    def _forget(self, identity: str) -> None:
        for observed, tag in self._watched.pop(identity, (None, []))[1]:
            observed.RemoveObserver(tag)

    @calldata_type(VTK_OBJECT)
    def _onAdded(self, _scene: Any, _event: str, node: Any) -> None:
        if not self._scene.IsBatchProcessing():  # else whoever loads calls watchAll at the end
            self._watch(node)
            self._onChange()

    @calldata_type(VTK_OBJECT)
    def _onRemoved(self, _scene: Any, _event: str, node: Any) -> None:
        self._forget(node.GetID())
        closing = self._scene.IsBatchProcessing() or self._scene.IsClosing()
        if node.IsA(MARKUPS) and lesionOfPrompt(node) and not closing:
            self._settling.changed(lesionOfPrompt(node))

    def _onBox(self, roi: Any, _event: str) -> None:
        """A box or another prompt is being drawn or dragged."""
        lesionId = roi.GetAttribute(LESION)
        if lesionId:
            self._settling.changed(lesionId)
            self._onChange()

    def _onReleased(self, roi: Any, _event: str) -> None:
        """The mouse has let go of a box or another prompt."""
        lesionId = roi.GetAttribute(LESION)
        if lesionId:
            self._settling.rest(lesionId)
            self._onChange()

    def _onSegments(self, *_: object) -> None:
        self._onChange()
