"""The next study in the panel: looked for, checked, taken; nothing by itself."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .conftest import Person

# Stands in for `python -m masam_core.followup`: each lesion has a place, the second a doubtful one.
PROGRAM = """
import json, sys, time
job = json.load(open(sys.argv[-1]))
say = lambda **event: print(json.dumps(event), flush=True)
say(event="progress", fraction=0.4, text="looking for lesions")
if WAIT:
    sys.stdin.readline()
    say(event="cancelled")
    sys.exit(0)
corners = [[-10 - 20 * (n & 1), -30 + 20 * (n >> 1 & 1), 5 + 15 * (n >> 2)] for n in range(8)]
trust = ["good", "doubtful", "failed"]
for number, lesion in enumerate(job["lesions"]):
    say(event="carried", id=lesion["id"], trust=trust[number], words="hardly alike" * bool(number),
        corners_lps=None if number == 2 else corners)
say(event="end")
"""


def use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wait: bool = False) -> None:
    """Have the stand-in started in place of the program."""
    from MASAMSlicerLib import workerprocess

    if sys.platform == "win32":
        pytest.skip("the stand-in is a shell script")
    script = tmp_path / "program.py"
    script.write_text(PROGRAM.replace("WAIT", str(wait)), "utf-8")
    start = tmp_path / "python"
    start.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{script}" "$@"\n')
    start.chmod(0o755)
    monkeypatch.setattr(workerprocess, "pythonExecutable", lambda: str(start))


@pytest.fixture
def later(person: Person, case: Any) -> Any:
    """An earlier volume with three boxes, and a later one, which is chosen."""
    import slicer

    person.choose(case.volume)
    person.take(case.roi)
    lesions = person.session.lesions
    for name in ("Second", "Third"):
        other = lesions.duplicate(lesions.lesions()[0])
        lesions.rename(other, name)
    node = slicer.modules.volumes.logic().CloneVolume(slicer.mrmlScene, case.volume, "Next study")
    person.choose(node)
    return node


def opened(person: Person) -> None:
    """The frame below the button."""
    person.ui.advancedCollapsibleButton.collapsed = False
    person.wait()
    assert person.ui.followUpFrame.isHidden()
    person.ui.followUpButton.click()
    assert not person.ui.followUpFrame.isHidden()


def said(person: Person) -> str:
    return str(person.ui.followUpLabel.text).replace("\u200b", "")


def looked(person: Person) -> None:
    """Press the button, and wait for the list."""
    opened(person)
    assert person.ui.followUpStartButton.enabled, person.ui.followUpStartButton.toolTip
    person.ui.followUpStartButton.click()
    assert person.ui.followUpStartButton.text == "Cancel"
    person.wait(lambda: not person.panel.followUp.following.running, 30.0)


def test_what_is_checked_is_taken_in_one_step(
    person: Person, later: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(tmp_path, monkeypatch)
    looked(person)
    listed = person.ui.followUpList
    texts = [listed.item(row).text() for row in range(listed.count)]
    assert texts[0].endswith(": found")
    assert "doubtful" in texts[1]
    assert "not found" in texts[2]
    assert said(person).startswith("2 of 3")
    assert person.session.lesions.lesions(later) == []  # nothing by itself
    person.ui.followUpTakeButton.click()
    person.wait()
    (made,) = person.session.lesions.lesions(later)  # a doubtful one is not checked by itself
    first = next(x for x in person.lesions() if x.volume is not later)
    assert made.name == first.name
    assert made.status == "not segmented"
    assert "press Segment" in said(person)
    assert person.ui.followUpList.isHidden()
    person.session.history.undo()
    assert person.session.lesions.lesions(later) == []


def test_cancel_changes_nothing(
    person: Person, later: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(tmp_path, monkeypatch, wait=True)
    opened(person)
    person.ui.followUpStartButton.click()
    person.wait(lambda: "looking" in said(person), 30.0)
    assert person.ui.followUpProgressBar.value == 400
    person.ui.followUpStartButton.click()
    person.wait(lambda: not person.panel.followUp.following.running, 30.0)
    assert "nothing was changed" in said(person)
    assert person.session.lesions.lesions(later) == []


def test_another_volume_puts_the_list_away(
    person: Person, later: Any, case: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(tmp_path, monkeypatch)
    looked(person)
    assert not person.ui.followUpTakeButton.isHidden()
    person.choose(case.volume)
    assert person.ui.followUpTakeButton.isHidden()
    assert person.ui.followUpList.isHidden()
    assert not person.ui.followUpStartButton.enabled  # no other volume has lesions
    assert "No other volume" in person.ui.followUpStartButton.toolTip


def test_closing_the_scene_ends_the_process(
    person: Person, later: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import slicer

    use(tmp_path, monkeypatch, wait=True)
    opened(person)
    person.ui.followUpStartButton.click()
    assert person.panel.followUp.following.running
    slicer.mrmlScene.Clear()
    person.wait()
    assert not person.panel.followUp.following.running


def test_the_box_of_the_proposal_lies_where_it_says(
    person: Person, later: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from MASAMSlicerLib.scene.prompts import cornersInVolume

    use(tmp_path, monkeypatch)
    looked(person)
    person.ui.followUpTakeButton.click()
    person.wait()
    (made,) = person.session.lesions.lesions(later)
    corners = cornersInVolume(made.roi, later)
    assert np.allclose(corners.min(axis=0), [-30, -30, 5], atol=1e-3)
    assert np.allclose(corners.max(axis=0), [-10, -10, 20], atol=1e-3)
