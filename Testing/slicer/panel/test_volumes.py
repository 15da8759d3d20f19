"""Several volumes in a scene: each keeps its own segmentation, and its boxes to itself."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from Testing.slicer.answering import answerAtOnce, boxIn
from Testing.slicer.panel.conftest import Person
from Testing.slicer.panel.steps import choose, segmentNow, settle, take
from Testing.slicer.scene.conftest import Scene

VIEW = "vtkMRMLViewNode1"


@pytest.fixture
def two(person: Person, scene: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A CT with a result and an MR with a box; the MR is chosen."""
    answerAtOnce(monkeypatch)
    make = Scene(scene)
    ct, mr = make.volume(name="CT"), make.volume(name="MR")
    boxes = [boxIn(make, each, f"{each.GetName()} box") for each in (ct, mr)]
    for volume, box in zip((ct, mr), boxes, strict=True):
        choose(person, volume)
        take(person, box)
        if volume is ct:
            segmentNow(person)
    lesion = next(x for x in person.lesions() if x.volume is ct)
    return SimpleNamespace(ct=ct, mr=mr, boxes=boxes, lesion=lesion, taken=lesion.segmentation)


def isShown(node: Any) -> bool:
    return bool(node.GetDisplayNode().IsDisplayableInView(VIEW))


def test_the_selector_itself_goes_to_another_node(person: Person, scene: Any) -> None:
    """What the stand-in does, as the application was seen to do."""
    nodes = [scene.AddNewNodeByClass("vtkMRMLSegmentationNode", name) for name in "abc"]
    selector = person.ui.batchSegmentationSelector
    for chosen, expected in ((1, "c"), (2, "a")):
        selector.setCurrentNode(nodes[chosen])
        scene.RemoveNode(nodes[chosen])
        assert selector.currentNode().GetName() == expected
    assert selector.currentText == "a"


def test_where_the_chosen_segmentation_is_deleted_a_new_one_is_made(
    person: Person, two: Any, scene: Any
) -> None:
    own = Scene(scene).segmentation(two.mr)
    person.ui.segmentationSelector.setCurrentNode(own)
    settle(person)
    scene.RemoveNode(own)  # the selector goes to the CT's by itself
    assert person.panel.context.parameters.segmentation is None
    assert person.ui.segmentationSelector.currentNode() is None
    before = list(two.taken.GetSegmentation().GetSegmentIDs())
    segmentNow(person)
    assert "1 lesion segmented" in person.status
    assert list(two.taken.GetSegmentation().GetSegmentIDs()) == before
    made = next(x for x in person.lesions() if x.volume is two.mr)
    assert made.segmentation.GetName() == "MR lesions"


def test_another_volumes_segmentation_that_was_chosen_by_hand_is_refused(
    person: Person, two: Any
) -> None:
    person.ui.segmentationSelector.setCurrentNode(two.taken)
    settle(person)
    segmentNow(person)
    assert "'CT lesions' belongs to 'CT'" in person.status
    assert person.cell(0, 2) == "failed"
    assert two.taken.GetSegmentation().GetNumberOfSegments() == 1
    person.ui.segmentationSelector.setCurrentNode(None)
    settle(person)
    segmentNow(person)
    assert person.cell(0, 2).startswith("done")


def test_a_deleted_volume_makes_way_for_none(person: Person, two: Any, scene: Any) -> None:
    scene.RemoveNode(two.mr)
    settle(person)
    assert person.ui.volumeSelector.currentNode() is None
    assert person.ui.lesionTable.rowCount == 0


def test_boxes_and_masks_of_other_volumes_are_off_the_views_while_the_module_is_shown(
    person: Person, two: Any
) -> None:
    ct, mr = two.boxes
    assert [isShown(x) for x in (ct, two.taken, mr)] == [False, False, True]
    person.widget.exit()
    settle(person)
    assert [isShown(x) for x in (ct, two.taken, mr)] == [True, True, True]
    person.panel.refresh()  # a node was added, say, while another module is shown
    assert isShown(ct)
    person.widget.enter()
    settle(person)
    assert not isShown(ct)
    choose(person, two.ct)
    assert [isShown(x) for x in (ct, two.taken, mr)] == [True, True, False]


def test_a_box_of_another_volume_that_is_dragged_starts_nothing(person: Person, two: Any) -> None:
    ct, mr = two.boxes
    segmentNow(person)
    ct.SetSize(*(0.5 * side for side in ct.GetSize()))
    said = person.status
    ct.InvokeEvent(ct.PointEndInteractionEvent)
    settle(person)
    assert person.status in (said, "")  # the move is a step, after which the line is old
    lesion = person.session.lesions.lesion(two.lesion.id)
    assert lesion.status == "box changed"
    mr.SetSize(*(0.5 * side for side in mr.GetSize()))
    mr.InvokeEvent(mr.PointEndInteractionEvent)
    person.wait(lambda: person.cell(0, 2).startswith("done"))
    choose(person, two.ct)  # what was moved meanwhile waits for Segment
    assert person.cell(0, 2) == "box changed"
    assert person.ui.segmentButton.enabled


def test_boxes_are_moved_as_a_whole_in_slice_views_alone(
    person: Person, two: Any, scene: Any
) -> None:
    crosshair = scene.GetFirstNodeByClass("vtkMRMLCrosshairNode")
    red = scene.GetFirstNodeByClass("vtkMRMLSliceNode")
    mr = two.boxes[1]

    def movable() -> tuple[bool, bool]:
        handle = mr.GetDisplayNode().GetTranslationHandleVisibility()
        return bool(handle), bool(mr.GetNthControlPointVisibility(0))

    assert movable() == (False, False)
    crosshair.SetCursorPositionXYZ([5.0, 5.0, 0.0], red)
    assert movable() == (True, False)
    crosshair.SetCursorPositionInvalid()  # as the mouse leaves the view
    assert movable() == (False, False)
    person.widget.exit()
    assert movable() == (True, True)
    crosshair.SetCursorPositionXYZ([5.0, 5.0, 0.0], red)
    assert movable() == (True, True)
    person.widget.enter()
