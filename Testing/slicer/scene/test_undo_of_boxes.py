"""Undo takes box and mask back together, and a move of a box by itself."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from Testing.slicer.answering import answering, boxIn, segment
from Testing.slicer.scene.conftest import Scene, rigid


@pytest.fixture
def one(scene: Any, make: Scene, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A lesion with a result, and boxes that are looked at as both front ends do."""
    from MASAMSlicerLib.control.following import Following

    session = answering(monkeypatch, scene)
    volume = make.volume()
    made = session.lesions.add(volume, None, boxIn(make, volume, "Box", 3.5, 5.5))
    following = Following(session, lambda ids: segment(session, ids), lambda: volume)
    following.boxMoved(made.id)
    segment(session, [made.id])
    return SimpleNamespace(
        session=session, volume=volume, id=made.id, following=following, make=make, roi=made.roi
    )


def drag(one: Any, low: float, high: float, follow: bool) -> None:
    """Drag the box from index to index, and let go."""
    from MASAMSlicerLib.scene.prompts import alignRoi

    alignRoi(one.roi, one.volume, np.full(3, low), np.full(3, high))
    one.following.boxMoved(one.id, follow)


def travel(one: Any, name: str) -> str:
    """Undo or redo, as both front ends do it."""
    title = getattr(one.session.history, name)()
    one.following.rest()
    return str(title)


def found(one: Any) -> tuple[int, float, str]:
    """Voxels of the mask, lowest index of the box, and the state."""
    from MASAMSlicerLib.scene.prompts import alignedBounds

    lesion = one.session.lesions.lesion(one.id)
    voxels = int(one.session.lesions.maskOf(lesion)[0].sum()) if lesion.segment else 0
    return voxels, round(float(alignedBounds(lesion.roi, one.volume)[0][0]), 2), lesion.status


FIRST, SECOND = (8, 3.5, "segmented"), (64, 2.5, "segmented")


def test_a_result_that_followed_its_box_is_taken_back_with_the_box(one: Any) -> None:
    drag(one, 2.5, 6.5, follow=True)
    assert found(one) == SECOND
    assert travel(one, "undo") == "Segment Box"
    assert found(one) == FIRST
    assert travel(one, "redo") == "Segment Box"
    assert found(one) == SECOND
    travel(one, "undo")
    assert travel(one, "undo") == "Segment Box"
    assert found(one) == (0, 3.5, "not segmented")
    assert travel(one, "undo") == ""
    travel(one, "redo")
    assert found(one) == FIRST


def test_a_move_after_a_result_is_undone_by_itself(one: Any) -> None:
    drag(one, 2.5, 6.5, follow=False)
    assert found(one) == (8, 2.5, "box changed")
    assert travel(one, "undo") == "Move the box of Box"
    assert found(one) == FIRST
    assert travel(one, "redo") == "Move the box of Box"
    assert found(one) == (8, 2.5, "box changed")
    # Segmented later, move and mask are one step.
    segment(one.session, [one.id])
    assert found(one) == SECOND
    travel(one, "undo")
    assert found(one) == FIRST


def test_the_moves_before_a_first_result_are_steps_of_their_own(one: Any) -> None:
    travel(one, "undo")
    drag(one, 1.5, 6.5, follow=True)
    drag(one, 2.5, 6.5, follow=True)
    segment(one.session, [one.id])
    for expected in ((0, 2.5), (0, 1.5), (0, 3.5)):
        travel(one, "undo")
        assert found(one)[:2] == expected
    assert one.session.history.undoTitle == ""


def test_a_change_by_hand_after_a_move_is_undone_without_the_box(one: Any) -> None:
    drag(one, 2.5, 6.5, follow=False)
    lesion = one.session.lesions.lesion(one.id)
    with one.session.history.step("Paint in Box") as touched:
        touched.append((lesion.segmentation, lesion.segmentId))
        from MASAMSlicerLib.scene.segments import writeSegment

        mask = np.ones((2, 2, 3), bool)
        args = (lesion.segmentation, lesion.segmentId, one.volume, mask, (4, 4, 4))
        writeSegment(*args, lesion.look, {})
    assert found(one) == (12, 2.5, "edited")
    travel(one, "undo")
    assert found(one) == (8, 2.5, "box changed")


def test_a_rotated_box_under_a_transform_comes_back_exactly(one: Any) -> None:
    from MASAMSlicerLib.scene.prompts import cornersInVolume

    one.make.put_under(one.roi, rigid((5, 6, 7), (1, 2, 3)))
    one.make.put_under(one.volume, rigid((-5, 60, 7), (10, 2, 3)))
    one.following.rest()
    before = cornersInVolume(one.roi, one.volume)
    one.roi.SetSize(3.0, 4.0, 5.0)
    one.following.boxMoved(one.id, False)
    travel(one, "undo")
    assert np.allclose(cornersInVolume(one.roi, one.volume), before, atol=1e-3)


def test_a_box_that_was_deleted_meanwhile_stops_no_undo(one: Any, scene: Any) -> None:
    drag(one, 2.5, 6.5, follow=True)
    scene.RemoveNode(one.roi)
    travel(one, "undo")
    lesion = one.session.lesions.lesion(one.id)
    assert lesion.roi is None
    assert one.session.lesions.maskOf(lesion)[0].sum() == 8


def test_a_segment_that_comes_back_looks_as_its_box_does_by_now(one: Any) -> None:
    from masam_core.lesion.terminology import MASS, TUMOUR_TYPES

    other = next(kind.entry for kind in TUMOUR_TYPES.values() if kind.entry != MASS.entry)
    travel(one, "undo")
    lesion = one.session.lesions.lesion(one.id)
    one.session.lesions.rename(lesion, "Thigh")
    one.session.lesions.recolor(lesion, (0.25, 0.5, 0.75))
    one.session.lesions.setTerminology(lesion, other)
    travel(one, "redo")
    one.session.lesions.followNames()
    lesion = one.session.lesions.lesion(one.id)
    assert (lesion.segment.GetName(), lesion.roi.GetName()) == ("Thigh", "Thigh")
    assert lesion.segment.GetColor() == pytest.approx((0.25, 0.5, 0.75))
    assert lesion.terminology == other


def test_a_name_of_a_segments_own_comes_back_with_it(one: Any) -> None:
    lesion = one.session.lesions.lesion(one.id)
    lesion.segment.SetName("Box, frame 1 of 3")
    travel(one, "undo")
    travel(one, "redo")
    assert one.session.lesions.lesion(one.id).segment.GetName() == "Box, frame 1 of 3"
    one.session.deleteLesions([one.id])
    travel(one, "undo")
    assert one.session.lesions.lesion(one.id).segment.GetName() == "Box, frame 1 of 3"
