"""First and last slice in the panel: what is pressed is said, and nothing collapses."""

from __future__ import annotations

from typing import Any

import pytest

from Testing.slicer.answering import answerAtOnce, boxIn
from Testing.slicer.panel.conftest import Person
from Testing.slicer.panel.steps import choose, segmentNow, settle, take
from Testing.slicer.scene.conftest import Scene


def test_ends_pressed_in_the_other_order_and_taken_back(
    person: Person, scene: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from MASAMSlicerLib.scene import prompts, views

    answerAtOnce(monkeypatch)
    make = Scene(scene)
    volume = make.volume()
    choose(person, volume)
    lesion = take(person, boxIn(make, volume, "Box", 2.5, 6.5))
    segmentNow(person)
    geometry = prompts.geometryOf(volume)
    red = views.acrossSlices(volume)

    def press(button: Any, k: int) -> None:
        red.JumpSliceByCentering(*geometry.ras_from_ijk([[8, 7, k]])[0])
        button.click()
        settle(person)

    def slices() -> tuple[int, int]:
        low, high = prompts.alignedBounds(lesion.roi, volume)
        return round(low[2] + 0.5), round(high[2] - 0.5)

    person.ui.liveCheckBox.click()
    assert slices() == (3, 6)
    up = geometry.direction[2, 2] > 0
    upper, lower = person.ui.upperEndButton, person.ui.lowerEndButton
    press(lower if up else upper, 9)
    assert slices() == (3, 9)
    assert "beyond the box's other end" in person.status
    assert "holds 7 slices" in person.status
    press(upper if up else lower, 5)
    assert slices() == (5, 9)
    assert "between the two slices" in person.status
    assert person.cell(0, 2) == "box changed"
    for expected in ((3, 9), (3, 6)):
        person.ui.undoButton.click()
        settle(person)
        assert slices() == expected
    assert person.cell(0, 2).startswith("done")
    assert "Undone: Move the box of Box" in person.status
