"""A check from its start to its report, whatever the worker does."""

from __future__ import annotations

import platform
import sys
from typing import Any

import pytest

from masam_core.check import run as run_module
from masam_core.check.report import Report
from masam_core.check.run import CheckRun, Plan
from masam_core.errors import ConfigError
from masam_core.installation.finding import Finding, State
from masam_core.worker.protocol import PROTOCOL

from .conftest import Script, ScriptedTransport, ok, refuse


def finding(report: Report, title: str) -> Finding:
    """The last one with this title: the worker's."""
    return [f for f in report.findings if f.title == title][-1]


def begin(transport: ScriptedTransport, **plan: Any) -> tuple[CheckRun, list[Report]]:
    """A check that has been started, and where its report will be."""
    reports: list[Report] = []
    run = CheckRun(Plan("a test", **plan), lambda: transport, reports.append)
    run.start()
    return run, reports


def test_the_worker_is_asked_with_the_chosen_model_and_device_and_ended(check: Any) -> None:
    report, transport = check(model="sam-vit-b", device="cuda:1")
    asked = {message["type"]: message for message in transport.asked}
    assert (asked["check"]["model"], asked["check"]["device"]) == ("sam-vit-b", "cuda:1")
    # The figures are those of the bundled model, whatever is chosen.
    assert (asked["load_model"]["model"], asked["load_model"]["device"]) == ("bundled", "cuda:1")
    assert asked["segment"]["boxes"][0]["name"]
    assert transport.stopped
    assert finding(report, "Worker").state is State.OK
    assert report.log == ()


def test_a_mask_that_is_not_the_expected_one_is_a_problem(check: Any) -> None:
    """The scripted worker gives the expert's mask: a Dice of 1, which this model can't reach."""
    report, _ = check()
    mask = finding(report, "Sample mask")
    assert mask.state is State.PROBLEM
    assert "Dice with the expert 1.000 (expected 0.885" in mask.words
    assert "2.5 s on cpu" in mask.words
    assert report.state is State.PROBLEM


def test_without_pytorch_nothing_is_segmented_and_the_verdict_says_so(
    check: Any, script: Script
) -> None:
    words = "PyTorch is not installed, so nothing can be segmented."
    missing = Finding("PyTorch", State.PROBLEM, words, "Install it.")
    script["check"] = ok(findings=[missing.to_dict()])
    report, transport = check()
    assert report.verdict == f"Something is wrong. {words}"
    assert "Install it." in report.text()
    assert finding(report, "Sample mask").state is State.SKIPPED
    assert "segment" not in [message["type"] for message in transport.asked]


def test_an_older_worker_that_can_not_look_at_its_machine_still_segments(
    check: Any, script: Script
) -> None:
    script["hello"] = ok(protocol=PROTOCOL, version="0.0.1", pid=1, host="elsewhere")
    del script["check"]
    report, _ = check(elsewhere=True)
    assert finding(report, "Worker").state is State.NOTE
    assert "MASAM 0.0.1" in finding(report, "Worker").words
    assert "too old" in finding(report, "Machine").words
    assert "Dice" in finding(report, "Sample mask").words


def test_another_protocol_is_told_in_the_workers_words(check: Any, script: Script) -> None:
    script["hello"] = refuse("version", "Install the same version of MASAM on both sides.")
    report, _ = check()
    assert report.verdict.endswith("Install the same version of MASAM on both sides.")
    assert finding(report, "Worker").advice == ""


@pytest.mark.parametrize("kind", ["load_model", "segment"])
def test_a_worker_that_refuses_to_segment_says_why(check: Any, script: Script, kind: str) -> None:
    script[kind] = refuse("memory", "The memory is not enough for this.")
    report, _ = check()
    assert "memory is not enough" in finding(report, "Sample mask").words
    assert finding(report, "PyTorch").state is State.OK


def test_a_lesion_without_a_mask_is_a_problem(check: Any, script: Script) -> None:
    failed = {"type": "lesion", "box": "sample", "code": "box", "error": "It is outside."}
    script["segment"] = lambda _: [failed, {"type": "ok", "seconds": 1.0}]
    assert "It is outside." in finding(check()[0], "Sample mask").words


@pytest.mark.parametrize(
    ("answered", "log", "advice"),
    [
        (False, b"ModuleNotFoundError: No module named 'msgpack'\n", "pip install msgpack"),
        (False, b"python: No module named masam_core.worker\n", "Install MASAM"),
        (False, b"Permission denied (publickey).\n", "worker command"),
        (True, b"Killed\n", "memory"),
    ],
)
def test_a_worker_that_ends_by_itself_is_told_with_its_last_lines(
    script: Script, answered: bool, log: bytes, advice: str
) -> None:
    transport = ScriptedTransport(script)
    run, reports = begin(transport)
    if answered:
        transport.pump()
        transport.pump()
    transport.on_log(log)
    transport.on_closed(9)
    assert run.finished
    worker = [f for f in reports[0].findings if f.title == "Worker"][-1]
    assert worker.state is State.PROBLEM
    assert "exit code 9" in worker.words
    assert "next request" not in worker.words  # there is none
    assert advice in worker.advice
    assert log.decode().strip() in reports[0].text()


def test_a_worker_that_says_nothing_is_given_up_after_a_while(
    script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    transport = ScriptedTransport(script)
    run, reports = begin(transport, elsewhere=True)
    run.tick()
    assert not run.finished
    monkeypatch.setattr(run_module, "ANSWER_SECONDS", 0.0)
    run.tick()
    assert run.finished
    assert transport.stopped
    assert "did not answer" in reports[0].verdict
    assert "password" in reports[0].text()


def test_a_stopped_check_tells_what_it_had_found(script: Script) -> None:
    transport = ScriptedTransport(script)
    run, reports = begin(transport)
    for _ in range(3):  # the client's greeting, ours, the machine
        transport.pump()
    assert 0 < run.fraction < 1
    run.cancel()
    run.cancel()
    assert transport.stopped
    (report,) = reports
    assert report.stopped.startswith("loading the model")
    assert "nothing wrong was found until then" in report.verdict
    assert finding(report, "PyTorch").state is State.OK
    assert report.state is State.SKIPPED
    while transport.pump():  # what still comes changes nothing
        pass
    assert len(reports) == 1


def test_progress_follows_the_worker(script: Script) -> None:
    whole = script["check"]
    told: list[tuple[float, str]] = []

    def slowly(message: Any) -> Any:
        return [{"type": "progress", "fraction": 0.5, "text": "GPU"}, *whole(message)]

    script["check"] = slowly
    transport = ScriptedTransport(script)
    run, _ = begin(transport)
    usual = run._event

    def event(message: Any) -> None:
        usual(message)
        told.append((run.fraction, run.words))

    run._task._on_event = event  # type: ignore[union-attr]
    while transport.pump():
        pass
    assert told[0] == (pytest.approx(0.3), "looking at the machine: GPU")


def test_a_command_that_can_not_be_read_is_a_finding(script: Script) -> None:
    reports: list[Report] = []

    def make() -> Any:
        raise ConfigError("The worker command can't be read: no closing quotation.")

    CheckRun(Plan("a test", elsewhere=True), make, reports.append).start()
    assert "no closing quotation" in reports[0].verdict


def test_without_msgpack_this_program_is_looked_at_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept = ("masam_core.worker", "masam_core.check", run_module.__name__)
    for name in [n for n in sys.modules if n.startswith(kept[:2]) and n not in kept]:
        package, _, leaf = name.rpartition(".")
        # What is loaded anew becomes an attribute of its package, too: put the old one back then.
        monkeypatch.setattr(sys.modules[package], leaf, sys.modules[name])
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "msgpack", None)
    reports: list[Report] = []
    CheckRun(Plan("a test"), lambda: pytest.fail("No worker can be used"), reports.append).start()
    assert "msgpack is not installed" in reports[0].verdict
    assert "Not started" in reports[0].text()


@pytest.mark.parametrize(
    ("host", "elsewhere", "heading"),
    [
        ("", False, "on this machine"),
        (platform.node(), True, "on this machine, started by a command of yours"),
        ("gpu-server-7", True, "on another machine"),
    ],
)
def test_the_report_says_where_the_worker_is_and_not_its_name(
    check: Any, script: Script, host: str, elsewhere: bool, heading: str
) -> None:
    name = host or "here"
    script["hello"] = ok(protocol=PROTOCOL, version="0.1.0", pid=1, host=name)
    text = check(elsewhere=elsewhere)[0].text()
    assert heading in text
    assert "gpu-server-7" not in text
