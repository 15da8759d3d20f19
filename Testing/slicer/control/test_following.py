"""Which boxes are segmented again when they move."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest


class Runs:
    """A session as far as it matters here, and what was started."""

    def __init__(self, scene: Any) -> None:
        self.scene = scene
        self.busy = False
        self.started: list[str] = []
        self.known: dict[str, Any] = {}
        self.moves: list[str] = []
        self.history = SimpleNamespace(moved=lambda title, _: self.moves.append(title))
        self.volume = SimpleNamespace(GetParentTransformNode=lambda: None)
        self.lesions = SimpleNamespace(
            lesion=self.known.get, lesions=lambda: list(self.known.values())
        )

    def add(self, name: str, status: str = "box changed", locked: bool = False) -> None:
        from vtk import vtkMatrix4x4

        box = SimpleNamespace(
            size=[10.0, 20.0, 30.0],
            GetID=lambda: name,
            GetSize=lambda: box.size,
            GetObjectToWorldMatrix=vtkMatrix4x4,
        )
        self.known[name] = SimpleNamespace(
            id=name,
            name=name,
            roi=box,
            volume=self.volume,
            status=status,
            locked=locked,
            provenance=None,
            prompts=(),
            asks=False,
        )

    def resize(self, name: str, mm: float) -> None:
        self.known[name].roi.size[0] = mm

    def start(self, ids: Sequence[str]) -> None:
        self.started += ids
        self.busy = True


@pytest.fixture
def runs(scene: Any) -> Runs:
    return Runs(scene)


def test_one_run_at_a_time_and_the_others_wait(runs: Runs) -> None:
    from MASAMSlicerLib.control.following import Following

    following = Following(runs, runs.start, lambda: runs.volume)  # type: ignore[arg-type]
    for name in ("a", "b", "c"):
        runs.add(name)
        following.boxMoved(name)
    following.boxMoved("b")
    assert runs.started == ["a"]
    for expected in (["a", "b"], ["a", "b", "c"], ["a", "b", "c"]):
        runs.busy = False
        following.runEnded()
        assert runs.started == expected


def test_new_edited_locked_and_deleted_lesions_are_left_alone(runs: Runs) -> None:
    from MASAMSlicerLib.control.following import Following

    following = Following(runs, runs.start, lambda: runs.volume)  # type: ignore[arg-type]
    runs.add("new", "not segmented")
    runs.add("edited", "edited")
    runs.add("locked", locked=True)
    for name in ("new", "edited", "locked", "gone"):
        following.boxMoved(name)
    assert runs.started == []


def test_after_a_cancel_nothing_starts_by_itself(runs: Runs) -> None:
    from MASAMSlicerLib.control.following import Following

    following = Following(runs, runs.start, lambda: runs.volume)  # type: ignore[arg-type]
    runs.add("a")
    runs.add("b")
    following.boxMoved("a")
    following.boxMoved("b")
    following.forget()
    runs.busy = False
    following.runEnded()
    assert runs.started == ["a"]


def test_a_box_that_lies_where_it_was_is_not_followed(runs: Runs) -> None:
    from MASAMSlicerLib.control.following import Following

    following = Following(runs, runs.start, lambda: runs.volume)  # type: ignore[arg-type]
    runs.add("a")
    following.boxMoved("a")
    runs.busy = False
    following.boxMoved("a")  # its name or colour was changed
    assert runs.started == ["a"]
    runs.resize("a", 11)
    following.boxMoved("a")
    assert runs.started == ["a", "a"]


def test_a_move_is_a_step_and_the_first_look_is_none(runs: Runs) -> None:
    from MASAMSlicerLib.control.following import Following

    following = Following(runs, runs.start, lambda: runs.volume)  # type: ignore[arg-type]
    runs.add("a")
    following.boxMoved("a", False)
    following.boxMoved("a", False)
    assert runs.moves == []
    runs.resize("a", 11)
    following.boxMoved("a", False)
    assert runs.moves == ["Move the box of a"]


def test_after_undo_nothing_starts_until_a_box_moves(runs: Runs) -> None:
    from MASAMSlicerLib.control.following import Following

    following = Following(runs, runs.start, lambda: runs.volume)  # type: ignore[arg-type]
    runs.add("a")
    following.rest()
    following.boxMoved("a")
    assert runs.started == []
    runs.resize("a", 11)
    following.boxMoved("a")
    assert runs.started == ["a"]


def test_a_move_while_boxes_are_not_followed_is_not_made_up_for_by_a_rename(runs: Runs) -> None:
    from MASAMSlicerLib.control.following import Following

    following = Following(runs, runs.start, lambda: runs.volume)  # type: ignore[arg-type]
    runs.add("a")
    following.boxMoved("a", False)
    following.boxMoved("a")
    assert runs.started == []


def test_a_box_of_another_volume_starts_nothing_and_one_that_waits_is_dropped(runs: Runs) -> None:
    from MASAMSlicerLib.control.following import Following

    following = Following(runs, runs.start, lambda: runs.volume)  # type: ignore[arg-type]
    for name in ("a", "b"):
        runs.add(name)
        following.boxMoved(name)
    runs.busy, runs.volume = False, SimpleNamespace()
    following.runEnded()  # b waited when the other volume was chosen
    runs.resize("a", 11)
    following.boxMoved("a")
    assert runs.started == ["a"]


def test_a_lesion_that_is_gone_does_not_hold_up_the_others(runs: Runs) -> None:
    from MASAMSlicerLib.control.following import Following

    following = Following(runs, runs.start, lambda: runs.volume)  # type: ignore[arg-type]
    for name in ("a", "b", "c", "d"):
        runs.add(name)
        following.boxMoved(name)
    del runs.known["b"]
    runs.busy = False
    following.runEnded()
    assert runs.started == ["a", "c"]
