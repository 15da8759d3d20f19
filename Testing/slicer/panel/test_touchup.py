"""The Segment Editor in the panel: a brush's keys are its own, and no tool stays behind."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from Testing.slicer.answering import answerAtOnce, boxIn
from Testing.slicer.panel.conftest import Person
from Testing.slicer.panel.steps import choose, segmentNow, settle, take
from Testing.slicer.scene.conftest import Scene


@pytest.fixture
def painter(person: Person, scene: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A lesion with a result, and Paint at work on it."""
    answerAtOnce(monkeypatch)
    make = Scene(scene)
    volume = make.volume(name="CT")
    choose(person, volume)
    lesion = take(person, boxIn(make, volume, "CT box"))
    segmentNow(person)
    person.ui.editorCollapsibleButton.collapsed = False
    settle(person)
    editor = person.ui.segmentEditorWidget
    editor.setActiveEffectByName("Paint")
    assert editor.activeEffect().name == "Paint"
    return SimpleNamespace(person=person, id=lesion.id, editor=editor, volume=volume)


def voxels(painter: Any) -> int:
    """Voxels of the mask; -1 where there is none."""
    lesion = painter.person.session.lesions.lesion(painter.id)
    if lesion.segment is None:
        return -1
    return int(painter.person.session.lesions.maskOf(lesion)[0].sum())


def paint(painter: Any) -> None:
    """One stroke, as an effect makes it: 3 x 3 x 3 voxels outside the mask."""
    from MASAMSlicerLib.scene.segments import Look, readSegment, writeSegment

    painter.editor.saveStateForUndo()
    lesion = painter.person.session.lesions.lesion(painter.id)
    shape = (12, 14, 16)
    mask = np.zeros(shape, bool)
    part, (k, j, i) = readSegment(lesion.segmentation, lesion.segmentId, painter.volume)
    depth, rows, cols = part.shape
    mask[k : k + depth, j : j + rows, i : i + cols] = part
    mask[:3, :3, :3] = True
    where = (lesion.segmentation, lesion.segmentId, painter.volume, mask, (0, 0, 0))
    writeSegment(*where, Look("x", (1, 0, 0)), {})
    settle(painter.person)


def test_undo_and_redo_while_painting_are_of_strokes(painter: Any) -> None:
    person = painter.person
    before = voxels(painter)
    assert before == 125
    person.clickView()
    paint(painter)
    assert voxels(painter) == before + 27
    person.press("Ctrl+Z")
    assert voxels(painter) == before
    person.press("Ctrl+Z")  # no stroke is left: the mask stays
    assert voxels(painter) == before
    assert person.session.history.undoTitle == "Segment CT box"
    person.press("Ctrl+Y")
    assert voxels(painter) == before + 27


def test_esc_puts_the_brush_away_and_undo_is_the_panels_again(painter: Any) -> None:
    person = painter.person
    person.clickView()
    person.press("Esc")
    assert painter.editor.activeEffect() is None
    person.press("Ctrl+Z")
    assert voxels(painter) == -1
    person.press("Ctrl+Y")
    assert voxels(painter) == 125


@pytest.mark.parametrize("how", ["run", "fold", "another module"])
def test_the_brush_is_put_away_by_what_would_disturb_it(painter: Any, how: str) -> None:
    person = painter.person
    if how == "run":
        person.ui.rerunButton.click()
    elif how == "fold":
        person.ui.editorCollapsibleButton.collapsed = True
    else:
        person.widget.exit()
    settle(person)
    assert painter.editor.activeEffect() is None
