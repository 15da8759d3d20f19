"""What can be done with a box, in whichever front end."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from Testing.slicer.answering import boxIn
from Testing.slicer.scene.conftest import Scene

from .desk import makeDesk


@pytest.fixture
def tool(make: Scene, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A box of slices 3 to 7, and a view that shows slice 5."""
    from MASAMSlicerLib.control import boxactions
    from MASAMSlicerLib.session.session import Session

    session = Session(make.scene, lambda: None)  # type: ignore[arg-type, return-value]
    volume = make.volume()
    lesion = session.lesions.add(volume, None, boxIn(make, volume, "Box", 2.5, 7.5))
    middle = [0.0] * 6
    lesion.roi.GetRASBounds(middle)
    centre = [(middle[2 * axis] + middle[2 * axis + 1]) / 2 for axis in range(3)]
    monkeypatch.setattr(boxactions.views, "currentPoint", lambda _: centre)
    monkeypatch.setattr(boxactions.views, "startPlacing", lambda _: None)
    monkeypatch.setattr(boxactions.views, "stopPlacing", lambda _: None)
    desk, rested = makeDesk(session, volume), []
    return SimpleNamespace(
        desk=desk, rested=rested, id=lesion.id, actions=boxactions.BoxActions(desk, rested.append)
    )


def test_an_end_is_set_said_and_followed(tool: Any) -> None:
    from MASAMSlicerLib.scene import ends

    tool.desk.select(tool.id)
    size = max(tool.desk.selected.roi.GetSize())
    tool.actions.setEnd(ends.LAST)
    assert "it holds 3 slices" in tool.desk.said[-1][0]
    assert max(tool.desk.selected.roi.GetSize()) < size
    assert tool.rested == [tool.id]


def test_without_a_selected_box_nothing_happens(tool: Any) -> None:
    tool.actions.setEnd(0)
    tool.actions.fitToView()
    assert (tool.desk.said, tool.rested) == ([], [])


def test_a_lesion_that_got_no_box_does_not_stay(tool: Any) -> None:
    placed = tool.actions.startPlacing()
    assert tool.desk.chosen == placed != tool.id
    assert len(tool.desk.lesions()) == 2
    tool.actions.stopPlacing(placed)
    assert [lesion.id for lesion in tool.desk.lesions()] == [tool.id]
    again = tool.actions.startPlacing()
    for lesion in tool.desk.lesions():
        if lesion.id == again:
            lesion.roi.SetSize(5, 5, 5)
            lesion.roi.SetCenter(1, 2, 3)
    tool.actions.stopPlacing(again)
    assert [lesion.id for lesion in tool.desk.lesions()] == [tool.id, again]
