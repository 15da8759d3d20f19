"""Whole volumes into segments: what is written, what is left alone, and the way back."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from masam_core.errors import Cancelled, MasamError
from masam_core.lesion.organs import term_of

from ..scene.conftest import block
from ..whole import Held, outcome, segmentAll

SHAPE = (12, 14, 16)
LIVER = block((2, 8), (3, 9), (1, 7))
SPLEEN = block((3, 6), (4, 8), (9, 14))
NOTHING = np.zeros(SHAPE, dtype=bool)


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch, scene: Any) -> Held:
    return Held(monkeypatch, scene)


@pytest.fixture
def ct(make: Any, scene: Any) -> Any:
    import slicer

    values = np.random.default_rng(0).normal(0, 50, SHAPE).astype(np.int16)
    volume = make.volume(values, name="CT")
    slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)  # as in Slicer: it is there
    return volume


def segmentations(scene: Any) -> list[Any]:
    import slicer

    return list(slicer.util.getNodesByClass("vtkMRMLSegmentationNode", scene))


def masksOf(node: Any, volume: Any) -> dict[str, Any]:
    from MASAMSlicerLib.scene.segments import readSegment

    found = {}
    for identity in node.GetSegmentation().GetSegmentIDs():
        crop, (k, j, i) = readSegment(node, identity, volume)
        whole = np.zeros(SHAPE, dtype=bool)
        whole[k : k + crop.shape[0], j : j + crop.shape[1], i : i + crop.shape[2]] = crop
        found[node.GetSegmentation().GetSegment(identity).GetName()] = whole
    return found


def segmentNamed(node: Any, name: str) -> Any:
    segmentation = node.GetSegmentation()
    return segmentation.GetSegment(segmentation.GetSegmentIdBySegmentName(name))


def test_every_class_gets_a_segment_with_its_term_and_colour(
    held: Held, ct: Any, scene: Any
) -> None:
    from MASAMSlicerLib.scene.segments import tagOf

    report = segmentAll(held, ct, outcome({"liver": LIVER, "spleen": SPLEEN, "aorta": NOTHING}))
    (node,) = segmentations(scene)
    assert node.GetName() == "CT (Organs)"
    found = masksOf(node, ct)
    assert list(found) == ["Liver", "Spleen"]
    assert np.array_equal(found["Liver"], LIVER)
    assert np.array_equal(found["Spleen"], SPLEEN)
    liver = segmentNamed(node, "Liver")
    assert tagOf(liver, "TerminologyEntry") == term_of("liver").entry
    assert liver.GetColor() == pytest.approx((221 / 255, 130 / 255, 101 / 255))
    assert (report.written, report.missing, report.kept) == (["liver", "spleen"], ["aorta"], {})
    assert report.segmentation == "CT (Organs)"
    # They are no lesions: the list, and all that goes through it, stays what it was.
    assert held.session.lesions.lesions() == []

    assert held.session.history.undoTitle == "Segment 2 structures"
    held.session.history.undo()
    assert masksOf(node, ct) == {}
    held.session.history.redo()
    assert np.array_equal(masksOf(node, ct)["Liver"], LIVER)


def test_a_second_run_replaces_what_the_same_model_made(held: Held, ct: Any, scene: Any) -> None:
    segmentAll(held, ct, outcome({"liver": LIVER, "spleen": SPLEEN}))
    (node,) = segmentations(scene)
    segmentNamed(node, "Spleen").SetName("My spleen")
    larger = block((1, 9), (2, 10), (1, 8))
    # Shared labelmap layers, as after loading a file: the neighbours must not change.
    node.GetSegmentation().CollapseBinaryLabelmaps(False)
    report = segmentAll(held, ct, outcome({"spleen": larger}))
    assert segmentations(scene) == [node]
    found = masksOf(node, ct)
    assert np.array_equal(found["My spleen"], larger)
    assert np.array_equal(found["Liver"], LIVER)
    assert report.written == ["spleen"]
    held.session.history.undo()
    assert np.array_equal(masksOf(node, ct)["My spleen"], SPLEEN)

    # What is not found any more goes, and comes back by undo.
    report = segmentAll(held, ct, outcome({"liver": NOTHING, "spleen": SPLEEN}))
    assert list(masksOf(node, ct)) == ["My spleen"]
    assert report.missing == ["liver"]
    held.session.history.undo()
    assert np.array_equal(masksOf(node, ct)["Liver"], LIVER)

    # Another model's result is another segmentation.
    segmentAll(held, ct, outcome({"liver": LIVER}, sha="b" * 64))
    assert len(segmentations(scene)) == 2


def test_what_was_edited_or_locked_is_left_alone_and_said(held: Held, ct: Any, scene: Any) -> None:
    from MASAMSlicerLib.scene.segments import setLocked
    from MASAMSlicerLib.wording import wholeSummary

    segmentAll(held, ct, outcome({"liver": LIVER, "spleen": SPLEEN, "aorta": SPLEEN}))
    (node,) = segmentations(scene)
    setLocked(segmentNamed(node, "Spleen"), True)
    import slicer

    edited = block((0, 3), (0, 3), (0, 3))
    identity = node.GetSegmentation().GetSegmentIdBySegmentName("Liver")
    slicer.util.updateSegmentBinaryLabelmapFromArray(edited.astype(np.uint8), node, identity, ct)
    answer = outcome({"liver": LIVER, "spleen": NOTHING, "aorta": LIVER})
    report = segmentAll(held, ct, answer)
    found = masksOf(node, ct)
    assert np.array_equal(found["Liver"], edited)
    assert np.array_equal(found["Spleen"], SPLEEN)
    assert np.array_equal(found["Aorta"], LIVER)
    assert report.kept == {"liver": "edited by hand", "spleen": "locked"}
    words = wholeSummary(report)
    assert "Edited by hand since, and left as they are: liver." in words
    assert "Locked, and left as they are: spleen." in words
    assert words.startswith("1 structure segmented in ")


def test_why_a_confidence_is_not_known_is_said_and_kept_with_the_segment(
    held: Held, ct: Any, scene: Any
) -> None:
    from MASAMSlicerLib.scene.segments import tagOf
    from MASAMSlicerLib.wording import wholeSummary

    notes = {"liver": ("Not checked.", "It is large."), "spleen": ("Not checked.",)}
    masks = {"liver": LIVER, "spleen": SPLEEN, "aorta": NOTHING}
    report = segmentAll(held, ct, outcome(masks, notes=notes))
    assert wholeSummary(report).splitlines()[-2:] == ["Not checked.", "liver: It is large."]
    (node,) = segmentations(scene)
    segment = segmentNamed(node, "Liver")
    assert tagOf(segment, "MASAM.Confidence") == ""
    assert json.loads(tagOf(segment, "MASAM.Messages")) == ["Not checked.", "It is large."]
    report = segmentAll(held, ct, outcome({"liver": LIVER}))
    assert tagOf(segmentNamed(node, "Liver"), "MASAM.Confidence") == "0.8000"
    assert report.notes == []


def test_nothing_found_leaves_the_scene_as_it_was(held: Held, ct: Any, scene: Any) -> None:
    from MASAMSlicerLib.wording import wholeSummary

    before = scene.GetNumberOfNodes()
    report = segmentAll(held, ct, outcome({"liver": NOTHING}))
    assert (scene.GetNumberOfNodes(), held.session.history.undoTitle) == (before, "")
    assert wholeSummary(report).startswith("Nothing was found.")


def test_a_lesions_segment_beside_it_is_not_touched(
    held: Held, ct: Any, make: Any, scene: Any
) -> None:
    import slicer

    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Mine")
    node.CreateDefaultDisplayNodes()
    node.SetReferenceImageGeometryParameterFromVolumeNode(ct)
    identity = node.GetSegmentation().AddEmptySegment("mine", "Liver")
    slicer.util.updateSegmentBinaryLabelmapFromArray(SPLEEN.astype(np.uint8), node, identity, ct)
    segmentAll(held, ct, outcome({"liver": LIVER}))
    assert len(segmentations(scene)) == 2
    assert np.array_equal(masksOf(node, ct)["Liver"], SPLEEN)
    # Where it was chosen, the result stands beside what is there, overlapping it.
    segmentAll(held, ct, outcome({"liver": LIVER}), segmentationNode=node)
    segmentation = node.GetSegmentation()
    assert segmentation.GetNumberOfSegments() == 2
    assert np.array_equal(slicer.util.arrayFromSegmentBinaryLabelmap(node, "mine", ct) > 0, SPLEEN)


def test_a_result_comes_to_view_in_a_hidden_segmentation(held: Held, ct: Any, scene: Any) -> None:
    segmentAll(held, ct, outcome({"liver": LIVER}))
    (node,) = segmentations(scene)
    identity = node.GetSegmentation().GetSegmentIdBySegmentName("Liver")
    display = node.GetDisplayNode()
    display.SetVisibility(False)
    display.SetSegmentVisibility(identity, False)
    segmentAll(held, ct, outcome({"liver": SPLEEN}))
    assert display.GetVisibility()
    assert display.GetSegmentVisibility(identity)


def test_a_transformed_volume_takes_its_segments_along(
    held: Held, ct: Any, make: Any, scene: Any
) -> None:
    import slicer

    segmentAll(held, ct, outcome({"liver": LIVER}))
    matrix = np.eye(4)
    matrix[:3, 3] = (10, -4, 25)
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    transform.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(matrix))
    ct.SetAndObserveTransformNodeID(transform.GetID())
    # The earlier segmentation stayed where it was: the result does not go into it.
    segmentAll(held, ct, outcome({"liver": LIVER}))
    first, second = segmentations(scene)
    assert first.GetTransformNodeID() is None
    assert second.GetTransformNodeID() == transform.GetID()
    assert np.array_equal(masksOf(second, ct)["Liver"], LIVER)


def test_cancelling_failing_and_a_volume_that_goes_change_nothing(
    held: Held, ct: Any, make: Any, scene: Any
) -> None:
    from masam_core.catalog.choice import ModelChoice
    from masam_core.inference.options import SegmentOptions

    errors: list[Exception] = []
    begin = (ModelChoice(), SegmentOptions(), lambda *_: None, errors.append, errors.append)
    before = scene.GetNumberOfNodes()
    held.session.segmentAll(ct, *begin)
    assert held.session.segmenting
    with pytest.raises(MasamError, match="still computing"):
        held.session.segmentAll(ct, *begin)
    held.session.cancel()
    assert isinstance(errors.pop(), Cancelled)
    assert not held.session.segmenting

    held.session.segmentAll(ct, *begin)
    held.fail(MasamError("The model needs a box."))
    assert str(errors.pop()) == "The model needs a box."

    held.session.segmentAll(ct, *begin)
    import slicer

    ct.SetSpacing(3, 3, 3)
    held.answer(outcome({"liver": LIVER}))
    assert "moved or changed" in str(errors.pop())
    assert scene.GetNumberOfNodes() == before

    held.session.segmentAll(ct, *begin)
    slicer.mrmlScene.RemoveNode(ct)
    held.answer(outcome({"liver": LIVER}))
    assert "deleted from the scene" in str(errors.pop())
    assert segmentations(scene) == []
    assert held.session.history.undoTitle == ""


def test_classes_of_another_volume_are_off_the_views(
    held: Held, ct: Any, make: Any, scene: Any
) -> None:
    segmentAll(held, ct, outcome({"liver": LIVER}))
    (node,) = segmentations(scene)
    other = make.volume(np.zeros(SHAPE, np.int16), name="MR")
    display = node.GetDisplayNode()
    held.session.visibility.show(other)
    assert list(display.GetViewNodeIDs()) == [" "]
    held.session.visibility.show(ct)
    assert list(display.GetViewNodeIDs()) == []
