"""What counts as a move of a box, with the events that the scene itself sends."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from Testing.slicer.answering import answering, boxIn
from Testing.slicer.control.desk import makeDesk
from Testing.slicer.scene.conftest import Scene, rigid, vtk_matrix


@pytest.fixture
def one(scene: Any, make: Scene, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A volume, and the boxes of its scene watched as both front ends do."""
    from MASAMSlicerLib.control.boxactions import BoxActions
    from MASAMSlicerLib.control.following import Following
    from MASAMSlicerLib.control.settling import Settling
    from MASAMSlicerLib.control.watcher import Watcher

    session = answering(monkeypatch, scene)
    volume = make.volume()
    desk = makeDesk(session, volume)
    started: list[str] = []
    following = Following(session, started.extend, lambda: volume)
    settling = Settling(desk.later, following.boxMoved)
    watcher = Watcher(scene, settling, lambda: None)
    boxes = BoxActions(desk, settling.rest)
    found = SimpleNamespace(
        session=session,
        volume=volume,
        following=following,
        desk=desk,
        started=started,
        boxes=boxes,
        make=make,
    )
    yield found
    watcher.stop()


def lay(one: Any, roi: Any, low: float, high: float) -> None:
    """Lay a box from index to index."""
    from MASAMSlicerLib.scene.prompts import alignRoi

    alignRoi(roi, one.volume, np.full(3, low), np.full(3, high))


def moved(one: Any, roi: Any, low: float, high: float) -> None:
    """Lay a box from index to index, and let it rest."""
    lay(one, roi, low, high)
    one.desk.let(600)


def test_the_half_drawn_box_between_two_clicks_is_no_place_to_go_back_to(
    one: Any, scene: Any
) -> None:
    first = one.session.lesions.add(one.volume, None, boxIn(one.make, one.volume, "Old"))
    one.desk.let(600)
    moved(one, first.roi, 3.5, 6.5)
    assert one.session.history.undo() == "Move the box of Old"
    one.following.rest()
    one.desk.let(600)
    lesion = one.session.lesions.lesion(one.boxes.startPlacing())
    moved(one, lesion.roi, 3.5, 5.5)  # one click, and the mouse lies still
    lay(one, lesion.roi, 3.5, 7.5)  # the second click: first the box, then the mode
    interaction = scene.GetNodeByID("vtkMRMLInteractionNodeSingleton")
    interaction.SetCurrentInteractionMode(interaction.ViewTransform)
    one.boxes.stopPlacing(lesion.id)
    one.desk.let(600)
    assert one.session.history.undoTitle == f"Draw the box of {lesion.name}"
    moved(one, lesion.roi, 2.5, 7.5)
    assert one.session.history.undoTitle == f"Move the box of {lesion.name}"


def test_while_a_box_is_placed_another_one_can_be_moved(one: Any) -> None:
    other = one.session.lesions.add(one.volume, None, boxIn(one.make, one.volume, "Old"))
    one.desk.let(600)
    one.boxes.startPlacing()
    moved(one, other.roi, 3.5, 6.5)
    assert one.session.history.undoTitle == "Move the box of Old"


def test_a_transform_over_volume_and_box_moves_no_box(one: Any) -> None:
    lesion = one.session.lesions.add(one.volume, None, boxIn(one.make, one.volume, "Old"))
    common = one.make.put_under(one.volume, rigid((0, 0, 0), (0, 0, 0)))
    lesion.roi.SetAndObserveTransformNodeID(common.GetID())
    one.desk.let(600)
    for shift, angle in ((25.0, 0.0), (60.0, 15.0)):
        common.SetMatrixTransformToParent(vtk_matrix(rigid((0, 0, angle), (shift, 0, 0))))
        one.desk.let(600)
        assert one.session.history.undoTitle == ""
    before = cornersOf(one, lesion)
    moved(one, lesion.roi, 3.5, 6.5)
    assert one.session.history.undo() == "Move the box of Old"
    assert np.allclose(cornersOf(one, lesion), before, atol=1e-3)


def test_a_transform_over_the_box_alone_moves_it(one: Any) -> None:
    lesion = one.session.lesions.add(one.volume, None, boxIn(one.make, one.volume, "Old"))
    own = one.make.put_under(lesion.roi, rigid((0, 0, 0), (0, 0, 0)))
    one.desk.let(600)
    before = cornersOf(one, lesion)
    own.SetMatrixTransformToParent(vtk_matrix(rigid((0, 0, 0), (3, 0, 0))))
    one.desk.let(600)
    assert one.session.history.undo() == "Move the box of Old"
    assert np.allclose(cornersOf(one, lesion), before, atol=1e-3)


def cornersOf(one: Any, lesion: Any) -> np.ndarray:
    from MASAMSlicerLib.scene.prompts import cornersInVolume

    return cornersInVolume(lesion.roi, one.volume)
