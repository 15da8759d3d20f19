"""Models that segment whole volumes in the panel: structures, ticks, and tools that make way."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from Testing.slicer.control.test_segmentall import row
from Testing.slicer.scene.conftest import block, make
from Testing.slicer.whole import Held, outcome

from .conftest import Person
from .steps import choose, settle

__all__ = ["make"]  # a fixture
TOOLS = ("placeButton", "lineButton", "pointButton", "lassoButton", "fitButton", "liveCheckBox")


def shown(person: Person, name: str) -> bool:
    return not getattr(person.ui, name).isHidden()


def take(person: Person, known: dict[str, Any]) -> None:
    """Choose a model of which the worker says this."""
    listed = {"purpose": "Organs.", "here": True, "downloadable": False, "how": "", **known}
    person.panel.inputs.models["organs"] = listed
    person.panel.context.parameters.model = "organs"
    settle(person)


@pytest.fixture
def held(person: Person, monkeypatch: pytest.MonkeyPatch, scene: Any) -> Held:
    return Held(monkeypatch, scene)


def test_boxes_make_way_for_a_model_that_knows_none_and_come_back(
    person: Person, make: Any
) -> None:
    choose(person, make.volume())
    assert not shown(person, "classesFrame")
    assert all(shown(person, name) for name in TOOLS)
    take(person, row())
    assert shown(person, "classesFrame")
    assert not any(shown(person, name) for name in TOOLS)
    assert "needs no boxes" in person.ui.classesLabel.text
    assert not shown(person, "segmentAllButton")  # the large button is it
    assert person.ui.segmentButton.text == "Segment all  (Ctrl+Enter)"
    person.panel.prompt.togglePlacing()  # the shortcut B
    assert not person.ui.placeButton.checked
    person.panel.context.parameters.model = "bundled"
    settle(person)
    assert not shown(person, "classesFrame")
    assert all(shown(person, name) for name in TOOLS)
    assert person.ui.placeButton.enabled
    assert person.ui.liveCheckBox.enabled


def test_the_large_button_segments_what_is_ticked_and_undo_takes_it_back(
    person: Person, held: Held, make: Any
) -> None:
    volume = make.volume()
    take(person, row())
    assert person.ui.segmentButton.toolTip == "Choose a volume first."
    choose(person, volume)
    listed = person.ui.classesList
    assert [listed.item(n).text() for n in range(listed.count)] == [
        "liver",
        "spleen",
        "left kidney",
    ]
    from PySide6.QtCore import Qt

    listed.item(1).setCheckState(Qt.CheckState.Unchecked)
    settle(person)
    assert person.ui.segmentButton.text == "Segment 2 of 3  (Ctrl+Enter)"
    person.ui.classesNoneButton.click()
    assert not person.ui.segmentButton.enabled
    assert person.ui.segmentButton.toolTip == "Tick at least one structure."
    person.ui.classesAllButton.click()
    listed.item(1).setCheckState(Qt.CheckState.Unchecked)
    settle(person)

    person.ui.segmentButton.click()
    assert person.ui.segmentButton.text == "Cancel"
    assert next(held.steps).fields["model"] == "organs"
    held.onEvent({"type": "progress", "fraction": 0.5, "text": "window 2 of 4"})
    assert person.status.startswith("window 2 of 4")
    liver = block((2, 8), (3, 9), (1, 7))
    held.answer(outcome({"liver": liver, "left kidney": np.zeros((12, 14, 16), bool)}))
    settle(person)
    assert "1 structure segmented" in person.status
    assert "Not found: left kidney." in person.status
    assert person.ui.lesionTable.rowCount == 0
    (node,) = [n for n in _segmentations()]
    assert node.GetSegmentation().GetNumberOfSegments() == 1
    assert person.ui.undoButton.enabled
    person.ui.undoButton.click()
    settle(person)
    assert node.GetSegmentation().GetNumberOfSegments() == 0
    assert person.status == "Undone: Segment liver"


def test_structures_are_hidden_and_shown_and_get_surfaces_when_asked(
    person: Person, held: Held, make: Any
) -> None:
    from MASAMSlicerLib.scene.views import hasSurface

    choose(person, make.volume())
    take(person, row())
    person.ui.segmentButton.click()
    held.answer(outcome({"liver": block((2, 8), (3, 9), (1, 7))}))
    settle(person)
    (node,) = _segmentations()
    assert not hasSurface(node)  # that of a whole body would take long
    for visible in (False, True):
        person.panel.results.toggleVisibility()
        assert bool(node.GetDisplayNode().GetVisibility()) == visible
    assert not hasSurface(node)
    for checked in (False, True):
        person.ui.surfaceCheckBox.checked = checked
    assert hasSurface(node)


def test_cancel_leaves_the_scene_as_it_was(person: Person, held: Held, make: Any) -> None:
    choose(person, make.volume())
    take(person, row())
    person.ui.segmentButton.click()
    person.ui.segmentButton.click()
    settle(person)
    assert person.status == "Cancelled; everything is as it was."
    assert person.ui.segmentButton.text == "Segment all  (Ctrl+Enter)"
    assert _segmentations() == []


def test_a_model_that_does_both_has_a_button_of_its_own(
    person: Person, held: Held, make: Any
) -> None:
    choose(person, make.volume())
    take(person, row(prompts=True))
    assert all(shown(person, name) for name in (*TOOLS, "segmentAllButton"))
    assert "can also" in person.ui.classesLabel.text
    assert not person.ui.segmentButton.enabled  # there is no box
    person.ui.segmentAllButton.click()
    settle(person)
    assert not person.ui.segmentAllButton.enabled
    assert person.ui.segmentButton.text == "Cancel"
    held.answer(outcome({"liver": block((2, 8), (3, 9), (1, 7))}))
    settle(person)
    assert len(_segmentations()) == 1


def test_a_batch_over_a_folder_needs_no_boxes(person: Person, make: Any, tmp_path: Any) -> None:
    choose(person, make.volume())
    take(person, row())
    (tmp_path / "in").mkdir()
    person.ui.batchInput.currentPath = str(tmp_path / "in")
    person.ui.batchOutput.currentPath = str(tmp_path / "out")
    assert not person.ui.batchVolumesButton.enabled
    assert "takes no boxes" in person.ui.batchVolumesButton.toolTip
    spec = person.panel.batch._spec()
    assert (spec.automatic, spec.classes) == (True, ())
    person.panel.classes.chosen.tick("spleen", False)
    assert person.panel.batch._spec().classes == ("liver", "left kidney")
    person.panel.context.parameters.model = "bundled"
    settle(person)
    assert not person.panel.batch._spec().automatic


def test_a_model_of_videos_says_so(person: Person, make: Any) -> None:
    choose(person, make.volume())
    take(person, row(automatic=False, video=True))
    assert "videos" in person.ui.classesLabel.text
    assert not person.ui.segmentButton.enabled
    assert "videos" in person.ui.segmentButton.toolTip


def _segmentations() -> list[Any]:
    import slicer

    return list(slicer.util.getNodesByClass("vtkMRMLSegmentationNode"))
