"""The status line: what it says is so, and goes when it is so no longer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from Testing.slicer.panel.conftest import Person


def with_segment(person: Person, case: Any) -> Any:
    """The bundled box in the list, with a small segment that nobody had to compute."""
    from MASAMSlicerLib.scene.segments import Look, newSegmentation, writeSegment

    person.choose(case.volume)
    person.panel.context.parameters.liveUpdate = False  # no run of its own
    lesion = person.take(case.roi)
    writeSegment(
        newSegmentation(case.volume, "result"),
        None,
        case.volume,
        np.ones((2, 2, 2), bool),
        (1, 1, 1),
        Look("x", (1, 0, 0)),
        {"MASAM.Lesion": lesion.id},
    )
    person.wait()
    return person.session.lesions.lesion(lesion.id)


@pytest.mark.parametrize("how", ["placed", "Esc", "another volume"])
def test_click_two_corners_goes_with_the_tool(person: Person, case: Any, how: str) -> None:
    import slicer

    person.choose(case.volume)
    person.ui.placeButton.click()
    person.wait()
    assert "Click two opposite corners" in person.status
    if how == "placed":
        person.lesions()[-1].roi.SetSize(10.0, 10.0, 10.0)
        interaction = slicer.app.applicationLogic().GetInteractionNode()
        interaction.SetCurrentInteractionMode(interaction.ViewTransform)
    elif how == "Esc":
        person.clickView()
        person.press("Esc")
    else:
        person.ui.placeButton.click()
    person.wait()
    assert person.status == ""


def test_is_locked_goes_with_the_lock(person: Person, case: Any) -> None:
    with_segment(person, case)
    person.ui.lockButton.click()
    person.wait()
    person.ui.deleteButton.click()
    person.wait()
    assert "is locked" in person.status
    person.ui.lockButton.click()
    person.wait()
    assert person.status == ""


def test_undone_goes_with_the_scene(person: Person, case: Any) -> None:
    import slicer

    with_segment(person, case)
    person.ui.deleteButton.click()
    person.wait()
    person.ui.undoButton.click()
    person.wait()
    assert "Undone: Delete" in person.status
    slicer.mrmlScene.Clear()
    person.wait()
    assert person.status == ""


def test_undone_stands_until_something_else_is_done(person: Person, case: Any) -> None:
    lesion = with_segment(person, case)
    person.ui.deleteButton.click()
    person.wait()
    person.ui.undoButton.click()
    person.wait(0.4)
    person.panel.context.refreshSoon()
    person.wait()
    assert "Undone" in person.status
    person.session.lesions.rename(person.session.lesions.lesion(lesion.id), "Thigh")
    person.wait()
    assert person.status == ""


def test_a_name_that_is_missing_goes_with_a_name(person: Person, case: Any) -> None:
    person.choose(case.volume)
    person.take(case.roi)
    person.ui.lesionTable.item(0, 0).setText(" ")
    person.wait()
    assert "needs a name" in person.status
    person.ui.lesionTable.item(0, 0).setText("Thigh")
    person.wait()
    assert person.status == ""


def test_a_failed_installation_goes_when_all_is_there(
    person: Person, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    from MASAMSlicerLib import workerprocess as worker

    absent = ["requests"]
    monkeypatch.setattr(worker, "missing", lambda names: [n for n in names if n in absent])
    monkeypatch.setattr(person.panel.context, "askForFolder", lambda *_: str(tmp_path))
    person.panel.install.check()
    person.ui.installFolderButton.click()
    person.wait()
    assert "no .whl file" in person.status
    absent.clear()
    person.panel.install.check()
    person.panel.context.refreshSoon()
    person.wait()
    assert person.status == ""


def test_why_no_batch_was_started_goes_when_something_else_is_chosen(
    person: Person, tmp_path: Any
) -> None:
    person.ui.batchFolderButton.click()
    person.wait()
    assert "Choose the folder of images" in person.ui.batchStatusLabel.text
    person.ui.batchInput.currentPath = str(tmp_path)
    person.wait()
    assert person.ui.batchStatusLabel.text == ""
