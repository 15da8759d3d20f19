"""Boxes and segmentations are watched from their first moment to their last."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from Testing.slicer.answering import boxIn
from Testing.slicer.scene.conftest import Scene

from .desk import makeDesk


@pytest.fixture
def watched(make: Scene) -> Any:
    """A scene with a lesion's box, which is watched."""
    from MASAMSlicerLib.control.settling import Settling
    from MASAMSlicerLib.control.watcher import Watcher
    from MASAMSlicerLib.session.session import Session

    session = Session(make.scene, lambda: None)  # type: ignore[arg-type, return-value]
    volume = make.volume()
    lesion = session.lesions.add(volume, None, boxIn(make, volume, "Box"))
    desk, rested = makeDesk(session, volume), []
    watcher = Watcher(make.scene, Settling(desk.later, rested.append), desk.refreshSoon)
    return SimpleNamespace(
        make=make, desk=desk, rested=rested, watcher=watcher, roi=lesion.roi, id=lesion.id
    )


def test_a_drag_is_seen_and_its_end(watched: Any) -> None:
    roi = watched.roi
    roi.SetSize(5, 6, 7)
    assert watched.desk.waiting
    assert watched.desk.refreshes
    assert watched.rested == []
    roi.InvokeEvent(roi.PointEndInteractionEvent)
    assert watched.rested == [watched.id]
    assert watched.desk.waiting == []


def test_what_comes_later_is_watched_too_and_a_box_of_others_starts_nothing(watched: Any) -> None:
    scene, desk = watched.make.scene, watched.desk
    stranger = watched.make.roi([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]], (1, 1, 1))
    stranger.SetSize(2, 2, 2)
    stranger.InvokeEvent(stranger.PointEndInteractionEvent)
    assert (desk.waiting, watched.rested) == ([], [])
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "segments")
    before = desk.refreshes
    node.GetSegmentation().AddEmptySegment("a", "a")
    assert desk.refreshes > before


def test_nodes_that_are_loaded_all_at_once_are_watched_at_the_end(watched: Any) -> None:
    scene, desk = watched.make.scene, watched.desk
    scene.StartState(scene.BatchProcessState)
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "segments")
    before = desk.refreshes
    node.GetSegmentation().AddEmptySegment("a", "a")
    scene.EndState(scene.BatchProcessState)
    assert desk.refreshes == before
    watched.watcher.watchAll()
    watched.watcher.watchAll()  # once is enough: nothing is told twice
    node.GetSegmentation().GetSegment("a").SetName("b")
    once = desk.refreshes - before
    node.GetSegmentation().GetSegment("a").SetName("c")
    assert once > 0
    assert desk.refreshes - before == 2 * once


def test_what_has_left_the_scene_is_let_go(watched: Any) -> None:
    scene, roi = watched.make.scene, watched.roi
    scene.RemoveNode(roi)
    refreshes = watched.desk.refreshes
    roi.SetSize(1, 2, 3)
    assert (watched.desk.waiting, watched.desk.refreshes) == ([], refreshes)


def test_nothing_is_told_after_the_end(watched: Any) -> None:
    watched.watcher.stop()
    watched.roi.SetSize(1, 2, 3)
    watched.make.volume(name="another")
    watched.make.scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "segments")
    assert (watched.desk.waiting, watched.desk.refreshes, watched.rested) == ([], 0, [])
