"""A box that is dragged is looked at once, when it lies still."""

from __future__ import annotations

from typing import Any

from .desk import Runs, makeDesk


def test_a_box_that_goes_on_moving_has_not_come_to_rest(harness: Any) -> None:
    from MASAMSlicerLib.control.settling import SETTLED_MS, Settling

    desk, rested = makeDesk(Runs()), []
    settling = Settling(desk.later, rested.append)
    settling.changed("a")
    desk.let(SETTLED_MS - 100)
    settling.changed("a")
    settling.changed("b")
    desk.let(SETTLED_MS - 100)
    assert rested == []
    desk.let(100)
    assert rested == ["a", "b"]
    desk.let(10 * SETTLED_MS)
    assert rested == ["a", "b"]


def test_the_mouse_that_lets_go_is_not_waited_for_again(harness: Any) -> None:
    from MASAMSlicerLib.control.settling import SETTLED_MS, Settling

    desk, rested = makeDesk(Runs()), []
    settling = Settling(desk.later, rested.append)
    settling.changed("a")
    settling.rest("a")
    desk.let(10 * SETTLED_MS)
    assert rested == ["a"]
