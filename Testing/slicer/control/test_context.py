"""What is chosen, and how long a message stands."""

from __future__ import annotations

import doctest
from typing import Any

from Testing.slicer.answering import boxIn
from Testing.slicer.scene.conftest import Scene

from .desk import makeDesk


def _desk(make: Scene) -> Any:
    from MASAMSlicerLib.session.session import Session

    session = Session(make.scene, lambda: None)  # type: ignore[arg-type, return-value]
    desk = makeDesk(session, make.volume())
    for name in ("a", "b"):
        session.lesions.add(desk.volume, None, boxIn(make, desk.volume, name))
    return desk


def test_a_lesion_of_another_volume_is_not_the_selected_one(make: Scene) -> None:
    desk = _desk(make)
    second = desk.lesions()[1]
    desk.select(second.id)
    assert desk.selected.name == "b"
    own, desk.volume = desk.volume, make.volume(name="other")
    assert (desk.selected, desk.lesions()) == (None, [])
    desk.volume = None
    assert (desk.selected, desk.lesions()) == (None, [])
    desk.volume, desk.chosen = own, ""
    assert desk.selected is None


def test_a_message_goes_with_what_it_was_about(make: Scene) -> None:
    desk = _desk(make)
    desk.say("two boxes")
    desk.dropOldMessage()
    assert desk.said == [("two boxes", "")]
    desk.session.lesions.rename(desk.lesions()[0], "c")
    desk.dropOldMessage()
    assert desk.said[1:] == [("", "")]
    held = [True]
    desk.say("working", holds=lambda: held[0])
    desk.session.lesions.rename(desk.lesions()[0], "d")
    desk.dropOldMessage()
    assert desk.said[-1] == ("working", "")
    held[0] = False
    desk.dropOldMessage()
    assert desk.said[-1] == ("", "")


def test_an_error_that_nobody_foresaw_is_called_so(make: Scene) -> None:
    from masam_core.errors import BoxError

    desk = _desk(make)
    desk.sayError(BoxError("The box is empty."))
    desk.sayError(KeyError())
    assert desk.said == [
        ("The box is empty.", "error"),
        ("Something unforeseen happened: KeyError", "error"),
    ]


def test_the_examples_of_standing_hold(harness: Any) -> None:
    from MASAMSlicerLib.control import standing

    found = doctest.testmod(standing)
    assert (found.failed, found.attempted > 0) == (0, True)
