"""A run of a whole volume, and the ticks of its classes; the same in each front end."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from masam_core.errors import ConfigError
from masam_core.lesion.organs import term_of

from ..scene.conftest import block
from ..whole import Held, outcome
from .desk import makeDesk

SHAPE = (12, 14, 16)
LIVER = block((2, 8), (3, 9), (1, 7))
NOTHING = np.zeros(SHAPE, dtype=bool)


def row(**changes: Any) -> dict[str, Any]:
    classes = [term_of(name).to_dict() for name in ("liver", "spleen", "left kidney")]
    return {"prompts": False, "automatic": True, "video": False, "classes": classes, **changes}


@pytest.fixture
def all_(monkeypatch: pytest.MonkeyPatch, scene: Any, make: Any) -> Any:
    """A desk with a volume, and the control on it."""
    from types import SimpleNamespace

    from MASAMSlicerLib.control.modelclasses import ModelClasses
    from MASAMSlicerLib.control.runner import Request, Runner
    from MASAMSlicerLib.control.segmentall import SegmentAll, WholeRequest

    from masam_core.catalog.choice import ModelChoice
    from masam_core.inference.options import SegmentOptions

    held = Held(monkeypatch, scene)
    volume = make.volume(np.zeros(SHAPE, np.int16), name="CT")
    desk = makeDesk(held.session, volume)
    classes = ModelClasses()
    classes.show("organs", row())
    made = SimpleNamespace(held=held, desk=desk, classes=classes, steps=[], reports=[])
    made.runner = Runner(
        desk,
        request=lambda: Request(ModelChoice(), SegmentOptions()),
        follows=lambda: False,
        before=lambda: None,
        onStart=lambda: None,
        onResult=lambda _: None,
        busy=lambda: held.session.segmenting,
    )
    made.control = SegmentAll(
        desk,
        request=lambda: WholeRequest(ModelChoice("organs"), SegmentOptions(), classes.wanted()),
        before=lambda: made.steps.append("before"),
        onStart=lambda: made.steps.append("start"),
        onResult=made.reports.append,
        runner=made.runner,
    )
    return made


def test_progress_and_the_result_are_said(all_: Any) -> None:
    all_.control.press()
    assert all_.steps == ["before", "start"]
    assert all_.control.running
    all_.held.onEvent({"type": "progress", "fraction": 0.25, "text": "window 3 of 12"})
    assert all_.desk.said[-1] == ("window 3 of 12, 0 s", "")
    assert all_.desk.shown[-1] == 0.25
    all_.held.answer(outcome({"liver": LIVER, "spleen": NOTHING}))
    words, kind = all_.desk.said[-1]
    assert words.splitlines()[0].startswith("1 structure segmented in ")
    assert words.splitlines()[0].endswith("on cpu, in 'CT (Organs)'.")
    assert words.splitlines()[1:] == ["Not found: spleen."]
    assert kind == "warning"
    assert all_.desk.shown[-1] is None
    assert not all_.control.running
    assert all_.reports[0].written == ["liver"]

    # A note alone is a warning, too.
    all_.control.press()
    all_.held.answer(outcome({"liver": LIVER}, notes={"liver": ("Check this mask closely.",)}))
    assert all_.desk.said[-1][0].splitlines()[1:] == ["liver: Check this mask closely."]
    assert all_.desk.said[-1][1] == "warning"
    all_.control.press()
    all_.held.answer(outcome({"liver": LIVER}))
    assert all_.desk.said[-1][1] == ""
    count = len(all_.desk.said)
    all_.desk.let(5000)
    assert len(all_.desk.said) == count


def test_pressing_again_cancels_and_what_waited_is_forgotten(all_: Any) -> None:
    all_.control.press()
    all_.runner.nowOrAfter("some lesion")
    all_.control.press()
    assert all_.desk.said[-1] == ("Cancelled; everything is as it was.", "")
    assert not all_.held.session.segmenting
    assert all_.held.session.history.undoTitle == ""
    all_.control.press()  # nothing stands in the way of another
    all_.held.answer(outcome({"liver": LIVER}))
    assert all_.held.session.history.undoTitle == "Segment liver"


def test_cancelled_it_says_what_stays_of_what_was_done_meanwhile(all_: Any, make: Any) -> None:
    from ..answering import boxIn

    session, volume = all_.held.session, all_.desk.volume
    asked, other = (session.lesions.add(volume, None, boxIn(make, volume, n)) for n in "AB")
    all_.control.press()
    session.history.drawn("Draw A", asked.id, joins=True)
    all_.runner.ask(asked.id)  # it waits for the end of the run
    session.history.drawn("Draw B", other.id)
    all_.control.press()
    assert [lesion.id for lesion in session.lesions.lesions()] == [other.id]
    assert all_.desk.said[-1] == ("Cancelled; what you did meanwhile stays.", "")


def test_the_large_button_of_the_lesions_cancels_it_too(all_: Any) -> None:
    all_.control.press()
    all_.runner.press()
    assert all_.desk.said[-1] == ("Cancelled; everything is as it was.", "")


def test_errors_are_said_and_leave_the_button_free(all_: Any) -> None:
    all_.classes.tickAll(False)
    all_.control.press()
    assert all_.desk.said[-1] == ("Tick at least one structure.", "error")
    assert not all_.control.running
    all_.classes.tickAll(True)
    all_.control.press()
    all_.held.fail(ConfigError("The model 'x' needs a box."))
    assert all_.desk.said[-1] == ("The model 'x' needs a box.", "error")
    all_.desk.volume = None
    all_.control.press()
    assert all_.desk.said[-1] == ("Choose a volume first.", "")


def test_a_box_that_waited_is_segmented_after_the_run(all_: Any, make: Any) -> None:
    from ..answering import boxIn

    session, volume = all_.held.session, all_.desk.volume
    lesion = session.lesions.add(volume, None, boxIn(make, volume, "Box"))
    all_.control.press()
    all_.runner.nowOrAfter(lesion.id)
    assert session.states == {}
    all_.held.answer(outcome({"liver": LIVER}))
    assert session.states[lesion.id][0] == "running"


def test_ticks_say_what_is_wanted_and_each_model_keeps_its_own(all_: Any) -> None:
    classes = all_.classes
    assert [each.name for each in classes.classes] == ["liver", "spleen", "left kidney"]
    assert classes.classes[0].color == pytest.approx((221 / 255, 130 / 255, 101 / 255))
    assert (classes.wanted(), classes.count) == ([], 3)
    classes.tick("spleen", False)
    assert (classes.wanted(), classes.count) == (["liver", "left kidney"], 2)
    classes.show("other", row())
    assert classes.wanted() == []
    classes.show("organs", row())
    assert not classes.isTicked("spleen")
    classes.tickAll(False)
    with pytest.raises(ConfigError, match="at least one"):
        classes.wanted()


@pytest.mark.parametrize(
    ("known", "prompts", "automatic", "only"),
    [
        (row(), False, True, True),
        (row(prompts=True, automatic=False), True, False, False),
        (row(prompts=True), True, True, False),
        (row(prompts=None, automatic=None, classes=[]), True, True, False),  # nobody knows
        (None, True, False, False),  # the worker has not answered yet
    ],
)
def test_what_a_model_does_decides_which_tools_there_are(
    harness: Any, known: Any, prompts: bool, automatic: bool, only: bool
) -> None:
    from MASAMSlicerLib.control.modelclasses import ModelClasses

    classes = ModelClasses()
    classes.show("m", known)
    found = (classes.takesPrompts, classes.isAutomatic, classes.onlyAutomatic)
    assert found == (prompts, automatic, only)
    assert classes.problem == ""
    classes.show("m", row(prompts=False, automatic=False, video=True))
    assert "videos" in classes.problem
