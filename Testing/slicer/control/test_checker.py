"""A check is started, told of, given up on and stopped, in whichever front end."""

from __future__ import annotations

from typing import Any

from .desk import Runs, makeDesk


class Silent:
    """A worker that never answers."""

    def __init__(self) -> None:
        self.running = False

    def start(self) -> None:
        self.running = True

    def write(self, _data: bytes) -> None: ...

    def stop(self) -> None:
        self.running = False

    def call_later(self, _seconds: float, _call: Any) -> None: ...


def test_a_check_is_told_of_until_it_is_stopped(harness: Any) -> None:
    from MASAMSlicerLib.control.checker import Checker
    from MASAMSlicerLib.control.telling import TICK_MS

    from masam_core.check.run import Plan

    desk, told, reports = makeDesk(Runs()), [], []
    worker = Silent()
    checker = Checker(desk.later, lambda: worker, lambda *how: told.append(how), reports.append)
    checker.start(Plan("a test"))
    assert checker.running
    assert worker.running
    count = len(told)
    desk.let(TICK_MS)
    desk.let(TICK_MS)
    assert len(told) == count + 2
    assert told[-1][1].startswith("Checking: ")
    checker.stop()
    (report,) = reports
    assert report.verdict.startswith("Stopped (")
    assert not checker.running
    assert not worker.running
    assert desk.waiting == []
    checker.stop()
    assert len(reports) == 1


def test_a_worker_that_says_nothing_is_given_up_on(harness: Any, monkeypatch: Any) -> None:
    from MASAMSlicerLib.control.checker import Checker
    from MASAMSlicerLib.control.telling import TICK_MS

    from masam_core.check import run

    desk, reports = makeDesk(Runs()), []
    checker = Checker(desk.later, Silent, lambda *_: None, reports.append)
    checker.start(run.Plan("a test"))
    monkeypatch.setattr(run, "ANSWER_SECONDS", -1.0)
    desk.let(TICK_MS)
    (report,) = reports
    assert "did not answer" in report.text()
    assert desk.waiting == []


def test_a_check_that_ends_at_once_is_not_waited_for(harness: Any) -> None:
    from MASAMSlicerLib.control.checker import Checker

    from masam_core.check.run import Plan

    def fail() -> Any:
        raise OSError("no such command")

    desk, reports = makeDesk(Runs()), []
    checker = Checker(desk.later, fail, lambda *_: None, reports.append)
    checker.start(Plan("a test"))
    assert not checker.running
    assert desk.waiting == []
    assert "no such command" in reports[0].text()
