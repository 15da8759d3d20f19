"""What belongs to other volumes is off the views, and comes back as the user had it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from Testing.slicer.answering import answering, boxIn, segment
from Testing.slicer.scene.conftest import Scene

VIEWS = ("vtkMRMLSliceNodeRed", "vtkMRMLSliceNodeGreen", "vtkMRMLViewNode1")


@pytest.fixture
def two(scene: Any, make: Scene, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Two volumes with a segmented lesion each."""
    session = answering(monkeypatch, scene)
    volumes = [make.volume(name=name) for name in ("CT", "MR")]
    made = []
    for volume in volumes:
        roi = boxIn(make, volume, f"{volume.GetName()} box")
        made.append(session.lesions.add(volume, None, roi).id)
    segment(session, made)
    lesions = [session.lesions.lesion(identity) for identity in made]
    return SimpleNamespace(session=session, volumes=volumes, lesions=lesions, scene=scene)


def seen(node: Any) -> list[bool]:
    """In which of the views a node is shown."""
    display = node.GetDisplayNode()
    return [bool(display.GetVisibility() and display.IsDisplayableInView(v)) for v in VIEWS]


def state(two: Any) -> list[list[bool]]:
    return [seen(node) for lesion in two.lesions for node in (lesion.roi, lesion.segmentation)]


ALL, NONE = [True] * 3, [False] * 3


def test_boxes_and_masks_of_the_chosen_volume_alone_are_shown(two: Any) -> None:
    shown = two.session.visibility
    shown.show(two.volumes[1])
    assert state(two) == [NONE, NONE, ALL, ALL]
    shown.show(two.volumes[0])
    assert state(two) == [ALL, ALL, NONE, NONE]
    shown.show(None)
    assert state(two) == [ALL] * 4
    shown.show(two.volumes[0])
    shown.showAll()
    assert state(two) == [ALL] * 4


def test_what_the_user_has_hidden_stays_hidden(two: Any) -> None:
    ct, _ = two.lesions
    ct.roi.SetDisplayVisibility(False)
    mask = ct.segmentation.GetDisplayNode()
    mask.AddViewNodeID(VIEWS[0])  # in one view alone
    before = state(two)
    assert before[:2] == [NONE, [True, False, False]]
    two.session.visibility.show(two.volumes[1])
    assert state(two)[:2] == [NONE, NONE]
    assert mask.GetVisibility() == 1
    ct.roi.SetDisplayVisibility(True)  # while it is away, e.g. by a script
    assert state(two)[:2] == [NONE, NONE]
    ct.roi.SetDisplayVisibility(False)
    two.session.visibility.show(two.volumes[0])
    assert state(two)[:2] == before[:2]


def test_boxes_and_segmentations_that_are_in_no_list_are_left_alone(two: Any, make: Scene) -> None:
    free = boxIn(make, two.volumes[0], "crop")
    organs = make.segmentation(two.volumes[0])
    organs.CreateDefaultDisplayNodes()
    two.session.visibility.show(two.volumes[1])
    assert seen(free) == seen(organs) == ALL


def test_a_segmentation_with_a_lesion_of_the_chosen_volume_is_shown(two: Any) -> None:
    ct, mr = two.lesions
    segmentation = ct.segmentation.GetSegmentation()
    segmentation.CopySegmentFromSegmentation(mr.segmentation.GetSegmentation(), mr.segmentId)
    two.session.lesions.recordSegment(mr, ct.segmentation, mr.segmentId)
    for volume in two.volumes:
        two.session.visibility.show(volume)
        assert seen(ct.segmentation) == ALL


@pytest.mark.parametrize("kind", ["bundle", "scene"])
def test_a_scene_that_is_saved_meanwhile_holds_what_the_user_had_chosen(
    two: Any, kind: str, tmp_path: Path
) -> None:
    ct, mr = two.lesions
    ct.segmentation.GetDisplayNode().AddViewNodeID(VIEWS[1])
    mr.roi.SetDisplayVisibility(False)
    before = state(two)
    two.session.visibility.show(two.volumes[1])
    scene = two.scene
    if kind == "bundle":
        assert scene.WriteToMRB(str(tmp_path / "scene.mrb"))
        scene.Clear()
        assert scene.ReadFromMRB(str(tmp_path / "scene.mrb"))
    else:
        parts = [(x.volume, x.roi, x.segmentation) for x in two.lesions]
        for node in [each for part in parts for each in part]:
            node.AddDefaultStorageNode()
            storage = node.GetStorageNode()
            suffix = storage.GetDefaultWriteFileExtension()
            storage.SetFileName(str(tmp_path / f"{node.GetName()}.{suffix}"))
            assert storage.WriteData(node)
        scene.SetURL(str(tmp_path / "scene.mrml"))
        assert scene.Commit()
        scene.Clear()
        scene.SetURL(str(tmp_path / "scene.mrml"))
        assert scene.Import()
    two.lesions = [two.session.lesions.lesion(lesion.id) for lesion in two.lesions]
    assert state(two) == before


def test_nothing_is_modified_where_nothing_changes(two: Any) -> None:
    two.session.visibility.show(two.volumes[1])
    displays = [lesion.roi.GetDisplayNode() for lesion in two.lesions]
    before = [display.GetMTime() for display in displays]
    two.session.visibility.show(two.volumes[1])
    assert [display.GetMTime() for display in displays] == before
    rois = [lesion.roi.GetMTime() for lesion in two.lesions]
    two.session.visibility.showAll()
    assert [lesion.roi.GetMTime() for lesion in two.lesions] == rois  # no box has "moved"
