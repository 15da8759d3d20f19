"""Which boxes are segmented again when they move."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest


class Runs:
    """A session as far as it matters here, and what was started."""

    def __init__(self) -> None:
        self.busy = False
        self.started: list[str] = []
        self.known: dict[str, Any] = {}
        self.lesions = SimpleNamespace(lesion=self.known.get)

    def add(self, name: str, status: str = "box changed", locked: bool = False) -> None:
        self.known[name] = SimpleNamespace(status=status, locked=locked)

    def start(self, ids: Sequence[str]) -> None:
        self.started += ids
        self.busy = True


@pytest.fixture
def runs(harness: Any) -> Runs:
    return Runs()


def test_one_run_at_a_time_and_the_others_wait(runs: Runs) -> None:
    from MASAMSlicerLib.following import Following

    following = Following(runs, runs.start)  # type: ignore[arg-type]
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
    from MASAMSlicerLib.following import Following

    following = Following(runs, runs.start)  # type: ignore[arg-type]
    runs.add("new", "not segmented")
    runs.add("edited", "edited")
    runs.add("locked", locked=True)
    for name in ("new", "edited", "locked", "gone"):
        following.boxMoved(name)
    assert runs.started == []


def test_after_a_cancel_nothing_starts_by_itself(runs: Runs) -> None:
    from MASAMSlicerLib.following import Following

    following = Following(runs, runs.start)  # type: ignore[arg-type]
    runs.add("a")
    runs.add("b")
    following.boxMoved("a")
    following.boxMoved("b")
    following.forget()
    runs.busy = False
    following.runEnded()
    assert runs.started == ["a"]
