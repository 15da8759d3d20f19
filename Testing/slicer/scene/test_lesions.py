"""The lesion list says what the scene says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from Testing.slicer.scene.conftest import Scene, block, rigid

SIZE = (5.0, 5.0, 5.0)


@pytest.fixture
def lesions(scene: Any) -> Any:
    from MASAMSlicerLib.scene.lesions import LesionList

    return LesionList(scene)


def segmented(lesions: Any, make: Scene, volume: Any, **changes: Any) -> Any:
    """A lesion with a segment, as a run leaves it."""
    from MASAMSlicerLib.scene.prompts import cornersInVolume
    from MASAMSlicerLib.scene.provenance import Provenance, maskDigest
    from MASAMSlicerLib.scene.segments import newSegmentation, writeSegment

    lesion = lesions.add(volume, None, make.roi(rigid((0, 0, 10), (9, -30, 12)), SIZE))
    mask, offset = np.ones((2, 3, 4), bool), (1, 2, 3)
    made = Provenance(
        lesion.id,
        cornersInVolume(lesion.roi, volume),
        model="net | 1",
        options={"quality": "best"},
        confidence=0.75,
        measurements={"voxels": 24, "volume_ml": 1.5},
        maskHash=maskDigest(mask, offset),
        messages=("one | two: three",),
    )
    node = newSegmentation(volume, "result")
    identity = writeSegment(node, None, volume, mask, offset, lesion.look, made.tags())
    lesions.recordSegment(lesion, node, identity)
    return lesions.lesion(lesion.id)


def test_names_and_colours_of_new_lesions_differ(lesions: Any, make: Scene) -> None:
    volume = make.volume()
    made = [lesions.add(volume) for _ in range(3)]
    assert [lesion.name for lesion in made] == ["Lesion 1", "Lesion 2", "Lesion 3"]
    assert len({lesion.color for lesion in made}) == 3
    assert {lesion.status for lesion in made} == {"not segmented"}
    lesions.remove(made[1])
    assert lesions.add(volume).name == "Lesion 4"
    assert [lesion.name for lesion in lesions.lesions(volume)] == [
        "Lesion 1",
        "Lesion 3",
        "Lesion 4",
    ]


def test_each_volume_has_its_own(lesions: Any, make: Scene) -> None:
    first, second = make.volume(name="a"), make.volume(name="b")
    lesions.add(first)
    other = lesions.add(second)
    assert [lesion.id for lesion in lesions.lesions(second)] == [other.id]
    assert len(lesions.lesions()) == 2


def test_status_follows_box_and_mask(lesions: Any, make: Scene) -> None:
    import slicer

    volume = make.volume()
    lesion = segmented(lesions, make, volume)
    assert lesion.status == "segmented"
    assert lesion.provenance.confidence == 0.75
    assert lesion.provenance.messages == ("one | two: three",)
    assert lesion.provenance.model == "net | 1"
    lesion.roi.SetSize(5.0, 5.0, 6.0)
    assert lesions.lesion(lesion.id).status == "box changed"
    lesion.roi.SetSize(*SIZE)
    assert lesions.lesion(lesion.id).status == "segmented"
    slicer.util.updateSegmentBinaryLabelmapFromArray(
        block((1, 4), (2, 5), (3, 7)).astype(np.uint8),
        lesion.segmentation,
        lesion.segmentId,
        volume,
    )
    assert lesions.lesion(lesion.id).status == "edited"
    lesion.segmentation.GetSegmentation().RemoveSegment(lesion.segmentId)
    assert lesions.lesion(lesion.id).status == "not segmented"


def test_moving_volume_and_box_together_changes_nothing(lesions: Any, make: Scene) -> None:
    volume = make.volume()
    lesion = segmented(lesions, make, volume)
    transform = make.put_under(volume, rigid((20, 0, 0), (5, 0, 0)))
    assert lesions.lesion(lesion.id).status != "segmented"
    lesion.roi.SetAndObserveTransformNodeID(transform.GetID())
    lesion.segmentation.SetAndObserveTransformNodeID(transform.GetID())
    assert lesions.lesion(lesion.id).status == "segmented"


def test_name_colour_and_type_go_to_box_and_segment(lesions: Any, make: Scene) -> None:
    import slicer
    from MASAMSlicerLib.scene.segments import tagOf

    lesion = segmented(lesions, make, make.volume())
    lesions.rename(lesion, " Left lobe ")
    lesions.recolor(lesion, (0.1, 0.2, 0.3))
    lesions.setTerminology(lesion, "x~y~z")
    assert lesion.roi.GetName() == lesion.segment.GetName() == "Left lobe"
    assert np.allclose(lesion.segment.GetColor(), (0.1, 0.2, 0.3))
    assert np.allclose(lesion.roi.GetDisplayNode().GetSelectedColor(), (0.1, 0.2, 0.3))
    name = slicer.vtkSegment.GetTerminologyEntryTagName()
    assert tagOf(lesion.segment, name) == "x~y~z"
    with pytest.raises(ValueError, match="needs a name"):
        lesions.rename(lesion, "  ")


def test_what_the_user_deletes_is_gone_and_nothing_else(lesions: Any, make: Scene) -> None:
    volume = make.volume()
    first, second = segmented(lesions, make, volume), segmented(lesions, make, volume)
    make.scene.RemoveNode(first.roi)
    (left,) = [x for x in lesions.lesions(volume) if x.id == first.id]
    assert left.roi is None
    assert left.status == "segmented"
    lesions.remove(left)
    assert [x.id for x in lesions.lesions()] == [second.id]
    make.scene.RemoveNode(volume)
    assert lesions.lesion(second.id).volume is None


def test_a_duplicate_has_the_same_box_and_no_segment(lesions: Any, make: Scene) -> None:
    from MASAMSlicerLib.scene.prompts import cornersInVolume

    volume = make.volume()
    lesion = segmented(lesions, make, volume)
    copy = lesions.duplicate(lesion)
    assert copy.id != lesion.id
    assert copy.name != lesion.name
    assert copy.segment is None
    assert np.allclose(cornersInVolume(copy.roi, volume), cornersInVolume(lesion.roi, volume))


def test_damaged_tags_make_no_lesion_unreadable(lesions: Any, make: Scene) -> None:
    lesion = segmented(lesions, make, make.volume())
    lesion.segment.SetTag("MASAM.BoxCornersLPS", "1 2 3")
    again = lesions.lesion(lesion.id)
    assert again.provenance is None
    assert again.status == "not segmented"


@pytest.mark.parametrize("text", ['[{"side": "beyond"}]', "[1, 2]", "{{"])
def test_damaged_cuts_lose_the_cuts_alone(lesions: Any, make: Scene, text: str) -> None:
    from MASAMSlicerLib.report import rowsOf
    from MASAMSlicerLib.scene.extendable import extendable

    lesion = segmented(lesions, make, make.volume())
    lesion.segment.SetTag("MASAM.Cuts", text)
    again = lesions.lesion(lesion.id)
    assert (again.status, again.provenance.cuts, extendable(again)) == ("segmented", (), [])
    assert len(rowsOf([again])) == 1


def test_the_next_scene_begins_with_the_first_label(scene: Any, make: Scene) -> None:
    from MASAMSlicerLib.session.session import Session

    session = Session(scene, lambda: None)
    volume = make.volume()
    assert [session.lesions.add(volume).label for _ in range(3)] == [1, 2, 3]
    session.sceneClosed()
    scene.Clear()
    assert session.lesions.add(make.volume()).label == 1


def test_a_mask_is_looked_at_again_only_when_it_was_modified(
    lesions: Any, make: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    import slicer

    volume = make.volume()
    lesion = segmented(lesions, make, volume)
    read: list[str] = []
    whole = type(lesions).maskOf
    monkeypatch.setattr(
        type(lesions), "maskOf", lambda self, x: (read.append(x.id), whole(self, x))[1]
    )
    for _ in range(3):
        assert lesions.lesion(lesion.id).status == "segmented"
    assert read == []
    array = block((1, 4), (2, 5), (3, 7)).astype(np.uint8)
    slicer.util.updateSegmentBinaryLabelmapFromArray(
        array, lesion.segmentation, lesion.segmentId, volume
    )
    for _ in range(3):
        assert lesions.lesion(lesion.id).status == "edited"
    assert len(read) == 1


def test_held_reads_the_scene_once(lesions: Any, make: Scene) -> None:
    volume = make.volume()
    lesions.add(volume)
    with lesions.held():
        first = lesions.lesions()
        assert lesions.lesions()[0] is first[0]
    assert lesions.lesions()[0] is not first[0]


def test_a_duplicate_takes_type_and_colour_along(lesions: Any, make: Scene) -> None:
    first, second = make.volume(), make.volume(name="other")
    lesion = segmented(lesions, make, first)
    lesions.recolor(lesion, (0.1, 0.2, 0.3))
    lesions.setTerminology(lesion, "x~y~z")
    for volume in (first, second):
        copy = lesions.duplicate(lesions.lesion(lesion.id), volume)
        assert copy.volume is volume
        assert copy.terminology == "x~y~z"
        assert np.allclose(copy.color, (0.1, 0.2, 0.3))
        assert np.allclose(copy.roi.GetDisplayNode().GetSelectedColor(), (0.1, 0.2, 0.3))


def test_a_rename_in_another_module_reaches_box_and_segment(lesions: Any, make: Scene) -> None:
    lesion = segmented(lesions, make, make.volume())
    lesion.segment.SetName("by batch, frame 1 of 4")  # differs from the box from the start
    lesions.followNames()
    assert lesion.roi.GetName() == "Box"
    lesion.segment.SetName("In segmentations")
    lesion.segment.SetColor(0.5, 0.25, 0.75)
    lesions.followNames()
    assert lesion.roi.GetName() == "In segmentations"
    assert np.allclose(lesion.roi.GetDisplayNode().GetSelectedColor(), (0.5, 0.25, 0.75))
    lesion.roi.SetName("In markups")
    lesions.followNames()
    assert lesion.segment.GetName() == "In markups"
    lesions.rename(lesions.lesion(lesion.id), "In the list")
    lesions.followNames()
    assert lesion.segment.GetName() == lesion.roi.GetName() == "In the list"
    lesion.segment.SetName("one")
    lesion.roi.SetName("two")
    lesions.followNames()
    assert lesion.roi.GetName() == "one"


def test_a_confidence_that_is_not_known_is_shown_as_a_dash(lesions: Any, make: Scene) -> None:
    from dataclasses import replace

    from MASAMSlicerLib.wording import rowOf

    lesion = segmented(lesions, make, make.volume())
    assert rowOf(lesion, {}).confidence == "75%"
    made = replace(lesion.provenance, confidence=float("nan"))
    # As this version writes it, as an earlier one did, and as files do that leave it out.
    for text in (made.tags()["MASAM.Confidence"], "nan", ""):
        assert "nan" not in made.tags()["MASAM.Confidence"]
        lesion.segment.SetTag("MASAM.Confidence", text)
        again = lesions.lesion(lesion.id)
        assert again.provenance.knownConfidence is None
        assert rowOf(again, {}).confidence == "not known"
