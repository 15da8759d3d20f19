"""Automatic models in a tab: classes to tick, one segment a class, back again by one undo."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from Testing.slicer.control.desk import makeDesk
from Testing.slicer.scene.conftest import Scene, block
from Testing.slicer.whole import Held, outcome
from Testing.workbench.conftest import requireWorkbench

SHAPE = (12, 14, 16)
LIVER, SPLEEN = block((2, 8), (3, 9), (1, 7)), block((4, 6), (10, 13), (9, 12))


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch, scene: Any) -> Any:
    """A tab's part with an image, whose worker answers when the test says so."""
    requireWorkbench()
    from MASAMSlicerLib.control.runner import Request, Runner

    from masam_core.catalog.choice import ModelChoice
    from masam_core.inference.options import SegmentOptions
    from masam_core.lesion.organs import term_of
    from masam_workbench.tab.structures import Structures

    held = Held(monkeypatch, scene)
    volume = Scene(scene).volume(np.zeros(SHAPE, np.int16), name="CT")
    context = makeDesk(held.session, volume)
    context.scene, context.refresh = scene, lambda: None
    context.state = SimpleNamespace(model="organs", diameterPlane="auto")
    runner = Runner(
        context,
        request=lambda: Request(ModelChoice(), SegmentOptions()),
        follows=lambda: False,
        before=lambda: None,
        onStart=lambda: None,
        onResult=lambda _: None,
        busy=lambda: held.session.segmenting,
    )
    running: Any = SimpleNamespace(runner=runner, choice=lambda: ModelChoice("organs"))
    structures = Structures(context, running)
    classes = [term_of(name).to_dict() for name in ("liver", "spleen")]
    structures.models(
        [
            {"name": "organs", "prompts": False, "automatic": True, "classes": classes},
            {"name": "bundled", "prompts": True, "automatic": False, "classes": []},
        ]
    )
    structures.refresh()
    return SimpleNamespace(held=held, context=context, structures=structures, volume=volume)


def test_a_segment_a_class_is_told_and_undone_in_one_step(desk: Any) -> None:
    structures, state = desk.structures, desk.context.state
    assert (state.automatic["there"], state.automatic["only"]) == (True, True)
    assert structures.words("organs")
    assert not structures.words("bundled")
    structures.press()
    desk.held.onEvent({"type": "progress", "fraction": 0.5, "text": "window 2 of 4"})
    assert desk.context.said[-1][0].startswith("window 2 of 4")
    desk.held.answer(outcome({"liver": LIVER, "spleen": SPLEEN}))
    structures.refresh()
    rows = {row["name"]: row for row in state.structures}
    assert set(rows) == {"Liver", "Spleen"}
    for name, mask in (("Liver", LIVER), ("Spleen", SPLEEN)):
        served = structures.known(rows[name]["mask"]["version"])
        assert served is not None
        i, j, k, ni, nj, nk = served.extent
        whole = np.zeros(SHAPE, bool)
        whole[k : k + nk, j : j + nj, i : i + ni] = served.array
        np.testing.assert_array_equal(whole, mask)
    structures.toggle(rows["Liver"]["id"])
    structures.refresh()
    assert [row["visible"] for row in state.structures] == [False, True]
    desk.held.session.history.undo()
    structures.refresh()
    assert state.structures == []


def test_only_ticked_classes_are_asked_for_and_cancel_changes_nothing(desk: Any) -> None:
    structures, state = desk.structures, desk.context.state
    structures.tick("spleen", False)
    structures.tick("nothing that it knows", False)
    structures.refresh()
    assert [each["wanted"] for each in state.automatic["classes"]] == [True, False]
    assert structures.classes.wanted() == ["liver"]
    structures.press()
    assert structures.run.running
    structures.press()
    assert not structures.run.running
    assert desk.context.said[-1][0].startswith("Cancelled")
    structures.refresh()
    assert state.structures == []
    structures.tickAll(False)
    structures.press()
    assert "at least one" in desk.context.said[-1][0]


def test_a_model_of_boxes_offers_no_such_run(desk: Any) -> None:
    desk.context.state.model = "bundled"
    desk.structures.refresh()
    assert desk.context.state.automatic["there"] is False


def test_what_was_found_in_an_earlier_study_still_counts_as_unsaved(desk: Any) -> None:
    structures = desk.structures
    structures.press()
    desk.held.answer(outcome({"liver": LIVER}))
    (found,) = structures.rows()
    later = Scene(desk.context.scene).volume(np.zeros((3, 4, 5), np.int16), name="next")
    desk.context.volume = later
    assert structures.rows() == []
    (kept,) = structures.rows(beside=True)
    assert (kept["name"], kept["mask"]) == ("Liver", found["mask"])
