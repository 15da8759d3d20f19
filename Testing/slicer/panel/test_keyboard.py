"""Keys, wherever the keyboard is in the main window."""

from __future__ import annotations

from typing import Any

import pytest

from Testing.slicer.panel.conftest import Person

KEYS = {
    "B",
    "R",
    "P",
    "N",
    "S",
    "L",
    "E",
    "V",
    "Esc",
    "Ctrl+Z",
    "Ctrl+Y",
    "Ctrl+Return",
    "Ctrl+Enter",
}


def live() -> list[str]:
    """Keys that do something in the main window."""
    from PySide6 import QtGui

    from Testing.slicer_harness.main_window import mainWindow

    found = mainWindow().findChildren(QtGui.QShortcut)
    return sorted(s.key.toString() for s in found if s.enabled)


def test_a_box_is_placed_and_left_by_keys_when_a_view_has_the_keyboard(
    person: Person, case: Any
) -> None:
    import slicer

    person.choose(case.volume)
    person.clickView()
    interaction = slicer.app.applicationLogic().GetInteractionNode()
    person.press("B")
    assert person.ui.placeButton.checked
    assert interaction.GetCurrentInteractionMode() == interaction.Place
    assert person.ui.lesionTable.rowCount == 1
    person.press("Esc")
    assert interaction.GetCurrentInteractionMode() == interaction.ViewTransform
    assert person.ui.lesionTable.rowCount == 0
    assert not person.ui.placeButton.checked


def test_next_undo_and_segment_by_keys_when_a_view_has_the_keyboard(
    person: Person, case: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    person.choose(case.volume)
    person.take(case.roi)
    person.ui.duplicateButton.click()
    person.wait()
    first, second = person.lesions()
    person.panel.context.select(first.id)
    person.clickView()
    person.press("E")
    assert person.panel.context.selected.id == second.id
    asked: list[Any] = []
    monkeypatch.setattr(person.panel.run.runner, "start", asked.append)
    person.press("Ctrl+Return")
    assert asked == [[first.id, second.id]]
    person.ui.deleteButton.click()
    person.wait()
    assert len(person.lesions()) == 1
    person.press("Ctrl+Z")
    assert len(person.lesions()) == 2


def test_keys_are_the_modules_from_enter_to_exit_only(person: Person) -> None:
    from Testing.slicer_harness import module_life

    assert set(live()) == KEYS
    person.widget.enter()  # once more does no harm
    assert len(live()) == len(KEYS)
    module_life.leaveModule(person.widget)
    assert live() == []
    person.widget.enter()
    assert set(live()) == KEYS


def test_nothing_is_left_in_the_main_window_at_the_end(module: Any, harness: Any) -> None:
    from PySide6 import QtGui

    from Testing.slicer_harness import module_life
    from Testing.slicer_harness.main_window import mainWindow

    widget = module_life.makeModule(module.MASAMSlicerWidget)
    module_life.openModule(widget)
    assert set(live()) == KEYS
    module_life.endModule(widget)
    assert mainWindow().findChildren(QtGui.QShortcut) == []


def test_keys_live_after_reload_though_enter_is_not_called(person: Person, case: Any) -> None:
    from Testing.slicer_harness import module_life

    person.widget = module_life.reloadModule(person.widget)
    person.ui = person.widget.ui
    assert sorted(live()) == sorted(KEYS)  # each once: two would be ambiguous, and do nothing
    person.choose(case.volume)
    person.clickView()
    person.press("B")
    assert person.ui.placeButton.checked


def test_reload_in_another_module_takes_no_keys(person: Person) -> None:
    from Testing.slicer_harness import module_life

    module_life.leaveModule(person.widget)
    person.widget = module_life.reloadModule(person.widget)
    assert live() == []


def test_a_letter_in_the_list_renames_nothing_and_a_double_click_does(
    person: Person, case: Any
) -> None:
    from PySide6 import QtCore, QtTest, QtWidgets

    person.choose(case.volume)
    person.take(case.roi)
    person.clickView()
    table = person.ui.lesionTable
    table.setFocus()
    table.setCurrentCell(0, 0)
    person.press("x", table)
    assert table.findChildren(QtWidgets.QLineEdit) == []
    place = table.visualItemRect(table.item(0, 0)).center()
    for click in (QtTest.QTest.mouseClick, QtTest.QTest.mouseDClick):
        click(
            table.viewport(),
            QtCore.Qt.MouseButton.LeftButton,
            QtCore.Qt.KeyboardModifier.NoModifier,
            place,
        )
    person.wait()
    (editor,) = table.findChildren(QtWidgets.QLineEdit)
    editor.selectAll()
    for key in "Bev":  # these are the name's letters now, not the module's keys
        person.press(key, editor)
    person.press("Return", editor)
    assert case.roi.GetName() == "bev"
    assert not person.ui.placeButton.checked


def test_a_letter_in_the_batch_report_changes_nothing(person: Person) -> None:
    from PySide6 import QtWidgets

    table = person.ui.batchTable
    person.panel.batch._show([("case", "done", "")])
    table.setCurrentCell(0, 0)
    person.press("x", table)
    assert table.findChildren(QtWidgets.QLineEdit) == []
