"""Undo and redo touch the segments of their step, and no other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from Testing.slicer.scene.conftest import Scene, block

A, B, C = (
    block((1, 4), (1, 4), (1, 4)),
    block((5, 8), (5, 8), (5, 8)),
    block((2, 9), (2, 9), (2, 9)),
)


def write(node: Any, identity: str, volume: Any, mask: np.ndarray) -> None:
    import slicer

    slicer.util.updateSegmentBinaryLabelmapFromArray(mask.astype(np.uint8), node, identity, volume)


def read(node: Any, identity: str, volume: Any) -> np.ndarray:
    import slicer

    return slicer.util.arrayFromSegmentBinaryLabelmap(node, identity, volume) > 0


@pytest.fixture
def history(scene: Any) -> Any:
    from MASAMSlicerLib.scene.history import History

    return History(scene)


def test_undo_and_redo_of_a_change(history: Any, make: Scene) -> None:
    volume = make.volume()
    node = make.segmentation(volume, A, B)
    with history.step("change") as touched:
        touched.append((node, "s0"))
        write(node, "s0", volume, C)
    assert history.undoTitle == "change"
    assert history.undo() == "change"
    assert np.array_equal(read(node, "s0", volume), A)
    assert np.array_equal(read(node, "s1", volume), B)
    assert history.redo() == "change"
    assert np.array_equal(read(node, "s0", volume), C)
    assert np.array_equal(read(node, "s1", volume), B)


def test_undo_of_a_new_segment_removes_it_and_redo_brings_it_back_in_its_place(
    history: Any, make: Scene
) -> None:
    volume = make.volume()
    node = make.segmentation(volume, A)
    segmentation = node.GetSegmentation()
    with history.step("add") as touched:
        touched.append((node, "new"))
        segmentation.AddEmptySegment("new", "New", [0.1, 0.2, 0.3])
        write(node, "new", volume, C)
    history.undo()
    assert list(segmentation.GetSegmentIDs()) == ["s0"]
    history.redo()
    assert list(segmentation.GetSegmentIDs()) == ["s0", "new"]
    assert segmentation.GetSegment("new").GetName() == "New"
    assert np.allclose(segmentation.GetSegment("new").GetColor(), (0.1, 0.2, 0.3))
    assert np.array_equal(read(node, "new", volume), C)


def test_a_segment_removed_from_a_shared_labelmap_comes_back_alone(
    history: Any, make: Scene
) -> None:
    volume = make.volume()
    node = make.segmentation(volume, A, B)
    with history.step("delete") as touched:
        touched.append((node, "s0"))
        node.GetSegmentation().RemoveSegment("s0")
    write(node, "s1", volume, C)
    history.undo()
    assert list(node.GetSegmentation().GetSegmentIDs()) == ["s0", "s1"]
    assert np.array_equal(read(node, "s0", volume), A)
    assert np.array_equal(read(node, "s1", volume), C)


def test_what_was_changed_by_hand_since_is_not_lost_by_undo(history: Any, make: Scene) -> None:
    volume = make.volume()
    node = make.segmentation(volume, A)
    with history.step("change") as touched:
        touched.append((node, "s0"))
        write(node, "s0", volume, B)
    write(node, "s0", volume, C)  # by hand
    history.undo()
    assert np.array_equal(read(node, "s0", volume), A)
    history.redo()
    assert np.array_equal(read(node, "s0", volume), C)


def test_a_locked_segment_is_neither_changed_nor_removed(history: Any, make: Scene) -> None:
    from MASAMSlicerLib.scene.segments import setLocked

    from masam_core.errors import SegmentationError

    volume = make.volume()
    node = make.segmentation(volume, A, B)
    with history.step("change") as touched:
        touched.append((node, "s0"))
        write(node, "s0", volume, C)
    segment = node.GetSegmentation().GetSegment("s0")
    setLocked(segment, True)
    with pytest.raises(SegmentationError, match="'s0' is locked"):
        history.undo()
    assert np.array_equal(read(node, "s0", volume), C)
    setLocked(segment, False)
    assert history.undo() == "change"
    setLocked(segment, True)
    with pytest.raises(SegmentationError, match="locked"):
        history.redo()
    assert np.array_equal(read(node, "s0", volume), A)


def test_a_step_that_fails_puts_everything_back(history: Any, make: Scene) -> None:
    volume = make.volume()
    node = make.segmentation(volume, A)

    def fail() -> None:
        with history.step("broken") as touched:
            touched.append((node, "s0"))
            write(node, "s0", volume, C)
            touched.append((node, "other"))
            node.GetSegmentation().AddEmptySegment("other", "other")
            raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError):
        fail()
    assert list(node.GetSegmentation().GetSegmentIDs()) == ["s0"]
    assert np.array_equal(read(node, "s0", volume), A)
    assert history.undoTitle == ""


def test_a_new_step_forgets_what_could_be_redone(history: Any, make: Scene) -> None:
    volume = make.volume()
    node = make.segmentation(volume, A)
    for mask in (B, C):
        with history.step("change") as touched:
            touched.append((node, "s0"))
            write(node, "s0", volume, mask)
        history.undo()
    with history.step("other") as touched:
        touched.append((node, "s0"))
    assert history.redoTitle == ""
    assert history.redo() == ""


def test_a_deleted_segmentation_does_not_stop_undo(history: Any, make: Scene) -> None:
    volume = make.volume()
    node, other = make.segmentation(volume, A), make.segmentation(volume, A)
    with history.step("both") as touched:
        for each in (node, other):
            touched.append((each, "s0"))
            write(each, "s0", volume, B)
    make.scene.RemoveNode(node)
    history.undo()
    assert np.array_equal(read(other, "s0", volume), A)


def test_undo_of_a_deletion_brings_box_and_surface_back(case: Any) -> None:
    import slicer
    from MASAMSlicerLib.scene.lesions import SEGMENT, SEGMENTATION_REFERENCE
    from MASAMSlicerLib.scene.prompts import cornersInWorld
    from MASAMSlicerLib.scene.segments import newSegmentation, surfaceName, writeSegment
    from MASAMSlicerLib.session.session import Session

    scene = slicer.mrmlScene
    session = Session(scene, lambda: None)  # type: ignore[arg-type, return-value]
    lesion = session.lesions.add(case.volume, None, case.roi, "Thigh")
    node = newSegmentation(case.volume, "lesions")
    tags = {"MASAM.Lesion": lesion.id}
    identity = writeSegment(node, None, case.volume, case.expert, (0, 0, 0), lesion.look, tags)
    session.lesions.recordSegment(lesion, node, identity)
    session.lesions.recolor(lesion, (0.25, 0.5, 0.75))
    node.CreateClosedSurfaceRepresentation()
    corners = cornersInWorld(case.roi)
    session.deleteLesions([lesion.id])
    assert session.lesions.lesions() == []
    for _ in range(2):
        session.history.undo()
        (back,) = session.lesions.lesions()
        assert (back.id, back.volume, back.segmentation) == (lesion.id, case.volume, node)
        assert np.allclose(cornersInWorld(back.roi), corners)
        assert back.roi.GetAttribute(SEGMENT) == identity
        assert back.roi.GetNodeReference(SEGMENTATION_REFERENCE) is node
        assert np.allclose(back.roi.GetDisplayNode().GetSelectedColor(), (0.25, 0.5, 0.75))
        assert np.array_equal(read(node, identity, case.volume), case.expert)
        assert back.segment.GetRepresentation(surfaceName()).GetNumberOfPoints() > 100
        session.history.redo()
        assert session.lesions.lesions() == []
        assert scene.GetNumberOfNodesByClass("vtkMRMLMarkupsROINode") == 0


def test_a_deleted_box_without_a_segment_comes_back(scene: Any, make: Scene) -> None:
    from MASAMSlicerLib.session.session import Session

    volume = make.volume()
    transform = make.put_under(make.roi(np.eye(4), (1, 1, 1), "other"), np.diag([1, 1, 1, 1.0]))
    session = Session(scene, lambda: None)  # type: ignore[arg-type, return-value]
    roi = make.roi(np.eye(4), (10, 20, 30))
    roi.SetAndObserveTransformNodeID(transform.GetID())
    lesion = session.lesions.add(volume, None, roi)
    session.deleteLesions([lesion.id])
    assert session.history.undoTitle == "Delete Box"
    session.history.undo()
    (back,) = session.lesions.lesions(volume)
    assert (back.id, back.name, back.roi.GetSize()) == (lesion.id, "Box", (10, 20, 30))
    assert back.roi.GetTransformNodeID() == transform.GetID()
    session.history.redo()
    assert session.lesions.lesions() == []
