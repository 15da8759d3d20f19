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


def test_the_selector_itself_goes_to_another_node(harness: Any, scene: Any) -> None:
    """What the stand-in does, as the application was seen to do."""
    from Testing.slicer_harness.mrml_widgets import qMRMLNodeComboBox

    nodes = [scene.AddNewNodeByClass("vtkMRMLSegmentationNode", name) for name in "abc"]
    selector = qMRMLNodeComboBox()
    selector.nodeTypes, selector.noneEnabled = ["vtkMRMLSegmentationNode"], True
    selector.setMRMLScene(scene)
    for chosen, expected in ((1, "c"), (2, "a")):
        selector.setCurrentNode(nodes[chosen])
        scene.RemoveNode(nodes[chosen])
        assert selector.currentNode().GetName() == expected
    assert selector.property("currentText") == "a"
    selector.setMRMLScene(scene.NewInstance())  # this one is no longer watched


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


def test_back_at_a_volume_its_new_lesions_go_to_its_other_ones_and_the_title_says_so(
    person: Person, two: Any, scene: Any
) -> None:
    assert "New lesions go into: a new segmentation" in person.ui.inputsCollapsibleButton.toolTip
    choose(person, two.ct)
    assert person.ui.segmentationSelector.currentNode() is two.taken
    settle(person)
    assert "New lesions go into: CT lesions" in person.ui.inputsCollapsibleButton.toolTip
    take(person, boxIn(Scene(scene), two.ct, "second", 4.5, 9.5))
    segmentNow(person)
    assert two.taken.GetSegmentation().GetNumberOfSegments() == 2
    choose(person, two.mr)
    assert person.ui.segmentationSelector.currentNode() is None


def test_a_new_segmentation_is_made_where_one_was_asked_for(
    person: Person, two: Any, scene: Any
) -> None:
    choose(person, two.ct)
    person.ui.segmentationSelector.setCurrentNode(None)
    settle(person)
    assert "New lesions go into: a new segmentation" in person.ui.inputsCollapsibleButton.toolTip
    fresh = [take(person, boxIn(Scene(scene), two.ct, n, 4.5, 9.5)).id for n in ("2nd", "3rd")]
    segmentNow(person)
    second, third = (person.session.lesions.lesion(each) for each in fresh)
    assert second.segmentation is third.segmentation
    assert second.segmentation is not two.taken
    assert second.segmentation.GetSegmentation().GetNumberOfSegments() == 2
    assert two.taken.GetSegmentation().GetNumberOfSegments() == 1


def test_where_what_a_selector_shows_is_deleted_it_shows_none(person: Person, scene: Any) -> None:
    selectors = [x for x in vars(person.ui).values() if type(x).__name__ == "qMRMLNodeComboBox"]
    assert len(selectors) == 4
    for selector in selectors:
        kind = selector.nodeTypes[0]
        if kind == "vtkMRMLScalarVolumeNode":
            first, last = (Scene(scene).volume(name=name) for name in ("first", "last"))
        else:
            first, last = (scene.AddNewNodeByClass(kind, name) for name in ("first", "last"))
        selector.setCurrentNode(first)
        settle(person)
        assert selector.currentNode() is first
        scene.RemoveNode(first)
        assert selector.currentNode() is None, selector.objectName
        settle(person)
        assert selector.currentNode() is None, selector.objectName
        scene.RemoveNode(last)


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


def test_boxes_are_not_moved_as_a_whole_in_3D(person: Person, two: Any) -> None:
    import slicer

    mouse = slicer.app.layoutManager().threeDWidget(0).threeDView().interactor()
    display = two.boxes[1].GetDisplayNode()
    assert display.GetTranslationHandleVisibility()
    mouse.InvokeEvent("EnterEvent")
    assert not display.GetTranslationHandleVisibility()
    mouse.InvokeEvent("LeaveEvent")
    assert display.GetTranslationHandleVisibility()
    mouse.InvokeEvent("MouseMoveEvent")
    assert not display.GetTranslationHandleVisibility()
    person.widget.exit()
    assert display.GetTranslationHandleVisibility()
    mouse.InvokeEvent("EnterEvent")
    assert display.GetTranslationHandleVisibility()
    person.widget.enter()
    settle(person)
    mouse.InvokeEvent("EnterEvent")
    assert not display.GetTranslationHandleVisibility()
    mouse.InvokeEvent("LeaveEvent")


def test_a_result_of_a_volume_that_is_not_chosen_any_more_is_shown_when_it_is_again(
    person: Person, two: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from MASAMSlicerLib.scene.segments import surfaceName
    from MASAMSlicerLib.session.session import Session

    held: list[Any] = []
    answer = Session._start
    monkeypatch.setattr(Session, "_start", lambda *those: held.append(those))
    segmentNow(person)
    choose(person, two.ct)
    view = spaceView()
    view.focalPoint = (1.0, 2.0, 3.0)  # of the user
    answer(*held[0])
    settle(person)
    assert person.status.startswith("MR: 1 lesion segmented")
    made = next(x for x in person.lesions() if x.volume is two.mr).segmentation
    assert made.GetSegmentation().ContainsRepresentation(surfaceName())
    assert person.panel.context.parameters.segmentation is not made
    assert view.focalPoint == (1.0, 2.0, 3.0)
    choose(person, two.mr)
    bounds = [0.0] * 6
    made.GetRASBounds(bounds)
    middle = [(bounds[2 * axis] + bounds[2 * axis + 1]) / 2 for axis in range(3)]
    assert view.focalPoint == pytest.approx(middle)


def spaceView() -> Any:
    import slicer

    return slicer.app.layoutManager().threeDWidget(0).threeDView()
