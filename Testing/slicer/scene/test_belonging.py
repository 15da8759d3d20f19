"""Results of a volume are never put into another volume's segmentation."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from Testing.slicer.answering import answering, boxIn, segment
from Testing.slicer.scene.conftest import Scene


@pytest.fixture
def two(scene: Any, make: Scene, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A CT with a segmented lesion, and an MR with a box."""
    session = answering(monkeypatch, scene)
    ct, mr = make.volume(name="CT"), make.volume(np.ones((12, 14, 16), np.int16), name="MR")
    first = session.lesions.add(ct, None, boxIn(make, ct, "CT box"))
    segment(session, [first.id])
    second = session.lesions.add(mr, None, boxIn(make, mr, "MR box"))
    done = session.lesions.lesion(first.id)
    return SimpleNamespace(
        session=session, ct=ct, mr=mr, first=done, second=second, taken=done.segmentation
    )


def idsOf(node: Any) -> list[str]:
    return list(node.GetSegmentation().GetSegmentIDs())


def test_one_that_was_chosen_for_another_volume_is_refused_with_the_reason(two: Any) -> None:
    before = idsOf(two.taken)
    report = segment(two.session, [two.second.id], two.taken)
    assert report.lesions[0].error == (
        "'CT lesions' belongs to 'CT': no result of 'MR' is put into it. Choose another "
        "segmentation, or a new one."
    )
    assert idsOf(two.taken) == before
    assert two.session.lesions.lesion(two.second.id).status == "not segmented"
    assert two.session.history.undoTitle == "Segment CT box"


def test_one_that_a_box_was_placed_for_is_passed_over_and_that_is_said(two: Any) -> None:
    reference = "masamSegmentation"
    two.second.roi.SetNodeReferenceID(reference, two.taken.GetID())
    report = segment(two.session, [two.second.id])
    assert report.failed == []
    note = "'CT lesions' belongs to 'CT', so the result is in 'MR lesions'."
    assert note in report.lesions[0].notes
    made = two.session.lesions.lesion(two.second.id)
    assert made.segmentation.GetName() == "MR lesions"
    assert made.roi.GetNodeReference(reference) is made.segmentation
    assert len(idsOf(two.taken)) == 1


def test_a_lesion_leaves_another_volumes_segmentation_in_a_step_that_can_be_undone(
    two: Any, scene: Any, make: Scene
) -> None:
    # As version 0.1.0 left it: the MR's lesion between those of the CT.
    segment(two.session, [two.second.id])
    lesion = two.session.lesions.lesion(two.second.id)
    segmentation = two.taken.GetSegmentation()
    own = lesion.segmentation
    segmentation.CopySegmentFromSegmentation(own.GetSegmentation(), lesion.segmentId)
    two.session.lesions.recordSegment(lesion, two.taken, lesion.segmentId)
    scene.RemoveNode(own)
    assert len(idsOf(two.taken)) == 2
    segment(two.session, [two.second.id])
    assert idsOf(two.taken) == [two.first.segmentId]
    made = two.session.lesions.lesion(two.second.id)
    assert made.segmentation.GetName().startswith("MR lesions")
    two.session.history.undo()
    assert len(idsOf(two.taken)) == 2
    # The CT's own lesion stays where it is, whatever else lies there.
    segment(two.session, [two.first.id])
    assert two.session.lesions.lesion(two.first.id).segmentation is two.taken


def test_without_a_reference_the_lesions_say_whose_a_segmentation_is(two: Any) -> None:
    role = two.taken.GetReferenceImageGeometryReferenceRole()
    two.taken.SetNodeReferenceID(role, None)
    report = segment(two.session, [two.second.id], two.taken)
    assert "belongs to 'CT'" in report.lesions[0].error
    third = two.session.lesions.duplicate(two.first)
    assert segment(two.session, [third.id], two.taken).failed == []
    assert two.session.lesions.lesion(third.id).segmentation is two.taken


def test_a_segmentation_whose_volume_was_deleted_takes_no_other_volumes_results(
    two: Any, scene: Any, make: Scene
) -> None:
    array = two.ct.GetImageData()
    scene.RemoveNode(two.ct)
    report = segment(two.session, [two.second.id], two.taken)
    assert "a volume that is not in the scene any more" in report.lesions[0].error
    # Loaded again, the same image is known by its voxels.
    again = make.volume(name="CT")
    assert again.GetImageData() is not array
    lesion = two.session.lesions.add(again, None, boxIn(make, again, "again"))
    assert segment(two.session, [lesion.id], two.taken).failed == []


def test_a_segmentation_that_was_deleted_during_the_run_gets_nothing(
    two: Any, scene: Any, make: Scene
) -> None:
    chosen = make.segmentation(two.mr)
    start = two.session._start

    def meanwhile(*arguments: Any) -> None:
        scene.RemoveNode(chosen)
        start(*arguments)

    two.session._start = meanwhile
    segment(two.session, [two.second.id], chosen)
    made = two.session.lesions.lesion(two.second.id)
    assert made.segmentation.GetScene() is scene
    assert made.segment is not None
