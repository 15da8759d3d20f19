"""Improving a model, from the front end's side: followed to its table, nothing taken unasked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

OUTCOME = {
    "event": "outcome",
    "columns": ["Held-out lesion", "Old", "New", "Difference"],
    "rows": [["a", "0.800", "0.850", "+0.050"], ["Mean of 1", "0.800", "0.850", "+0.050"]],
    "verdict": "better",
    "about": "one of one",
    "note": "Dice",
    "better": True,
    "changed": True,
    "model": "new.safetensors",
}


class Process:
    """Says what a test has it say."""

    def __init__(self, command: Any, environment: Any) -> None:
        self.command, self.environment = command, environment
        self.spec = json.loads(Path(command[-1]).read_text("utf-8"))
        self.written: list[bytes] = []
        self.running = False
        self.on_output: Any = None
        self.on_closed: Any = None

    def start(self) -> None:
        self.running = True

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def stop(self) -> None:
        self.running = False

    def says(self, **event: Any) -> None:
        """A line, in two parts as a pipe may bring it."""
        line = json.dumps(event).encode() + b"\n"
        self.on_output(line[:7])
        self.on_output(line[7:])


class Desk:
    """Keeps what it is told."""

    def __init__(self) -> None:
        from MASAMSlicerLib.control.improving import Improving

        self.processes: list[Process] = []
        self.shown: list[tuple[float, str]] = []
        self.notes: list[str] = []
        self.outcomes: list[Any] = []
        self.taken: list[str] = []
        self.ends: list[str] = []
        self.improving = Improving(
            self._make,
            lambda *how: self.shown.append(how),
            self.notes.append,
            self.outcomes.append,
            self.taken.append,
            self.ends.append,
        )

    def _make(self, command: Any, environment: Any) -> Process:
        self.processes.append(Process(command, environment))
        return self.processes[-1]

    def start(self, tmp_path: Path) -> Process:
        self.improving.start([tmp_path], "bundled", True, "cpu", tmp_path / "data", steps=3)
        return self.processes[-1]


@pytest.fixture
def desk(harness: Any) -> Desk:
    return Desk()


def test_it_is_followed_to_the_table_and_taken_only_on_a_word(desk: Desk, tmp_path: Path) -> None:
    from masam_core.improve.spec import ImproveSpec

    process = desk.start(tmp_path)
    assert process.command[1:3] == ["-m", "masam_core.improve"]
    assert ImproveSpec.from_dict(process.spec) == ImproveSpec(
        (tmp_path,), tmp_path / "data", everything=True, steps=3, device="cpu"
    )
    assert desk.improving.running
    process.says(event="progress", fraction=0.25, text="training")
    process.says(event="note", message="left out")
    assert desk.shown[-1] == (0.25, "training")
    assert desk.notes == ["left out"]
    desk.improving.take()  # too early: nothing happens
    assert process.written == []
    process.says(**OUTCOME)
    assert desk.improving.waiting
    assert not desk.improving.running
    (outcome,) = desk.outcomes
    assert outcome.rows[0] == ("a", "0.800", "0.850", "+0.050")
    assert process.written == []
    desk.improving.take("mine")
    assert process.written == [b"keep mine\n"]
    process.says(event="kept", name="mine-2", path="somewhere")
    assert desk.taken == ["mine-2"]
    assert not process.running
    assert not Path(process.command[-1]).exists()
    assert not desk.improving.waiting


def test_cancel_asks_and_the_end_is_told(desk: Desk, tmp_path: Path) -> None:
    process = desk.start(tmp_path)
    desk.improving.cancel()
    assert process.written == [b"cancel\n"]
    assert desk.improving.running
    process.says(event="cancelled")
    process.on_closed(0)
    assert desk.ends == [""]
    assert not desk.improving.running
    assert not Path(process.command[-1]).exists()


@pytest.mark.parametrize(
    ("event", "code", "words"),
    [
        ({"event": "error", "message": "no cases"}, 1, "no cases"),
        (None, -9, "ended unexpectedly (exit code -9). Nothing was changed."),
    ],
)
def test_a_failure_is_told_once_in_words(
    desk: Desk, tmp_path: Path, event: Any, code: int, words: str
) -> None:
    process = desk.start(tmp_path)
    if event:
        process.says(**event)
    process.on_closed(code)
    assert len(desk.ends) == 1
    assert words in desk.ends[0]
    assert not desk.outcomes


def test_a_name_that_can_not_be_kept_leaves_the_table_to_try_another(
    desk: Desk, tmp_path: Path
) -> None:
    process = desk.start(tmp_path)
    process.says(**OUTCOME)
    desk.improving.take("a/b")
    process.says(event="error", message="no file name")
    assert desk.notes == ["no file name"]
    assert desk.improving.waiting
    assert not desk.ends


def test_a_new_start_ends_the_old_one_which_says_nothing_any_more(
    desk: Desk, tmp_path: Path
) -> None:
    first = desk.start(tmp_path)
    second = desk.start(tmp_path)
    assert not first.running
    assert second.running
    first.says(**OUTCOME)
    first.on_closed(1)
    assert not desk.outcomes
    assert not desk.ends
    desk.improving.stop()
    assert not second.running
    assert not desk.ends
