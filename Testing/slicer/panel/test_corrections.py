"""Corrections in the panel, as a person makes them, with a real worker and a real tumour."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from masam_core.lesion.morphology import depth_in
from Testing.slicer.answering import answerAtOnce
from Testing.slicer.panel.conftest import Person, dice, mask_of
from Testing.slicer.panel.steps import choose, segmentNow, settle, take

STATE, CONFIDENCE = 2, 5


def world(volume: Any, *ijk: Any) -> np.ndarray:
    from MASAMSlicerLib.scene.volumes import geometryOf

    return np.asarray(geometryOf(volume).ras_from_ijk(np.array(ijk, float)))


def draw(person: Person, points: np.ndarray) -> None:
    """Click in a view with the tool that was taken, and end as Slicer does."""
    import slicer

    selection = slicer.app.applicationLogic().GetSelectionNode()
    interaction = slicer.app.applicationLogic().GetInteractionNode()
    assert interaction.GetCurrentInteractionMode() == interaction.Place
    node = slicer.mrmlScene.GetNodeByID(selection.GetActivePlaceNodeID())
    for point in points:
        node.AddControlPointWorld(*[float(v) for v in point])
    interaction.SetCurrentInteractionMode(interaction.ViewTransform)
    person.wait(0.05)
    person.wait(lambda: not person.session.busy)
    settle(person)


def missed(lesion: Any, expert: np.ndarray) -> np.ndarray:
    """Index of the voxel in the middle of the largest part that the mask has missed."""
    volume = lesion.volume
    depth = depth_in(expert & ~mask_of(lesion), list(volume.GetSpacing())[::-1])
    return np.array(np.unravel_index(depth.argmax(), depth.shape))[::-1]


def cutBox(case: Any, share: float) -> None:
    """Leave a share of the box, so that it cuts through the tumour."""
    from MASAMSlicerLib.scene.prompts import alignedBounds, alignRoi

    low, high = alignedBounds(case.roi, case.volume)
    high[0] = low[0] + share * (high[0] - low[0])
    alignRoi(case.roi, case.volume, low, high)


@pytest.mark.usefixtures("kept_worker")
def test_a_wrong_mask_is_put_right_by_clicks_and_a_cutting_box_by_one_button(
    person: Person, case: Any
) -> None:
    cutBox(case, 0.6)
    person.choose(case.volume)
    person.panel.context.parameters.quality = "fast"
    identity = person.take(case.roi).id
    assert person.ui.extendButton.isHidden()
    person.segment()

    def now() -> Any:
        return person.session.lesions.lesion(identity)

    wrong = mask_of(now())
    assert person.cell(0, CONFIDENCE) == "not valid"
    assert not person.ui.extendButton.isHidden()
    assert person.ui.extendButton.text == "Ends flat at its left side: extend"
    for key in ("P", "P"):
        person.clickView()
        person.press(key)
        assert person.status == "Click where the lesion was missed."
        draw(person, world(case.volume, missed(now(), case.expert)))
        assert person.cell(0, STATE).startswith("done")
    clicked = mask_of(now())
    assert len(now().prompts) == 2
    for _ in range(2):
        person.press("Ctrl+Z")
    assert (mask_of(now()) == wrong).all()
    assert now().prompts == ()
    person.ui.extendButton.click()
    person.wait(lambda: not person.session.busy)
    settle(person)
    extended = mask_of(now())
    assert person.ui.extendButton.isHidden()
    assert person.cell(0, CONFIDENCE).endswith("%")
    found = [dice(each, case.expert) for each in (wrong, clicked, extended)]
    print("Dice: cut off {:.3f}, two clicks {:.3f}, extended {:.3f}".format(*found))
    assert found[0] + 0.03 < found[1]
    assert found[2] > 0.85
    person.press("Ctrl+Z")
    assert (mask_of(now()) == wrong).all()
    assert not person.ui.extendButton.isHidden()
    person.press("Ctrl+Y")
    assert (mask_of(now()) == extended).all()


@pytest.mark.usefixtures("kept_worker")
def test_a_recist_line_becomes_a_mask(person: Person, case: Any) -> None:
    from MASAMSlicerLib.scene.volumes import geometryOf

    person.choose(case.volume)
    person.panel.context.parameters.quality = "fast"
    k = int(case.expert.sum(axis=(1, 2)).argmax())
    voxels = np.argwhere(case.expert[k])
    apart = np.linalg.norm(
        (voxels[:, None] - voxels[None]) * np.array(case.volume.GetSpacing())[1::-1], axis=2
    )
    ends = [voxels[n] for n in np.unravel_index(apart.argmax(), apart.shape)]
    person.clickView()
    person.press("R")
    assert person.ui.lineButton.checked
    draw(person, geometryOf(case.volume).ras_from_ijk([(i, j, k) for j, i in ends]))
    (lesion,) = person.lesions()
    assert person.cell(0, STATE).startswith("done")
    found = dice(mask_of(lesion), case.expert)
    print(f"Dice of a RECIST line's mask: {found:.3f}")
    assert found > 0.7
    assert [prompt.kind for prompt in lesion.prompts] == ["line"]
    person.press("Ctrl+Z")
    assert person.lesions() == []
    person.press("Ctrl+Y")
    assert [each.status for each in person.lesions()] == ["segmented"]


@pytest.fixture
def quick(person: Person, case: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A person whose worker answers at once, with one lesion."""
    answerAtOnce(monkeypatch)
    choose(person, case.volume)
    identity = take(person, case.roi).id
    segmentNow(person)
    return person, identity


def test_each_tool_draws_and_is_put_away(quick: Any, case: Any) -> None:
    from MASAMSlicerLib.scene.nodes import nodesOfClass

    person, identity = quick
    ui, (k, j, i) = person.ui, np.argwhere(mask_of(person.session.lesions.lesion(identity)))[0]
    spots = world(case.volume, (i, j, k), (i + 3, j, k), (i + 3, j + 3, k))
    drawn = (
        (ui.pointButton, 1, "point", True, spots[:1]),
        (ui.notPointButton, 1, "point", False, spots[:1]),
        (ui.scribbleButton, 1, "scribble", True, spots[:2]),
        (ui.scribbleButton, 2, "scribble", False, spots[:2]),
        (ui.lassoButton, 1, "lasso", True, spots),
        (ui.lassoButton, 2, "lasso", False, spots),
    )
    for count, (button, presses, kind, positive, points) in enumerate(drawn, 1):
        for _ in range(presses):
            button.click()
            settle(person)
            assert button.checked
        draw(person, points)
        prompts = person.session.lesions.lesion(identity).prompts
        assert len(prompts) == count
        assert (prompts[-1].kind, prompts[-1].positive) == (kind, positive)
        assert not button.checked
    assert not mask_of(person.session.lesions.lesion(identity))[k, j, i]
    ui.sliceBoxButton.click()
    draw(person, world(case.volume, (20, 20, 10), (30, 28, 10)))
    assert [x.kind for x in person.lesions()[-1].prompts] == ["slice_box"]
    names = [node.GetName() for node in nodesOfClass(case.volume.GetScene(), "vtkMRMLMarkupsNode")]
    assert "Drawing" not in names  # nothing but prompts is left behind


def test_a_tool_that_is_left_or_drew_nothing_leaves_nothing(quick: Any) -> None:
    import slicer

    person, _ = quick
    person.clickView()
    before = slicer.mrmlScene.GetNumberOfNodes()
    title = person.session.history.undoTitle
    for words in ("+ Scribble  (S)", "\N{MINUS SIGN} Scribble  (S)", "Scribble  (S)"):
        person.press("S")  # the third puts it away
        assert person.ui.scribbleButton.text == words
    assert not person.ui.scribbleButton.checked
    person.press("L")
    person.press("Esc")
    assert not person.ui.lassoButton.checked
    person.press("L")
    draw(person, np.zeros((2, 3)))  # an outline needs three
    person.press("P")
    person.press("B")
    assert (person.ui.pointButton.checked, person.ui.placeButton.checked) == (False, True)
    person.press("Esc")
    assert slicer.mrmlScene.GetNumberOfNodes() == before
    assert person.session.history.undoTitle == title


def test_what_can_not_be_corrected_says_why(quick: Any) -> None:
    person, identity = quick
    ui = person.ui
    person.session.lesions.setLocked(person.session.lesions.lesion(identity), True)
    settle(person)
    for button in (ui.pointButton, ui.notPointButton, ui.scribbleButton, ui.lassoButton):
        assert (button.enabled, button.toolTip) == (
            False,
            "This lesion is locked. Unlock it to correct it.",
        )
    assert ui.lineButton.enabled
    person.clickView()
    person.press("N")
    assert not ui.notPointButton.checked
    person.session.lesions.setLocked(person.session.lesions.lesion(identity), False)
    ui.deleteButton.click()
    settle(person)
    assert ui.pointButton.enabled  # a click begins a lesion
    assert not ui.lassoButton.enabled
    assert "Begin with a box (B)" in ui.lassoButton.toolTip


def test_box_mask_and_click_are_taken_back_and_done_again_in_their_order(
    quick: Any, case: Any
) -> None:
    person, identity = quick
    (k, j, i) = np.argwhere(mask_of(person.session.lesions.lesion(identity)))[0]
    person.ui.notPointButton.click()
    draw(person, world(case.volume, (i, j, k)))
    full = mask_of(person.session.lesions.lesion(identity))
    size = list(case.roi.GetSize())
    case.roi.SetSize(*(np.array(size) * 0.8))
    case.roi.InvokeEvent(case.roi.PointEndInteractionEvent)
    settle(person)
    small = mask_of(person.session.lesions.lesion(identity))
    assert small.sum() < full.sum()
    assert len(person.session.lesions.lesion(identity).prompts) == 1
    person.ui.undoButton.click()
    settle(person)
    assert np.allclose(case.roi.GetSize(), size, atol=1e-3)
    assert (mask_of(person.session.lesions.lesion(identity)) == full).all()
    person.ui.undoButton.click()
    settle(person)
    assert mask_of(person.session.lesions.lesion(identity))[k, j, i]
    for _ in range(2):
        person.ui.redoButton.click()
        settle(person)
    assert (mask_of(person.session.lesions.lesion(identity)) == small).all()


def test_segment_without_a_drawn_box_names_no_number(person: Person, case: Any) -> None:
    choose(person, case.volume)
    person.ui.placeButton.click()
    settle(person)
    person.panel.run.runner.press()
    settle(person)
    assert person.status == "Draw a box around a lesion first (B), or change one."


def test_marks_of_a_cutting_side_are_never_saved(quick: Any, tmp_path: Any) -> None:
    from dataclasses import replace

    import slicer

    person, identity = quick
    lesion = person.session.lesions.lesion(identity)
    cuts = ({"side": "upper", "area_mm2": 12.0, "certainty": 0.75},)
    for name, text in replace(lesion.provenance, cuts=cuts).tags().items():
        lesion.segment.SetTag(name, text)
    settle(person)
    (mark,) = [
        node
        for n in range(slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLModelNode"))
        if (node := slicer.mrmlScene.GetNthNodeByClass(n, "vtkMRMLModelNode")).GetAttribute(
            "MASAM.CutSide"
        )
    ]
    bounds = [0.0] * 6
    mark.GetRASBounds(bounds)
    assert bounds[4] == pytest.approx(bounds[5], abs=20)  # nearly flat, as the box may be turned
    slicer.mrmlScene.WriteToMRB(str(tmp_path / "scene.mrb"))
    import zipfile

    with zipfile.ZipFile(tmp_path / "scene.mrb") as bundle:
        scene = next(name for name in bundle.namelist() if name.endswith(".mrml"))
        assert b"MASAM.CutSide" not in bundle.read(scene)
    person.panel.left()
    assert mark.GetScene() is None
