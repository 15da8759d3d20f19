"""The end of a run: what is written, and that a failure leaves the scene as it was."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from masam_core.errors import MasamError
from masam_core.lesion.cut import Cut
from masam_core.prompts.boxes import BoxPrompt
from masam_core.prompts.corrections import Correction
from masam_core.prompts.first import PointPrompt
from masam_core.prompts.record import PromptRecord
from masam_core.prompts.stored import read_records
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


def test_what_was_asked_is_kept_with_the_segment_and_read_from_the_scenes_file(
    scene: Any, make: Scene, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from MASAMSlicerLib.report import rowsOf
    from MASAMSlicerLib.scene.scenefile import saveScene
    from MASAMSlicerLib.scene.volumes import volumeFromNode
    from MASAMSlicerLib.wording import rowOf

    session = answering(monkeypatch, scene)
    volume = make.volume()
    identity = session.lesions.add(volume, None, boxIn(make, volume, "a")).id
    segment(session, [identity])
    image = volumeFromNode(volume)
    lesion = session.lesions.lesion(identity)
    box = PromptRecord.from_dict(lesion.provenance.prompts, image.geometry).first
    assert isinstance(box, BoxPrompt)
    expected = image.geometry.ijk_from_lps(lesion.provenance.corners)
    assert np.allclose(box.corners_ijk, expected, atol=1e-4)
    assert rowOf(lesion, {}).confidence == "90%"

    here = image.geometry.lps_from_ijk([(3, 3, 3), (5, 3, 3), (4, 6, 3)])
    record = PromptRecord(
        PointPrompt(here[0], 'knot | "two" \\ 7%'),
        (Correction("lasso", here, False),),  # type: ignore[arg-type]
    )
    made = replace(
        lesion.provenance,
        prompts=record.to_dict(image.geometry),
        cuts=(Cut("left", 12.0, 0.75).to_dict(),),  # type: ignore[arg-type]
        lookedMm=21.0,
    )
    for name, text in made.tags().items():
        lesion.segment.SetTag(name, text)
    again = session.lesions.lesion(identity)
    for part in ("prompts", "cuts", "lookedMm"):
        assert getattr(again.provenance, part) == getattr(made, part)
    assert rowOf(again, {}).confidence == "not valid"  # of a part alone
    (row,) = rowsOf([again])
    assert (row["confidence"], row["cuts"], row["looked_mm"]) == (None, "left", 21.0)

    saveScene(scene, tmp_path / "scene.mrb")
    (found,) = read_records(tmp_path / "scene.mrb", image)
    renamed = replace(record, first=record.first.renamed("a"))  # as the segment is called
    assert found.to_dict(image.geometry) == renamed.to_dict(image.geometry)
