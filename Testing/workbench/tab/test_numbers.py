"""Numbers that leave the workbench are those of the masks that leave it."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from masam_core.errors import Cancelled, MasamError
from Testing.workbench.conftest import requireWorkbench


class Measuring:
    """A session as far as it matters here; what it measures waits until it is told to end."""

    def __init__(self) -> None:
        self.busy = False
        self.plane = ""
        self.stale: list[Any] = []
        self.ends: list[tuple[Callable[[int], None], Callable[[Exception], None]]] = []

    def unmeasured(self, _volume: Any, _plane: str) -> list[Any]:
        return self.stale

    def measure(self, _ids: Any, done: Any, failed: Any, plane: str) -> None:
        self.busy = True
        self.plane = plane
        self.ends.append((done, failed))

    def end(self, error: Exception | None = None) -> None:
        done, failed = self.ends.pop()
        self.busy = False
        if error is None:
            self.stale = []
            done(1)
        else:
            failed(error)


class Desk:
    """A tab with one image, and what it has written."""

    def __init__(self) -> None:
        from masam_workbench.tab.measuring import Measuring as Numbers
        from masam_workbench.tab.saving import Saving

        self.session = Measuring()
        self.soon = 0
        self.context: Any = SimpleNamespace(
            session=self.session,
            state=SimpleNamespace(diameterPlane="auto"),
            volume=SimpleNamespace(GetName=lambda: "scan"),
            refreshSoon=lambda: None,
            later=self._later,
            say=lambda *_: None,
            sayError=lambda *_: None,
        )
        self.measuring = Numbers(self.context)
        self.saving = Saving(self.context, None, self.measuring.whenMeasured, lambda: None)
        self.written: list[tuple[str, str]] = []
        self.saving._write = lambda kind, _, note: self.written.append((kind, note))  # type: ignore[method-assign]

    def _later(self, _milliseconds: int, action: Callable[[], None]) -> Callable[[], None]:
        assert action == self.measuring.measureEdited
        self.soon += 1
        return lambda: None


@pytest.fixture
def desk(harness: Any) -> Desk:
    requireWorkbench()
    return Desk()


@pytest.mark.parametrize("kind", [".csv", ".mrb", ".seg.nrrd"])
def test_files_with_numbers_wait_for_those_of_a_stroke(desk: Desk, kind: str) -> None:
    desk.session.stale = [SimpleNamespace(id="a")]
    desk.saving.save(kind)
    assert desk.written == []
    desk.session.end()
    assert desk.written == [(kind, "")]
    desk.saving.save(kind)  # nothing has changed since: at once
    assert desk.written == [(kind, "")] * 2


def test_files_without_numbers_do_not_wait(desk: Desk) -> None:
    desk.session.stale = [SimpleNamespace(id="a")]
    desk.saving.save(".nii.gz")
    desk.saving.save(".other")  # there is no such file
    assert [kind for kind, _ in desk.written] == [".nii.gz"]


def test_a_file_is_written_after_a_run_that_was_more_urgent(desk: Desk) -> None:
    desk.session.stale = [SimpleNamespace(id="a")]
    desk.saving.save(".csv")
    desk.session.end(Cancelled("stopped"))
    assert (desk.written, desk.soon) == ([], 1)
    desk.measuring.measureEdited()
    desk.session.end()
    assert desk.written == [(".csv", "")]


def test_work_can_be_saved_without_a_worker_and_the_file_says_so(desk: Desk) -> None:
    desk.session.stale = [SimpleNamespace(id="a")]
    desk.saving.save(".seg.nrrd")
    desk.session.end(MasamError("no worker"))
    ((kind, note),) = desk.written
    assert kind == ".seg.nrrd"
    assert "before the last change" in note


def test_nothing_is_written_of_an_image_that_was_left_meanwhile(desk: Desk) -> None:
    desk.session.stale = [SimpleNamespace(id="a")]
    desk.saving.save(".csv")
    desk.context.volume = SimpleNamespace(GetName=lambda: "other")
    desk.session.end()
    assert desk.written == []
