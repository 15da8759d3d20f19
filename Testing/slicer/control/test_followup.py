"""Lesions carried over to the next study in the scene: proposals, a yes, one step."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from Testing.core.followup.phantoms import GEOMETRY, TURNED, Ball, inside, volume
from Testing.slicer.answering import answering
from Testing.slicer.control.test_improving import Process
from Testing.slicer.scene.conftest import Scene, rigid

LESION = Ball((-20.0, 5.0, 0.0), 9.0)


@pytest.fixture
def two(scene: Any, make: Scene, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Two volumes of a patient who has moved, and a lesion with its segment on the first."""
    from MASAMSlicerLib.control.followup import FollowingUp
    from MASAMSlicerLib.scene.segments import Look, newSegmentation, writeSegment

    session = answering(monkeypatch, scene)
    nodes = []
    for number, image in enumerate((volume([LESION]), volume([LESION], TURNED, seed=2)), 1):
        nodes.append(make.volume(image.array, image.geometry.ijk_to_ras, f"study {number}"))
    lesion = session.lesions.add(nodes[0], name="Liver")
    session.lesions.recolor(lesion, (0.1, 0.2, 0.9))
    segmentation = newSegmentation(nodes[0], "lesions")
    tags = {"MASAM.Lesion": lesion.id}
    segmentId = writeSegment(
        segmentation,
        None,
        nodes[0],
        inside(LESION),
        (0, 0, 0),
        Look("Liver", (0.1, 0.2, 0.9)),
        tags,
    )
    session.lesions.recordSegment(lesion, segmentation, segmentId)
    found = SimpleNamespace(
        session=session, earlier=nodes[0], later=nodes[1], lesion=lesion.id, make=make
    )
    found.shown, found.proposals, found.ends, found.processes = [], [], [], []

    def process(command: Any, environment: Any) -> Process:
        found.processes.append(Process(command, environment))
        return found.processes[-1]

    found.following = FollowingUp(
        session,
        process,
        lambda *how: found.shown.append(how),
        found.proposals.extend,
        found.ends.append,
    )
    return found


def corners(low: float, high: float) -> list[list[float]]:
    """Of a box in the later volume, LPS mm, in BoxPrompt's order."""
    return [
        [high if n & 1 else low, high if n & 2 else low, high if n & 4 else low] for n in range(8)
    ]


def propose(two: Any, **event: Any) -> Any:
    """Start, and have the process answer."""
    two.following.start(two.earlier, two.later)
    process = two.processes[-1]
    answer = {"id": two.lesion, "trust": "good", "words": "", "corners_lps": corners(-8.0, 12.0)}
    process.says(event="carried", **{**answer, **event})
    process.says(event="end")
    return two.proposals[-1]


def test_the_process_gets_images_and_mask_and_the_scene_stays_as_it_is(two: Any) -> None:
    from masam_core.image.volume import read_volume

    two.following.start(two.earlier, two.later)
    spec = two.processes[-1].spec
    assert np.array_equal(
        read_volume(Path(spec["later"])).array, volume([LESION], TURNED, seed=2).array
    )
    (lesion,) = spec["lesions"]
    assert lesion["name"] == "Liver"
    assert np.load(lesion["mask"]).sum() == inside(LESION).sum()
    assert len(two.session.lesions.lesions()) == 1
    two.processes[-1].says(event="progress", fraction=0.5, text="looking for Liver")
    assert two.shown[-1] == (0.5, "looking for Liver")
    folder = Path(spec["later"]).parent
    two.following.stop()
    assert not folder.exists()


def test_a_proposal_is_taken_as_a_box_with_the_same_look_in_one_step(two: Any) -> None:
    from MASAMSlicerLib.scene.prompts import cornersInVolume

    proposal = propose(two)
    assert len(two.session.lesions.lesions()) == 1  # nothing by itself
    (made,) = two.following.take([proposal])
    assert (made.name, made.volume is two.later, made.status) == ("Liver", True, "not segmented")
    assert made.color == pytest.approx((0.1, 0.2, 0.9), abs=1e-3)
    # As a set: the box's own axes may be named in another order.
    placed = cornersInVolume(made.roi, two.later)
    assert np.allclose(np.sort(placed, axis=0), np.sort(corners(-8.0, 12.0), axis=0), atol=1e-3)
    history = two.session.history
    assert history.undoTitle == "Carry over Liver"
    history.undo()
    assert [x.name for x in two.session.lesions.lesions(two.later)] == []
    history.redo()
    (again,) = two.session.lesions.lesions(two.later)
    assert np.allclose(cornersInVolume(again.roi, two.later), placed, atol=1e-3)


def test_a_transform_over_the_later_volume_is_followed(two: Any) -> None:
    from MASAMSlicerLib.scene.prompts import cornersInVolume

    transform = two.make.put_under(two.later, rigid((10, 20, 30), (50, -20, 5)))
    proposal = propose(two)
    (made,) = two.following.take([proposal])
    assert made.roi.GetTransformNodeID() == transform.GetID()
    placed = cornersInVolume(made.roi, two.later)
    assert np.allclose(np.sort(placed, axis=0), np.sort(corners(-8.0, 12.0), axis=0), atol=1e-3)


def test_what_was_not_found_can_not_be_taken(two: Any) -> None:
    from masam_core.errors import MasamError

    proposal = propose(two, trust="failed", words="nothing is alike", corners_lps=None)
    assert "nothing is alike" in proposal.about
    with pytest.raises(MasamError, match="nothing to carry over"):
        two.following.take([proposal])
    assert len(two.session.lesions.lesions()) == 1


def test_what_is_doubtful_says_so(two: Any) -> None:
    proposal = propose(two, trust="doubtful", words="hardly alike")
    assert "doubtful" in proposal.about
    assert "hardly alike" in proposal.about


def test_a_lesion_is_carried_over_once(two: Any) -> None:
    from masam_core.errors import MasamError

    proposal = propose(two)
    two.following.take([proposal])
    with pytest.raises(MasamError, match="nothing to carry over"):
        two.following.take([proposal])
    with pytest.raises(MasamError, match="no lesion that is not carried over"):
        two.following.start(two.earlier, two.later)


def test_a_volume_that_has_gone_is_told(two: Any, scene: Any) -> None:
    from masam_core.errors import MasamError

    proposal = propose(two)
    scene.RemoveNode(two.later)
    with pytest.raises(MasamError, match="not in the scene any more"):
        two.following.take([proposal])


def test_an_error_and_a_crash_are_told(two: Any) -> None:
    two.following.start(two.earlier, two.later)
    two.processes[-1].says(event="error", message="The image is damaged.")
    two.processes[-1].on_closed(1)
    two.following.start(two.earlier, two.later)
    two.processes[-1].on_closed(-9)
    assert two.ends[0] == "The image is damaged."
    assert "unexpectedly" in two.ends[1]
    assert not two.following.running


def test_cancelling_asks_the_process(two: Any) -> None:
    two.following.start(two.earlier, two.later)
    two.following.cancel()
    assert two.processes[-1].written == [b"cancel\n"]
    two.processes[-1].says(event="cancelled")
    two.processes[-1].on_closed(0)
    assert two.ends == [""]


def test_a_lesion_that_is_a_box_alone_is_carried_by_its_box(two: Any) -> None:
    from MASAMSlicerLib.scene.followup import placeOf
    from MASAMSlicerLib.scene.prompts import alignRoi

    lesion = two.session.lesions.add(two.earlier, name="Box")
    alignRoi(lesion.roi, two.earlier, np.array([3.5, 4.5, 5.5]), np.array([8.5, 10.5, 7.5]))
    place = placeOf(two.session.lesions, lesion)
    kji = np.argwhere(place.mask) + place.offset
    assert kji.min(axis=0).tolist() == [6, 5, 4]
    assert kji.max(axis=0).tolist() == [7, 10, 8]


def test_the_real_process_finds_the_place(two: Any) -> None:
    """The same job by the program itself."""
    two.following.start(two.earlier, two.later)
    process = two.processes[-1]
    done = _run(process)
    events = [json.loads(line) for line in done.splitlines()]
    assert events[-1] == {"event": "end"}
    (carried,) = [each for each in events if each["event"] == "carried"]
    assert carried["trust"] == "good"
    points = np.array(carried["corners_lps"])
    k, j, i = np.nonzero(inside(LESION, TURNED))
    truth = GEOMETRY.lps_from_ijk(np.stack([i, j, k], axis=1).astype(float))
    assert (points.min(axis=0) <= truth.min(axis=0)).all()
    assert (points.max(axis=0) >= truth.max(axis=0)).all()


def _run(process: Process) -> bytes:
    with subprocess.Popen(
        [sys.executable, *process.command[1:]],
        stdin=subprocess.PIPE,  # open: its end would cancel
        stdout=subprocess.PIPE,
        env=process.environment,
    ) as child:
        assert child.stdout is not None
        return child.stdout.read()


def test_figures_of_both_studies_stand_side_by_side(two: Any) -> None:
    from MASAMSlicerLib.control.course import courseWords

    assert courseWords(two.session, two.later) == []
    (made,) = two.following.take([propose(two)])
    assert courseWords(two.session, two.later) == []  # not segmented yet
    earlier = two.session.lesions.lesion(two.lesion)
    measured(earlier, 40.0, 20.0, 10.0)
    twin = segmented(two, made)
    measured(twin, 26.0, 13.0, 4.0)
    lines = courseWords(two.session, two.later)
    assert "40.0 \N{RIGHTWARDS ARROW} 26.0 mm (-35 %)" in lines[0]
    assert "10.0 \N{RIGHTWARDS ARROW} 4.0 ml (-60 %)" in lines[0]
    assert "PR" in lines[1]


def test_figures_of_a_mask_that_was_edited_since_are_not_told(two: Any) -> None:
    from MASAMSlicerLib.control.course import courseWords
    from MASAMSlicerLib.scene.provenance import maskDigest

    from masam_core.lesion.diameter_plane import DiameterPlane

    (made,) = two.following.take([propose(two)])
    twin = segmented(two, made)
    for each in (two.session.lesions.lesion(two.lesion), twin):
        measured(each, 40.0, 20.0, 10.0)
    assert "mm" in courseWords(two.session, two.later)[0]
    edit(two.session.lesions.lesion(twin.id))
    words = [f"{twin.name}: edited since it was measured; press Measure again"]
    assert courseWords(two.session, two.later) == words
    now = two.session.lesions.lesion(twin.id)
    digest = maskDigest(*two.session.lesions.maskOf(now))
    measures = two.session._measuring
    measures.write([(now, now.provenance.measurements, digest, DiameterPlane.AUTO)])
    assert "mm" in courseWords(two.session, two.later)[0]
    edit(two.session.lesions.lesion(two.lesion))  # that of the earlier study
    assert courseWords(two.session, two.later) == words


def edit(lesion: Any) -> None:
    """Erase the upper half of a mask, as the Segment Editor does."""
    import slicer

    mask = slicer.util.arrayFromSegmentBinaryLabelmap(
        lesion.segmentation, lesion.segmentId, lesion.volume
    )
    mask = (mask > 0).astype(np.uint8)
    mask[np.flatnonzero(mask.any(axis=(1, 2))).mean().astype(int) :] = 0
    slicer.util.updateSegmentBinaryLabelmapFromArray(
        mask, lesion.segmentation, lesion.segmentId, lesion.volume
    )


def segmented(two: Any, lesion: Any) -> Any:
    """A segment for a lesion of the later volume."""
    from MASAMSlicerLib.scene.segments import newSegmentation, writeSegment

    node = newSegmentation(two.later, "next")
    tags = {"MASAM.Lesion": lesion.id}
    mask = inside(LESION, TURNED)
    segmentId = writeSegment(node, None, two.later, mask, (0, 0, 0), lesion.look, tags)
    two.session.lesions.recordSegment(lesion, node, segmentId)
    return two.session.lesions.lesion(lesion.id)


def measured(lesion: Any, mm: float, across: float, ml: float) -> None:
    """Give a lesion's segment figures, as a run does."""
    from MASAMSlicerLib.scene.provenance import Provenance, maskDigest
    from MASAMSlicerLib.scene.segments import readSegment

    figures = {
        "longest_diameter_mm": mm,
        "perpendicular_diameter_mm": across,
        "volume_ml": ml,
    }
    made = Provenance(
        lesion=lesion.id,
        corners=np.array(corners(0.0, 1.0)),
        model="m",
        modelHash="",
        device="cpu",
        version="0",
        options={},
        confidence=0.9,
        measurements=figures,
        maskHash=maskDigest(*readSegment(lesion.segmentation, lesion.segmentId, lesion.volume)),
        volumeHash="",
        roi="",
    )
    for name, value in made.tags().items():
        lesion.segment.SetTag(name, value)
