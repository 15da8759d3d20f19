"""Improve the model with my cases: what the page is told, and that nothing is taken unasked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from Testing.workbench.conftest import requireWorkbench

OUTCOME = {
    "event": "outcome",
    "columns": ["Lesion", "Old", "New"],
    "rows": [["a", "0.80", "0.90"], ["mean", "0.80", "0.90"]],
    "verdict": "The new model is better.",
    "about": "Trained on 3 lesions.",
    "note": "Dice on the lesions held back.",
    "better": True,
    "changed": True,
}


class Process:
    """In place of the training; the test says what it says."""

    def __init__(self, command: Any, _environment: Any, _loop: Any) -> None:
        self.command = command
        self.heard: list[bytes] = []
        self.stopped = False
        self.on_output: Callable[[bytes], None] = lambda _: None
        self.on_closed: Callable[[int | None], None] = lambda _: None

    def start(self) -> None:
        spec = json.loads(Path(self.command[-1]).read_text())
        self.sources, self.everything = spec["sources"], spec["everything"]

    def write(self, data: bytes) -> None:
        self.heard.append(data)

    def stop(self) -> None:
        self.stopped = True

    def say(self, **event: Any) -> None:
        self.on_output(json.dumps(event).encode() + b"\n")


class Desk:
    """A tab with one lesion."""

    def __init__(self, folder: Path, corrected: bool) -> None:
        from masam_workbench.tab.improve import Improve

        lesion = SimpleNamespace(segment=object(), corrected=corrected)
        self.state = SimpleNamespace(improve={}, model="bundled")
        self.context: Any = SimpleNamespace(
            state=self.state,
            folder=folder,
            scene=None,
            volume=object(),
            settings=SimpleNamespace(device="cuda:0", workerCommand=""),
            lesions=lambda: [lesion],
        )
        self.taken: list[str] = []
        self.improve = Improve(self.context, self.taken.append)


@pytest.fixture
def processes(harness: Any, monkeypatch: pytest.MonkeyPatch) -> list[Process]:
    requireWorkbench()
    from masam_workbench.tab import improve

    made: list[Process] = []

    def make(*arguments: Any) -> Process:
        made.append(Process(*arguments))
        return made[-1]

    monkeypatch.setattr(improve, "LoopTransport", make)
    monkeypatch.setattr(improve, "saveScene", lambda _, path: path.write_bytes(b"scene"))
    monkeypatch.setattr(
        improve, "volumeFromNode", lambda _: SimpleNamespace(content_hash="ab" * 20)
    )
    return made


def play(work: Callable[[], None]) -> None:
    """On a loop, as in the tab."""

    async def run() -> None:
        work()

    asyncio.run(run())


def test_old_and_new_are_shown_and_a_yes_is_waited_for(
    processes: list[Process], tmp_path: Path
) -> None:
    def work() -> None:
        desk = Desk(tmp_path, corrected=True)
        desk.improve.press()
        (process,) = processes
        assert process.sources == [str(tmp_path / "improve" / f"{'ab' * 8}.mrb")]
        assert process.everything is False
        process.say(event="progress", fraction=0.5, text="training")
        process.say(event="note", message="One lesion was left out.")
        assert desk.state.improve["percent"] == 50
        assert desk.state.improve["notes"] == ["One lesion was left out."]
        process.say(**OUTCOME)
        told = desk.state.improve
        assert (told["running"], told["waiting"]) == (False, True)
        assert told["rows"][0] == ["a", "0.80", "0.90"]
        assert (process.heard, desk.taken) == ([], [])
        desk.improve.take()
        assert process.heard == [b"keep my-cases\n"]
        process.say(event="kept", name="my-cases-2")
        assert desk.taken == ["my-cases-2"]
        assert "'my-cases-2'" in desk.state.improve["words"]

    play(work)


def test_closing_the_window_takes_nothing(processes: list[Process], tmp_path: Path) -> None:
    def work() -> None:
        desk = Desk(tmp_path, corrected=True)
        desk.improve.press()
        processes[0].say(**OUTCOME)
        desk.improve.close()
        assert (processes[0].stopped, processes[0].heard) == (True, [])
        assert (desk.state.improve, desk.taken) == ({}, [])
        desk.improve.take()
        assert processes[0].heard == []

    play(work)


def test_the_button_stops_what_is_going_on(processes: list[Process], tmp_path: Path) -> None:
    def work() -> None:
        desk = Desk(tmp_path, corrected=True)
        desk.improve.press()
        desk.improve.press()
        assert processes[0].heard == [b"cancel\n"]
        processes[0].on_closed(0)
        assert desk.state.improve["words"] == "Stopped; nothing was changed."
        assert len(processes) == 1

    play(work)


def test_what_nobody_put_right_is_taken_only_when_asked_for(
    processes: list[Process], tmp_path: Path
) -> None:
    def work() -> None:
        desk = Desk(tmp_path, corrected=False)
        desk.improve.press()
        assert "was put right yet" in desk.state.improve["words"]
        assert (desk.state.improve["failed"], processes) == (True, [])
        desk.improve.press(True)
        assert processes[0].everything is True
        other = Desk(tmp_path, corrected=True)
        other.context.lesions = list
        other.improve.press()
        assert "Segment a lesion" in other.state.improve["words"]
        assert len(processes) == 1

    play(work)
