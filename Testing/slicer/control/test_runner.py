"""One run at a time, and what is said of it; the same in each front end."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from .desk import Runs, makeDesk


@pytest.fixture
def one(harness: Any) -> Any:
    """A runner, its front end and its session, with two boxes to be segmented."""
    from MASAMSlicerLib.control.runner import Request, Runner

    from masam_core.inference.options import SegmentOptions
    from masam_core.worker.steps import ModelChoice

    runs = Runs()
    runs.volume = SimpleNamespace(GetID=lambda: "v", GetName=lambda: "CT")
    runs.add("a")
    runs.add("b")
    desk = makeDesk(runs, runs.volume)
    steps: list[str] = []
    made = SimpleNamespace(runs=runs, desk=desk, steps=steps, problem=None)

    def request() -> Request:
        if made.problem is not None:
            raise made.problem
        return Request(ModelChoice(), SegmentOptions())

    made.runner = Runner(
        desk,
        request=request,
        follows=lambda: True,
        before=lambda: steps.append("before"),
        onStart=lambda: steps.append("start"),
        onResult=lambda report: steps.append(f"result of {len(report.lesions)}"),
        busy=lambda: runs.segmenting,
    )
    return made


def test_a_run_says_how_long_it_takes_until_it_has_ended(one: Any) -> None:
    one.runner.press()
    assert one.runs.started == [("a", "b")]
    assert one.steps == ["before", "start"]
    assert one.desk.said[-1] == ("starting, 0 s", "")
    one.runs.onProgress(0.25, "window 1 of 4")
    assert one.desk.said[-1] == ("window 1 of 4, 0 s", "")
    count = len(one.desk.said)
    one.desk.let(500)
    one.desk.let(500)
    assert len(one.desk.said) == count + 2
    one.runs.end()
    assert one.desk.said[-1] == ("2 lesions segmented in 1.0 s on cpu.", "")
    assert one.desk.shown[0] == 0.0
    assert one.desk.shown[-2:] == [0.25, None]
    assert one.steps[-1] == "result of 2"
    count = len(one.desk.said)
    one.desk.let(10_000)
    assert len(one.desk.said) == count


def test_a_remark_makes_the_summary_a_warning(one: Any) -> None:
    one.runner.start(["a"])
    one.runs.end(notes=["The box is loose."])
    text, kind = one.desk.said[-1]
    assert (text.splitlines()[1], kind) == ("a: The box is loose.", "warning")


def test_the_button_cancels_and_nothing_starts_by_itself(one: Any) -> None:
    one.runner.press()
    one.runner.nowOrAfter("b")
    one.runner.press()
    assert one.runs.cancelled == 1
    assert one.desk.said[-1] == ("Cancelled; everything is as it was.", "")
    assert (len(one.runs.started), one.desk.shown[-1]) == (1, None)
    one.runner.start(["a"])
    one.runs.end()
    assert len(one.runs.started) == 2


def test_what_is_asked_for_during_a_run_comes_after_it_if_it_still_may(one: Any) -> None:
    one.runner.nowOrAfter("a")
    one.runner.nowOrAfter("b")
    assert one.runs.started == [("a",)]
    one.runs.end()
    assert one.runs.started == [("a",), ("b",)]
    one.runner.nowOrAfter("a")
    one.runs.known["a"].locked = True
    one.runs.end()
    assert len(one.runs.started) == 2


def test_a_second_start_is_refused_and_the_first_goes_on_being_told(one: Any) -> None:
    one.runner.start(["a"])
    one.runner.start(["b"])
    text, kind = one.desk.said[-1]
    assert ("still computing" in text, kind) == (True, "error")
    assert one.desk.shown[-1] is not None
    one.desk.let(500)
    assert one.desk.said[-1] == ("starting, 0 s", "")
    one.runner.again(["b"])
    assert one.runs.started == [("a",)]


def test_what_is_less_urgent_gives_way(one: Any) -> None:
    one.runs.busy = True  # measuring
    one.runner.start(["a"])
    assert (one.runs.cancelled, one.runs.started) == (1, [("a",)])
    one.runs.end()
    one.runs.busy = True
    one.runs.titles = ["Segment a"]
    assert one.runner.undo()
    assert one.runs.cancelled == 2


def test_an_undo_that_is_refused_says_why(one: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from masam_core.errors import SegmentationError

    def refuse() -> str:
        raise SegmentationError("'a' is locked. Unlock it to go back.")

    monkeypatch.setattr(one.runs.history, "undo", refuse)
    assert not one.runner.undo()
    assert one.desk.said == [("'a' is locked. Unlock it to go back.", "error")]


def test_settings_that_can_not_be_used_are_said_and_nothing_starts(one: Any) -> None:
    one.problem = OSError("no such model")
    one.runner.press()
    assert one.runs.started == []
    assert one.desk.said == [("Something unforeseen happened: no such model", "error")]
    assert one.desk.waiting == []


def test_a_worker_that_fails_is_said_and_leaves_no_bar(one: Any) -> None:
    from masam_core.errors import MasamError

    one.runner.start(["a"])
    one.runner.nowOrAfter("b")
    one.runs.end(MasamError("The worker ended."))
    assert one.desk.said[-1] == ("The worker ended.", "error")
    assert one.desk.shown[-1] is None
    assert one.desk.waiting == []
    one.runner.start(["a"])
    one.runs.end()
    assert one.runs.started == [("a",), ("a",)]


def test_undo_waits_for_a_run_and_says_what_it_has_done(one: Any) -> None:
    one.runs.titles = ["Segment a"]
    one.runner.start(["a"])
    assert not one.runner.undo()
    one.runs.end()
    one.runs.known.clear()  # their boxes are not looked at here
    assert one.runner.undo()
    assert one.desk.said[-1] == ("Undone: Segment a", "")
    assert not one.runner.redo()  # nothing is left
    assert one.desk.said[-1] == ("Undone: Segment a", "")


def test_without_a_box_the_button_says_what_to_do(one: Any) -> None:
    one.runs.known.clear()
    one.runner.press()
    assert "Draw a box" in one.desk.said[-1][0]
    one.desk.volume = None
    one.desk.said.clear()
    one.runner.press()
    assert one.desk.said == []


def test_a_result_of_a_volume_that_is_not_chosen_any_more_says_which(one: Any) -> None:
    one.runner.press()
    one.desk.volume = SimpleNamespace(GetID=lambda: "w", GetName=lambda: "MR")
    one.runs.end()
    assert one.desk.said[-1] == ("CT: 2 lesions segmented in 1.0 s on cpu.", "")
