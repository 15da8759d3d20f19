"""The end of a run: what is written, and that a failure leaves the scene as it was."""

from __future__ import annotations

from typing import Any

import pytest

from masam_core.errors import MasamError
from Testing.slicer.answering import answering, boxIn, segment
from Testing.slicer.scene.conftest import Scene


def _segments(scene: Any) -> list[str]:
    from MASAMSlicerLib.scene.nodes import nodesOfClass

    nodes = nodesOfClass(scene, "vtkMRMLSegmentationNode")
    return [
        node.GetSegmentation().GetSegment(identity).GetName()
        for node in nodes
        for identity in node.GetSegmentation().GetSegmentIDs()
    ]


def test_one_lesion_that_can_not_be_written_stops_no_other(
    scene: Any, make: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    from MASAMSlicerLib.session import commit

    session = answering(monkeypatch, scene)
    volume = make.volume()
    ids = [session.lesions.add(volume, None, boxIn(make, volume, n)).id for n in ("a", "b")]
    write = commit.writeSegment

    def failing(target: Any, identity: str, *rest: Any) -> str:
        if ids[0] in identity:
            raise MasamError("no room")
        return str(write(target, identity, *rest))

    monkeypatch.setattr(commit, "writeSegment", failing)
    report = segment(session, ids)
    assert [lesion.error for lesion in report.lesions] == ["no room", ""]
    assert _segments(scene) == ["b"]
    assert session.states[ids[0]] == ("failed", "no room")
    assert session.history.undoTitle == "Segment 2 lesions"


def test_a_failure_that_nobody_foresaw_changes_nothing(
    scene: Any, make: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    from MASAMSlicerLib.session import commit

    session = answering(monkeypatch, scene)
    volume = make.volume()
    ids = [session.lesions.add(volume, None, boxIn(make, volume, n)).id for n in ("a", "b")]
    write = commit.writeSegment

    def failing(target: Any, identity: str, *rest: Any) -> str:
        if ids[1] in identity:
            raise RuntimeError("torn")
        return str(write(target, identity, *rest))

    monkeypatch.setattr(commit, "writeSegment", failing)
    with pytest.raises(RuntimeError, match="torn"):
        segment(session, ids)
    assert _segments(scene) == []
    assert not scene.GetNodesByClass("vtkMRMLSegmentationNode").GetNumberOfItems()
    assert not session.history.undoTitle
    assert not session.segmenting
