"""Improve the model with my cases, by the button: a process is followed, a yes is waited for."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from Testing.slicer.control.test_improving import OUTCOME

from .conftest import Person

# Stands in for `python -m masam_core.improve`: it says what a run says, and waits for a word.
PROGRAM = """
import json, sys
spec = json.load(open(sys.argv[-1]))
say = lambda **event: print(json.dumps(event), flush=True)
say(event="progress", fraction=0.3, text="training, step 3")
say(event="note", message="3 added, 0 renewed")
if spec["everything"]:
    assert sys.stdin.readline() == "cancel\\n"
    say(event="cancelled")
    sys.exit(0)
say(**OUTCOME)
for line in sys.stdin:
    if line.startswith("keep "):
        say(event="kept", name=line.split()[1] + "-2", path="")
"""


@pytest.fixture
def program(harness: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from MASAMSlicerLib import workerprocess

    script = tmp_path / "program.py"
    script.write_text(PROGRAM.replace("OUTCOME", repr(OUTCOME)), "utf-8")
    start = tmp_path / "python"
    start.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{script}" "$@"\n')
    start.chmod(0o755)
    monkeypatch.setattr(workerprocess, "pythonExecutable", lambda: str(start))


def opened(person: Person, folder: Path) -> Any:
    """The frame below the button, with a folder chosen."""
    if sys.platform == "win32":
        pytest.skip("the stand-in is a shell script")
    person.ui.advancedCollapsibleButton.collapsed = False
    person.wait()
    assert person.ui.improveButton.enabled, person.ui.improveButton.toolTip
    assert person.ui.improveFrame.isHidden()
    person.ui.improveButton.click()
    assert not person.ui.improveFrame.isHidden()
    assert not person.ui.improveStartButton.enabled
    assert "Choose the folder" in person.ui.improveStartButton.toolTip
    person.ui.improveFolder.currentPath = str(folder)
    person.wait(lambda: person.ui.improveStartButton.enabled, 30.0)
    return person.panel.improve.improving


def said(person: Person) -> str:
    return str(person.ui.improveLabel.text).replace("\u200b", "")


def test_old_and_new_are_shown_and_the_new_model_is_chosen_after_a_yes(
    person: Person, program: None, tmp_path: Path
) -> None:
    improving = opened(person, tmp_path)
    parameters = person.panel.context.parameters
    person.ui.improveStartButton.click()
    assert person.ui.improveStartButton.text == "Cancel"
    person.wait(lambda: improving.waiting, 30.0)
    assert said(person).startswith("better")
    shown = [person.ui.improveTable.item(0, column).text() for column in range(4)]
    assert shown == OUTCOME["rows"][0]  # type: ignore[index]
    assert "3 added" in person.ui.improveNotes.plainText
    assert person.ui.improveProgressBar.isHidden()
    assert parameters.model == "bundled"  # nothing by itself
    assert not person.ui.improveTakeButton.isHidden()
    assert person.ui.improveTakeButton.enabled
    person.ui.improveTakeButton.click()
    assert not person.ui.improveTakeButton.enabled  # a second click would keep it twice
    person.wait(lambda: parameters.model != "bundled", 30.0)
    assert parameters.model == "my-cases-2"
    assert "kept as 'my-cases-2' and chosen" in said(person)
    person.wait()
    assert person.ui.improveTakeButton.isHidden()
    assert person.ui.modelComboBox.currentText == "my-cases-2"


def test_cancel_stops_it_and_says_that_nothing_was_changed(
    person: Person, program: None, tmp_path: Path
) -> None:
    improving = opened(person, tmp_path)
    person.ui.improveAllCheckBox.checked = True
    person.ui.improveStartButton.click()
    person.wait(lambda: "step 3" in said(person), 30.0)
    assert person.ui.improveProgressBar.value == 300
    person.ui.improveStartButton.click()
    person.wait(lambda: not improving.running, 30.0)
    assert "nothing else was changed" in said(person)
    assert person.ui.improveStartButton.text == "Start"
    assert person.ui.improveTakeButton.isHidden()
    assert person.panel.context.parameters.model == "bundled"


def test_unloading_the_module_ends_the_process(
    person: Person, program: None, tmp_path: Path
) -> None:
    improving = opened(person, tmp_path)
    person.ui.improveStartButton.click()
    person.wait(lambda: improving.waiting, 30.0)
    person.panel.improve.cleanup()
    assert not improving.waiting


def test_a_model_on_another_machine_is_not_improved_here(person: Person) -> None:
    from MASAMSlicerLib.panel import settings

    settings.write("workerCommand", "ssh host python -m masam_core.worker")
    person.panel.refresh()
    assert not person.ui.improveButton.enabled
    assert "another machine" in person.ui.improveButton.toolTip
    assert person.ui.improveButton.text == "Improve the model with my cases ..."
