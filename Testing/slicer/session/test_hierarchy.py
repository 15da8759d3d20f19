"""Slicer's subject hierarchy can follow every segment that comes or goes."""

from __future__ import annotations

from typing import Any

import pytest
import vtk

from Testing.slicer.answering import answering, boxIn, segment
from Testing.slicer.scene.conftest import Scene


class Hierarchy:
    """The application's plugin as far as it matters here.

    It has an item for each segment that was added while the scene was not in a batch or an import
    and the segmentation had an item itself; it complains of the removal of any other.
    """

    def __init__(self, scene: Any) -> None:
        import slicer

        self._scene = scene
        self._node = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
        self._items: set[tuple[Any, str]] = set()
        self.complaints: list[str] = []
        self.seen: list[str] = []
        scene.AddObserver(scene.NodeAddedEvent, self._onNode)

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _onNode(self, _scene: Any, _event: str, node: Any) -> None:
        if not node.IsA("vtkMRMLSegmentationNode"):
            return
        if not self._busy():
            self._node.CreateItem(self._node.GetSceneItemID(), node)
        segmentation = node.GetSegmentation()
        segmentation.AddObserver(segmentation.SegmentAdded, self._follow(node, True))
        segmentation.AddObserver(segmentation.SegmentRemoved, self._follow(node, False))

    def _busy(self) -> bool:
        return bool(self._scene.IsBatchProcessing() or self._scene.IsImporting())

    def _follow(self, node: Any, added: bool) -> Any:
        @vtk.calldata_type(vtk.VTK_STRING)
        def act(_segmentation: Any, _event: str, identity: str) -> None:
            key = (node.GetID(), identity)
            self.seen.append("added" if added else "removed")
            if added:
                if self._node.GetItemByDataNode(node) and not self._busy():
                    self._items.add(key)
            elif key in self._items:
                self._items.remove(key)
            else:
                self.complaints.append(identity)

        return act


def test_no_segment_is_removed_that_the_hierarchy_does_not_know(
    scene: Any, make: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    hierarchy = Hierarchy(scene)
    session = answering(monkeypatch, scene)
    volume = make.volume()
    boxes = [boxIn(make, volume, name) for name in ("a", "b")]
    ids = [session.lesions.add(volume, None, box).id for box in boxes]
    segment(session, ids)
    session.history.undo()
    session.history.redo()
    session.lesions.remove(session.lesions.lesion(ids[0]))
    assert hierarchy.seen == ["added"] * 2 + ["removed"] * 2 + ["added"] * 2 + ["removed"]
    assert hierarchy.complaints == []
