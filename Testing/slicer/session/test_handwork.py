"""Hand work on masks of the scene: what changes, one step of undo each, and prompts after it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from masam_core.errors import ConfigError, SegmentationError
from Testing.slicer.answering import answering, boxIn, segment
from Testing.slicer.scene.conftest import Scene, rigid

# Sagittal voxels run along i, coronal ones along j, axial ones along k.
UPRIGHT = np.diag([2.0, 2.0, 3.0, 1.0])


@pytest.fixture
def one(scene: Any, make: Scene, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A box that was segmented in a volume, under a transform, whose values are k."""
    from MASAMSlicerLib.session.handwork import HandWork

    session = answering(monkeypatch, scene)
    values = np.broadcast_to(np.arange(12)[:, None, None], (12, 14, 16)).astype(np.int16).copy()
    volume = make.volume(values, UPRIGHT)
    make.put_under(volume, rigid((0, 0, 30), (3, 4, -9)))
    lesion = session.lesions.add(volume, None, boxIn(make, volume, "Knot"))
    segment(session, [lesion.id])
    return SimpleNamespace(
        session=session, volume=volume, id=lesion.id, hand=HandWork(session), scene=scene
    )


def world(one: Any, *ijk: Any) -> np.ndarray:
    from MASAMSlicerLib.scene.transforms import nodeToWorld
    from MASAMSlicerLib.scene.volumes import geometryOf

    return nodeToWorld(one.volume, geometryOf(one.volume).ras_from_ijk(np.array(ijk, float)))


def mask(one: Any, identity: str = "") -> np.ndarray:
    from MASAMSlicerLib.scene.touchup import wholeMask
    from MASAMSlicerLib.scene.volumes import geometryOf

    return wholeMask(one.session.lesions.lesion(identity or one.id), geometryOf(one.volume))


def near(one: Any, ijk: tuple[int, int, int], radius: float) -> np.ndarray:
    """Voxels no farther than a radius from one, counted by hand."""
    k, j, i = np.mgrid[0:12, 0:14, 0:16]
    away = np.stack([2.0 * (i - ijk[0]), 2.0 * (j - ijk[1]), 3.0 * (k - ijk[2])])
    return np.linalg.norm(away, axis=0) <= radius + 1e-6


@pytest.mark.parametrize("plane", ["axial", "coronal", "sagittal"])
@pytest.mark.parametrize("shape", ["disc", "sphere"])
def test_discs_stay_in_their_slice_and_spheres_do_not(one: Any, shape: str, plane: str) -> None:
    from MASAMSlicerLib.session.handwork import Brush

    before, spot = mask(one), (11, 9, 8)
    one.hand.paint(one.id, Brush(False, shape, 4.0, plane), world(one, spot))
    expected = near(one, spot, 4.0)
    if shape == "disc":
        axis = {"axial": 0, "coronal": 1, "sagittal": 2}[plane]
        in_slice = np.zeros_like(expected)
        where = [slice(None)] * 3
        where[axis] = slice(spot[2 - axis], spot[2 - axis] + 1)
        in_slice[tuple(where)] = True
        expected &= in_slice
    assert (mask(one) == (before | expected)).all()
    lesion = one.session.lesions.lesion(one.id)
    assert (lesion.status, lesion.corrected) == ("edited", True)
    one.hand.paint(one.id, Brush(True, shape, 4.0, plane), world(one, spot))
    assert (mask(one) == before).all()
    assert one.session.history.undo() == "Erase in Knot"
    assert one.session.history.undo() == "Paint in Knot"
    assert (mask(one) == before).all()


def test_a_stroke_touches_all_between_its_points(one: Any) -> None:
    from MASAMSlicerLib.session.handwork import Brush

    one.hand.paint(one.id, Brush(radius=1.0), world(one, (9, 9, 4), (14, 9, 4)))
    assert mask(one)[4, 9, 9:15].all()
    assert mask(one)[4, 8, 9:15].sum() == 0


def test_a_brush_with_limits_paints_no_voxel_of_another_value(one: Any) -> None:
    from MASAMSlicerLib.session.handwork import Brush

    one.hand.paint(one.id, Brush(False, "sphere", 10.0, limits=(9, None)), world(one, (11, 9, 8)))
    new = mask(one) & ~near(one, (5, 5, 5), 1e-3)
    new[3:8] = False
    assert set(np.argwhere(new)[:, 0]) == {9, 10, 11}
    with pytest.raises(SegmentationError, match="no voxel under the brush"):
        one.hand.paint("", Brush(limits=(100, 200)), world(one, (11, 9, 8)), volumeNode=one.volume)


def test_a_lesion_begins_with_nothing_but_paint_and_can_be_corrected(one: Any) -> None:
    from MASAMSlicerLib.scene.promptnodes import Prompt, onVolume, writePrompts
    from MASAMSlicerLib.session.handwork import Brush

    ball = Brush(False, "sphere", 5.0)
    new = one.hand.paint("", ball, world(one, (11, 9, 8)), volumeNode=one.volume)
    lesion = one.session.lesions.lesion(new)
    drawn = near(one, (11, 9, 8), 5.0)
    assert (mask(one, new) == drawn).all()
    assert (lesion.status, lesion.corrected, lesion.provenance.model) == ("edited", True, "")
    assert lesion.provenance.prompts["started_from_mask"]
    report = segment(one.session, [new])
    assert "drawn by hand" in report.failed[0].error
    one.session.states.clear()

    click = Prompt.new("point", onVolume(world(one, (11, 9, 8)), one.volume), positive=False)
    writePrompts(one.scene, new, one.volume, [click])
    segment(one.session, [new])
    lesion = one.session.lesions.lesion(new)
    assert (mask(one, new).sum(), lesion.status) == (drawn.sum() - 1, "segmented")
    writePrompts(one.scene, new, one.volume, [])
    segment(one.session, [new])  # again from what the hand has drawn
    assert (mask(one, new) == drawn).all()
    for _ in range(3):
        one.session.history.undo()
    assert one.session.lesions.lesion(new) is None


def test_prompts_after_hand_work_respect_it(one: Any) -> None:
    from MASAMSlicerLib.scene.promptnodes import Prompt, onVolume, writePrompts
    from MASAMSlicerLib.scene.prompts import alignRoi
    from MASAMSlicerLib.session.handwork import Brush

    def ask(*spots: Any) -> None:
        prompts = [Prompt.new("point", onVolume(world(one, s), one.volume)) for s in spots]
        writePrompts(one.scene, one.id, one.volume, prompts)
        segment(one.session, [one.id])

    one.hand.paint(one.id, Brush(radius=1.0), world(one, (12, 9, 4)))
    one.hand.paint(one.id, Brush(True, radius=1.0), world(one, (5, 5, 5)))
    ask((9, 5, 5))
    assert (mask(one)[4, 9, 12], mask(one)[5, 5, 5], mask(one)[5, 5, 9]) == (True, False, True)
    lesion = one.session.lesions.lesion(one.id)
    assert lesion.status == "segmented"
    assert lesion.provenance.painted.values.tolist() != []
    ask((9, 6, 5))  # moved: made anew, with the hand's work
    assert (mask(one)[4, 9, 12], mask(one)[5, 5, 5], mask(one)[5, 5, 9]) == (True, False, False)
    alignRoi(lesion.roi, one.volume, np.full(3, 1.5), np.full(3, 7.5))
    segment(one.session, [one.id])
    assert mask(one)[2, 2, 2]
    assert (mask(one)[4, 9, 12], mask(one)[5, 5, 5], mask(one)[5, 6, 9]) == (True, False, True)
    one.hand.paint(one.id, Brush(radius=1.0), world(one, (14, 9, 4)))
    segment(one.session, [one.id])  # the same prompts again: to begin anew
    assert not mask(one)[4, 9, 12:15].any()
    assert mask(one)[5, 5, 5]


def test_hand_work_that_undo_brings_back_is_still_respected(one: Any) -> None:
    from MASAMSlicerLib.scene.promptnodes import Prompt, onVolume, writePrompts
    from MASAMSlicerLib.session.handwork import Brush

    def ask(*spots: Any) -> None:
        prompts = [Prompt.new("point", onVolume(world(one, s), one.volume)) for s in spots]
        writePrompts(one.scene, one.id, one.volume, prompts)
        segment(one.session, [one.id])

    one.hand.paint(one.id, Brush(radius=1.0), world(one, (12, 9, 4)))
    ask((9, 5, 5))
    one.session.history.undo()
    assert mask(one)[4, 9, 12]
    ask((9, 6, 5))
    ask((9, 7, 5))  # moved: made anew, with the hand's work
    assert (mask(one)[4, 9, 12], mask(one)[5, 7, 9]) == (True, True)


def test_a_first_mask_that_can_not_be_written_leaves_no_row(
    one: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from MASAMSlicerLib.session import handwork
    from MASAMSlicerLib.session.handwork import Brush

    def fail(*_: Any) -> str:
        raise SegmentationError("no room")

    before = one.session.history.undoTitle
    monkeypatch.setattr(handwork, "writeSegment", fail)
    with pytest.raises(SegmentationError, match="no room"):
        one.hand.paint("", Brush(), world(one, (11, 9, 8)), volumeNode=one.volume)
    assert [lesion.id for lesion in one.session.lesions.lesions()] == [one.id]
    assert one.session.history.undoTitle == before


def test_as_many_masks_are_kept_as_there_are_steps_to_undo() -> None:
    from MASAMSlicerLib.scene.handedits import MOST_MADE, HandEdits
    from MASAMSlicerLib.scene.history import MOST_STEPS

    assert MOST_MADE == MOST_STEPS + 1
    edits, nothing = HandEdits(), np.zeros((1, 1, 1), bool)
    for number in range(MOST_MADE + 1):
        edits.made("a", str(number), np.ones((1, 1, 1), bool), (number, 0, 0))
    assert edits.since("a", "0", nothing, (0, 0, 0)) is None
    assert edits.since("a", "1", nothing, (0, 0, 0)).offset_kji == (1, 0, 0)
    assert edits.since("b", "1", nothing, (0, 0, 0)) is None


def test_one_piece_is_kept_or_removed(one: Any) -> None:
    from MASAMSlicerLib.session.handwork import Brush

    before = mask(one)
    one.hand.paint(one.id, Brush(radius=1.0), world(one, (12, 9, 4)))
    both = mask(one)
    one.hand.removePiece(one.id, world(one, (12, 9, 4))[0])
    assert (mask(one) == before).all()
    one.session.history.undo()
    one.hand.keepPiece(one.id, world(one, (13, 9, 4))[0])  # nearest to it
    assert (mask(one) == (both & ~before)).all()
    with pytest.raises(SegmentationError, match="only piece"):
        one.hand.removePiece(one.id, world(one, (12, 9, 4))[0])


def test_grown_and_shrunk_by_mm_and_smoothed(one: Any) -> None:
    before = mask(one)
    one.hand.grow(one.id, 2.0)
    assert mask(one).sum() == before.sum() + 4 * 25  # a voxel to each side in its slices
    one.hand.grow(one.id, -2.0)
    assert (mask(one) == before).all()
    one.hand.smooth(one.id, 2.0)
    assert 0 < mask(one).sum() < before.sum()
    with pytest.raises(SegmentationError, match="leave nothing"):
        one.hand.grow(one.id, -50.0)


def test_slices_between_painted_ones_are_filled_in(one: Any) -> None:
    from MASAMSlicerLib.session.handwork import Brush

    disc = Brush(radius=4.0)
    new = one.hand.paint("", disc, world(one, (8, 7, 1)), volumeNode=one.volume)
    one.hand.paint(new, disc, world(one, (8, 7, 5)))
    one.hand.interpolate(new)
    filled = mask(one, new)
    assert (filled[1:6] == filled[1]).all()
    assert not filled[[0, 6]].any()
    with pytest.raises(SegmentationError, match="no empty slice"):
        one.hand.interpolate(new)
    one.session.history.undo()
    assert not mask(one, new)[2:5].any()


def test_what_may_not_be_changed_is_refused(one: Any) -> None:
    from MASAMSlicerLib.session.handwork import Brush

    with pytest.raises(ConfigError, match="radius of the brush"):
        Brush(radius=500.0)
    with pytest.raises(SegmentationError, match="disc or sphere"):
        Brush(shape="square")
    with pytest.raises(SegmentationError, match="finite"):
        one.hand.paint(one.id, Brush(), [[0.0, float("inf"), 0.0]])
    one.session.lesions.setLocked(one.session.lesions.lesion(one.id), True)
    with pytest.raises(SegmentationError, match="locked"):
        one.hand.smooth(one.id, 1.0)
    with pytest.raises(SegmentationError, match="not in the scene"):
        one.hand.smooth("gone", 1.0)
