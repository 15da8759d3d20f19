"""Correction by prompts: what comes into the scene, what the mask becomes, and undo."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from Testing.slicer.answering import answering, boxIn
from Testing.slicer.control.desk import makeDesk
from Testing.slicer.scene.conftest import Scene, rigid


@pytest.fixture
def one(scene: Any, make: Scene, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A volume under a transform, and one box in it, watched as both front ends do."""
    from MASAMSlicerLib.control.promptactions import PromptActions
    from MASAMSlicerLib.control.runner import Request, Runner
    from MASAMSlicerLib.control.settling import Settling
    from MASAMSlicerLib.control.watcher import Watcher

    from masam_core.inference.options import SegmentOptions
    from masam_core.worker.steps import ModelChoice

    session = answering(monkeypatch, scene)
    volume = make.volume()
    make.put_under(volume, rigid((5, 12, -8), (3, 4, -9)))
    desk = makeDesk(session, volume)
    runner = Runner(
        desk,
        request=lambda: Request(ModelChoice(), SegmentOptions()),
        follows=lambda: True,
        before=lambda: None,
        onStart=lambda: None,
        onResult=lambda _: None,
    )
    watcher = Watcher(scene, Settling(desk.later, runner.follow), lambda: None)
    lesion = session.lesions.add(volume, None, boxIn(make, volume, "Knot"))
    desk.select(lesion.id)
    desk.let(600)
    found = SimpleNamespace(
        session=session,
        scene=scene,
        volume=volume,
        desk=desk,
        runner=runner,
        id=lesion.id,
        act=PromptActions(desk, runner),
        make=make,
    )
    yield found
    watcher.stop()


def world(one: Any, *ijk: Any) -> np.ndarray:
    """World positions of voxels."""
    from MASAMSlicerLib.scene.transforms import nodeToWorld
    from MASAMSlicerLib.scene.volumes import geometryOf

    return nodeToWorld(one.volume, geometryOf(one.volume).ras_from_ijk(np.array(ijk, float)))


def lesion(one: Any, identity: str = "") -> Any:
    return one.session.lesions.lesion(identity or one.id)


def mask(one: Any, identity: str = "") -> np.ndarray:
    """The mask on the whole volume; nothing is all False."""
    from MASAMSlicerLib.scene.touchup import wholeMask
    from MASAMSlicerLib.scene.volumes import geometryOf

    return wholeMask(lesion(one, identity), geometryOf(one.volume))


def places(one: Any, identity: str) -> np.ndarray:
    """World positions of the mask's voxels; a file may turn the axes of a left-handed grid."""
    found = world(one, *np.argwhere(mask(one, identity))[:, ::-1])
    return found[np.lexsort(found.round(2).T)]


def kinds(one: Any) -> list[tuple[str, bool]]:
    return [(prompt.kind, prompt.positive) for prompt in lesion(one).prompts]


def test_each_correction_is_answered_at_once_and_is_one_step_of_undo(one: Any) -> None:
    one.runner.start([one.id])
    first = mask(one)
    assert first.sum() == 5**3
    one.act.correct(one.id, "point", True, world(one, (10, 5, 5)))
    one.act.correct("", "scribble", False, world(one, (3, 3, 3), (6, 3, 3)))
    expected = first.copy()
    expected[5, 5, 10] = True
    expected[3, 3, 3:7] = False
    assert (mask(one) == expected).all()
    assert kinds(one) == [("point", True), ("scribble", False)]
    assert (lesion(one).status, lesion(one).corrected) == ("segmented", True)
    one.desk.let(600)
    assert one.runner.undo()
    assert kinds(one) == [("point", True)]
    assert (mask(one).sum(), lesion(one).status) == (first.sum() + 1, "segmented")
    assert one.runner.undo()
    assert (kinds(one), (mask(one) == first).all()) == ([], True)
    assert not lesion(one).corrected
    one.runner.redo()
    one.runner.redo()
    assert (mask(one) == expected).all()
    assert kinds(one) == [("point", True), ("scribble", False)]
    one.desk.let(600)
    assert (lesion(one).status, one.session.history.redoTitle) == ("segmented", "")


def test_the_mask_follows_a_prompt_that_is_moved_or_deleted(one: Any) -> None:
    one.runner.start([one.id])
    one.act.correct(one.id, "point", True, world(one, (10, 5, 5)))
    one.act.correct(one.id, "lasso", False, world(one, (2, 2, 4), (5, 2, 4), (5, 5, 4), (2, 5, 4)))
    click, lasso = lesion(one).prompts
    before = mask(one)
    one.act.move(one.id, click.id, world(one, (11, 6, 6)))
    assert not mask(one)[5, 5, 10]
    assert mask(one)[6, 6, 11]
    assert [prompt.id for prompt in lesion(one).prompts] == [click.id, lasso.id]
    one.act.delete(one.id, lasso.id)
    assert mask(one)[4, 3, 3]
    assert kinds(one) == [("point", True)]
    assert one.session.history.undoTitle.startswith("Segment")
    one.runner.undo()
    one.runner.undo()
    assert (mask(one) == before).all()
    assert lesion(one).status == "segmented"


def test_a_click_that_is_dragged_in_a_view_moves_the_mask(one: Any) -> None:
    from MASAMSlicerLib.scene.promptnodes import promptNodes

    one.runner.start([one.id])
    one.act.correct(one.id, "point", True, world(one, (10, 5, 5)))
    (node,) = promptNodes(one.scene, one.id)
    node.SetNthControlPointPositionWorld(0, *world(one, (12, 5, 5))[0].tolist())
    assert lesion(one).status == "box changed"
    node.InvokeEvent(node.PointEndInteractionEvent)
    assert (mask(one)[5, 5, 10], mask(one)[5, 5, 12]) == (False, True)
    one.scene.RemoveNode(node)  # by Slicer's own list of Markups
    one.desk.let(600)
    assert (mask(one).sum(), kinds(one)) == (5**3, [])
    one.runner.undo()
    assert (mask(one)[5, 5, 12], kinds(one)) == (True, [("point", True)])


@pytest.mark.parametrize(
    ("kind", "voxels"),
    [
        ("line", [(4, 5, 6), (8, 5, 6)]),
        ("line", [(5, 4, 6), (5, 6, 6), (2, 5, 6), (9, 5, 6)]),  # the short one was drawn first
        ("slicebox", [(4, 4, 6), (8, 9, 6)]),
        ("point", [(6, 6, 6)]),
    ],
)
def test_a_lesion_begins_with_a_prompt_that_is_no_box(
    one: Any, kind: str, voxels: list[tuple[int, ...]]
) -> None:
    from MASAMSlicerLib.scene.placing import isDrawn

    new = one.act.first(kind, world(one, *voxels))
    found = lesion(one, new)
    assert one.desk.chosen == new
    assert (found.status, isDrawn(found.roi)) == ("segmented", True)
    first = found.provenance.prompts["first"]
    assert first["kind"] == kind.replace("slicebox", "slice_box")
    assert [prompt.first for prompt in found.prompts] == [True] * (2 if len(voxels) == 4 else 1)
    if len(voxels) == 4:
        assert first["across_lps"] is not None
    one.act.correct(new, "point", False, world(one, (6, 6, 6)))
    assert not mask(one, new)[6, 6, 6]
    assert lesion(one, new).provenance.prompts["first"] == first
    one.desk.let(600)
    one.runner.undo()
    one.runner.undo()
    assert lesion(one, new) is None
    one.runner.redo()
    assert lesion(one, new).status == "segmented"
    assert mask(one, new)[6, 6, 6]


def test_a_box_that_is_moved_takes_over_from_the_line(one: Any) -> None:
    from MASAMSlicerLib.scene.prompts import alignRoi

    new = one.act.first("line", world(one, (4, 5, 6), (8, 5, 6)))
    before = mask(one, new)
    alignRoi(lesion(one, new).roi, one.volume, np.full(3, 2.5), np.full(3, 6.5))
    one.desk.let(600)
    found = lesion(one, new)
    assert (found.prompts, found.status) == ((), "segmented")
    assert found.provenance.prompts["first"]["kind"] == "box"
    assert mask(one, new).sum() == 4**3
    one.runner.undo()
    found = lesion(one, new)
    assert [prompt.kind for prompt in found.prompts] == ["line"]
    assert (found.status, (mask(one, new) == before).all()) == ("segmented", True)


def test_what_can_not_be_done_is_said_and_changes_nothing(one: Any) -> None:
    from MASAMSlicerLib.scene.nodes import nodesOfClass

    def markups() -> int:
        return len(nodesOfClass(one.scene, "vtkMRMLMarkupsNode"))

    one.runner.start([one.id])
    count, title = markups(), one.session.history.undoTitle
    one.act.correct(one.id, "point", True, world(one, (99, 5, 5)))
    assert "outside the volume" in one.desk.said[-1][0]
    one.act.first("line", world(one, (4, 5, 6), (4, 5, 6)))
    assert "no length" in one.desk.said[-1][0]
    one.act.correct(one.id, "polygon", True, world(one, (5, 5, 5)))
    one.act.correct(one.id, "point", True, [[float("nan")] * 3])
    one.session.lesions.setLocked(lesion(one), True)
    one.act.correct(one.id, "point", True, world(one, (5, 5, 5)))
    assert one.desk.said[-1] == ("'Knot' is locked. Unlock it to correct it.", "error")
    assert (markups(), one.session.history.undoTitle) == (count, title)
    assert mask(one).sum() == 5**3


def test_a_correction_whose_run_is_cancelled_leaves_no_trace(
    one: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from MASAMSlicerLib.session import session as module

    from masam_core.errors import Cancelled, MasamError

    one.runner.start([one.id])
    title = one.session.history.undoTitle
    answer = module.Session._start
    for error in (Cancelled("stopped"), MasamError("The worker ended.")):

        def fail(self: Any, steps: Any, done: Any, failed: Any, _: Any, e: Any = error) -> None:
            failed(e)

        monkeypatch.setattr(module.Session, "_start", fail)
        one.act.correct(one.id, "point", True, world(one, (10, 5, 5)))
        assert (kinds(one), lesion(one).status) == ([], "segmented")
        assert one.act.first("point", world(one, (6, 6, 6)))
        assert [each.id for each in one.session.lesions.lesions()] == [one.id]
        one.desk.let(600)
        assert one.session.history.undoTitle == title
    monkeypatch.setattr(module.Session, "_start", answer)
    one.act.correct(one.id, "point", True, world(one, (10, 5, 5)))
    assert mask(one)[5, 5, 10]


def test_a_cancelled_correction_goes_from_beneath_what_was_done_meanwhile(
    one: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from MASAMSlicerLib.session import session as module

    from masam_core.errors import Cancelled

    one.runner.start([one.id])
    waiting: list[Any] = []
    monkeypatch.setattr(module.Session, "_start", lambda *given: waiting.append(given))
    monkeypatch.setattr(module.Session, "busy", property(lambda _: bool(waiting)))

    def cancel() -> None:
        waiting.pop()[3](Cancelled("stopped"))

    def meanwhile() -> None:
        other = one.session.lesions.add(one.volume, None, boxIn(one.make, one.volume, "Other"))
        one.session.history.drawn("Draw Other", other.id)

    one.act.correct(one.id, "point", True, world(one, (10, 5, 5)))
    meanwhile()
    cancel()
    assert kinds(one) == []
    assert one.desk.said[-1][0] == "Cancelled; what you did meanwhile stays."
    assert one.session.history.undoTitle == "Draw Other"
    # A lesion that was begun goes too, and the other step is undone as ever.
    count = len(one.session.lesions.lesions())
    new = one.act.first("point", world(one, (6, 6, 6)))
    meanwhile()
    cancel()
    assert lesion(one, new) is None
    assert len(one.session.lesions.lesions()) == count + 1
    assert one.runner.undo()
    assert len(one.session.lesions.lesions()) == count
    # Where the lesion itself was changed meanwhile, the prompt stays, and that is told.
    one.act.correct(one.id, "point", True, world(one, (10, 5, 5)))
    with one.session.history.step("Smooth Knot") as touched:
        touched.append((lesion(one).segmentation, lesion(one).segmentId))
    cancel()
    assert kinds(one) == [("point", True)]
    assert one.desk.said[-1][0] == (
        "Cancelled; a prompt that was not answered is still there: delete it, or press Segment."
    )
    assert one.session.history.undoTitle == "Smooth Knot"


def test_a_correction_that_comes_during_a_run_is_answered_after_it(
    one: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from MASAMSlicerLib.session import session as module

    one.runner.start([one.id])
    answer, waiting = module.Session._start, []
    monkeypatch.setattr(module.Session, "_start", lambda *given: waiting.append(given))
    monkeypatch.setattr(module.Session, "busy", property(lambda _: bool(waiting)))
    one.act.correct(one.id, "point", True, world(one, (10, 5, 5)))
    one.act.correct(one.id, "point", True, world(one, (11, 5, 5)))
    assert len(waiting) == 1
    while waiting:
        answer(*waiting.pop())
    assert mask(one)[5, 5, 10:12].all()
    assert [prompt.kind for prompt in lesion(one).prompts] == ["point", "point"]
    assert lesion(one).status == "segmented"
    one.runner.undo()
    assert mask(one)[5, 5, 10:12].tolist() == [True, False]
    assert len(lesion(one).prompts) == 1


def test_a_cutting_side_is_marked_where_it_lies_and_extended_with_one_call(one: Any) -> None:
    from dataclasses import replace

    from MASAMSlicerLib.scene.extendable import extendable
    from MASAMSlicerLib.scene.prompts import cornersInWorld
    from MASAMSlicerLib.wording import rowOf

    from masam_core.lesion.cut import Cut

    one.runner.start([one.id])
    assert extendable(lesion(one)) == []
    found = lesion(one)
    cut = Cut("upper", 12.0, 0.75).to_dict()  # type: ignore[arg-type]
    for name, text in replace(found.provenance, cuts=(cut,)).tags().items():
        found.segment.SetTag(name, text)
    (side,) = extendable(lesion(one))
    assert (side.side, rowOf(lesion(one), {}).confidence) == ("upper", "not valid")
    corners = cornersInWorld(found.roi)
    distances = np.linalg.norm(corners[:, None] - side.corners[None], axis=2).min(axis=0)
    assert distances.max() < 0.01  # they are the box's own
    rest = corners[np.linalg.norm(corners[:, None] - side.corners, axis=2).min(axis=1) > 0.01]
    assert side.corners[:, 2].mean() > rest[:, 2].mean()  # upper
    away = rest.mean(axis=0) - side.corners.mean(axis=0)
    assert side.outwards @ away == pytest.approx(-np.linalg.norm(away), rel=1e-3)
    edges = np.linalg.norm(np.diff(side.corners, axis=0, append=side.corners[:1]), axis=1)
    assert np.allclose(edges[:2], edges[2:], atol=1e-3)  # around it, not across
    before = mask(one)
    one.act.extend(one.id, "upper")
    assert mask(one).sum() == 7**3
    assert lesion(one).status == "segmented"
    one.desk.let(600)
    assert lesion(one).status == "segmented"
    one.runner.undo()
    assert (mask(one) == before).all()
    assert np.allclose(cornersInWorld(lesion(one).roi), corners, atol=0.01)


def test_prompts_of_other_volumes_are_not_shown(one: Any) -> None:
    from MASAMSlicerLib.scene.promptnodes import promptNodes

    one.runner.start([one.id])
    one.act.correct(one.id, "point", True, world(one, (10, 5, 5)))
    other = one.make.volume(name="other")
    (node,) = promptNodes(one.scene, one.id)
    display = node.GetDisplayNode()
    assert display.IsDisplayableInView("vtkMRMLSliceNodeRed")
    one.session.visibility.show(other)
    assert not display.IsDisplayableInView("vtkMRMLSliceNodeRed")
    one.session.visibility.show(one.volume)
    assert display.IsDisplayableInView("vtkMRMLSliceNodeRed")


def test_a_saved_scene_comes_back_as_it_was_and_can_be_corrected_further(
    one: Any, tmp_path: Path
) -> None:
    import slicer
    from MASAMSlicerLib.scene.scenefile import saveScene
    from MASAMSlicerLib.session.session import Session

    one.runner.start([one.id])
    one.act.correct(one.id, "point", True, world(one, (10, 5, 5)))
    line = one.act.first("line", world(one, (4, 9, 6), (8, 9, 6)))
    one.act.correct(line, "scribble", False, world(one, (5, 9, 6), (5, 10, 6)))
    before = {each: places(one, each) for each in (one.id, line)}
    said = {each: lesion(one, each).provenance.prompts for each in before}
    labels = {each: lesion(one, each).label for each in before}
    saveScene(one.scene, tmp_path / "scene.mrb")
    one.scene.Clear()
    one.session.sceneClosed()
    assert one.scene.ReadFromMRB(
        str(tmp_path / "scene.mrb"), True, slicer.vtkMRMLMessageCollection()
    )
    session = Session(one.scene, lambda: None)  # type: ignore[arg-type,return-value]
    one.session.__dict__.update(session.__dict__)
    one.volume = one.desk.volume = lesion(one).volume
    for each, expected in before.items():
        found = lesion(one, each)
        assert np.allclose(places(one, each), expected, atol=1e-3)
        assert (found.status, found.corrected) == ("segmented", True)
        assert (found.provenance.prompts, found.label) == (said[each], labels[each])
    one.desk.let(600)
    one.act.correct(line, "point", False, expected[:1])
    assert len(places(one, line)) == len(expected) - 1
    assert len(lesion(one, line).prompts) == 3


def test_a_segment_without_its_markups_gets_box_and_prompts_back(one: Any) -> None:
    one.runner.start([one.id])
    one.act.correct(one.id, "lasso", False, world(one, (2, 2, 4), (5, 2, 4), (5, 5, 4)))
    before, said = mask(one), kinds(one)
    one.scene.RemoveNode(lesion(one).roi)
    for node in list(one.session.lesions._prompts.get(one.id, ())):
        one.scene.RemoveNode(node)
    assert (lesion(one).roi, lesion(one).status) == (None, "segmented")
    one.session.lesions.adopt(lesion(one))
    found = lesion(one)
    assert (found.status, kinds(one)) == ("segmented", said)
    one.desk.let(600)
    one.act.correct(one.id, "point", True, world(one, (10, 5, 5)))
    assert mask(one).sum() == before.sum() + 1
