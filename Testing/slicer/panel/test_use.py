"""The panel used as a person uses it, with a real worker and a real tumour."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from Testing.slicer.panel.conftest import Person, dice, mask_of, pick

NAME, KIND, STATE, VOLUME, DIAMETER, CONFIDENCE = range(6)


@pytest.mark.usefixtures("kept_worker")
def test_from_a_volume_to_a_saved_segment(
    person: Person, case: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import slicer

    assert not person.ui.segmentButton.enabled
    assert person.ui.segmentButton.toolTip == "Choose a volume first."
    person.choose(case.volume)
    assert "Place a box" in person.ui.segmentButton.toolTip

    straight = person.place(case.roi)
    assert straight.name == "Lesion 1"
    assert not person.ui.placeButton.checked
    rotated = turned(case.roi, 20)
    second = person.take(rotated)
    assert person.ui.segmentButton.text == "Segment 2 lesions  (Ctrl+Enter)"

    person.segment()
    assert "2 lesions segmented" in person.status, person.status
    first, second = (person.session.lesions.lesion(x.id) for x in (straight, second))
    assert dice(mask_of(first), case.expert) > 0.85
    assert dice(mask_of(second), case.expert) > 0.6
    assert first.segmentation is second.segmentation
    assert person.ui.segmentationSelector.currentNode() is first.segmentation
    assert person.cell(0, STATE).startswith("done")
    expected = mask_of(first).sum() * np.prod(case.volume.GetSpacing()) / 1000
    assert float(person.cell(0, VOLUME)) == pytest.approx(expected, abs=0.01)
    assert person.cell(0, CONFIDENCE).endswith("%")
    assert not person.ui.segmentButton.enabled

    # Undo takes both back in one step, redo brings them back.
    masks = [mask_of(first), mask_of(second)]
    person.ui.undoButton.click()
    person.wait()
    assert [x.status for x in person.lesions()] == ["not segmented"] * 2
    assert person.cell(0, VOLUME) == ""
    person.ui.redoButton.click()
    person.wait()
    again = [person.session.lesions.lesion(x.id) for x in (first, second)]
    assert all(np.array_equal(mask_of(x), m) for x, m in zip(again, masks, strict=True))

    # Diameters in another plane, which is named; also of the lesions that are there.
    assert person.cell(0, DIAMETER).endswith(" axial")  # as acquired: it is an MR
    pick(person.ui.planeComboBox, "coronal")
    person.wait(lambda: person.cell(1, DIAMETER).endswith(" coronal"))
    assert person.cell(0, DIAMETER).endswith(" coronal")
    assert not person.ui.measureButton.enabled

    # Table in the scene, CSV, segments to a file.
    person.ui.tableButton.click()
    table = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLTableNode")
    assert table.GetTable().GetNumberOfRows() == 2
    for button, name in (
        (person.ui.csvButton, "table.csv"),
        (person.ui.saveButton, "out.nii.gz"),
        (person.ui.saveButton, "out.seg.nrrd"),
    ):
        monkeypatch.setattr(
            person.panel.context, "askForTarget", lambda *_, n=name: str(tmp_path / n)
        )
        button.click()
    rows = list(csv.DictReader((tmp_path / "table.csv").open(encoding="utf-8-sig")))
    assert [row["lesion"] for row in rows] == ["Lesion 1", "Turned"]
    assert float(rows[0]["volume_ml"]) == pytest.approx(expected, rel=1e-4)
    assert [row["diameter_plane"] for row in rows] == ["coronal"] * 2
    labels = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "out.nii.gz")))
    assert np.array_equal(labels == 1, masks[0])
    assert (tmp_path / "out.seg.nrrd").stat().st_size > 1000

    # The scene saved, closed, loaded: the panel shows the lesions and runs them again.
    bundle = str(tmp_path / "scene.mrb")
    person.panel.context.parameters.quality = "fast"
    assert slicer.mrmlScene.WriteToMRB(bundle)
    slicer.mrmlScene.Clear()
    person.wait()
    assert person.ui.lesionTable.rowCount == 0
    assert slicer.mrmlScene.ReadFromMRB(bundle)
    person.wait()
    assert person.panel.context.parameters.quality == "fast"
    assert person.ui.volumeSelector.currentNode().GetName() == "Sarcoma MR"
    assert [person.cell(row, NAME) for row in range(2)] == ["Lesion 1", "Turned"]
    assert [x.status for x in person.lesions()] == ["segmented"] * 2
    person.ui.lesionTable.selectRow(0)
    person.wait()
    person.ui.rerunButton.click()
    person.wait(lambda: not person.session.busy)
    person.wait()
    assert "1 lesion segmented" in person.status
    loaded = person.session.lesions.lesion(first.id)
    assert loaded.provenance.options["quality"] == "fast"
    assert loaded.provenance.options["diameter_plane"] == "coronal"
    assert dice(mask_of(loaded), masks[0]) > 0.97


def test_cancel_and_a_killed_worker_leave_the_scene_as_it_was(person: Person, case: Any) -> None:
    import slicer

    from masam_core.process_tree import kill_tree

    person.choose(case.volume)
    person.panel.context.parameters.quality = "fast"  # which is not the matter here
    person.take(case.roi)
    before = slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode")
    for how in ("cancel", "kill"):
        person.ui.segmentButton.click()
        assert person.ui.segmentButton.text == "Cancel"
        person.wait(lambda: "slice" in person.status)
        assert person.ui.progressBar.value >= 0
        if how == "cancel":
            person.ui.segmentButton.click()
        else:
            kill_tree(int(person.session.client.hello["pid"]))
        person.wait(lambda: not person.session.busy)
        person.wait()
        expected = {"cancel": "Cancelled", "kill": "ended unexpectedly"}[how]
        assert expected in person.status
        assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == before
        assert person.cell(0, STATE) == "new"
        assert person.ui.segmentButton.enabled
    person.segment()
    assert "1 lesion segmented" in person.status


@pytest.mark.usefixtures("kept_worker")
def test_a_box_that_is_dragged_is_followed(person: Person, case: Any) -> None:
    person.choose(case.volume)
    person.panel.context.parameters.quality = "fast"  # which is not the matter here
    lesion = person.take(case.roi)
    person.segment()
    first = mask_of(person.session.lesions.lesion(lesion.id))
    size = np.array(case.roi.GetSize())
    case.roi.SetSize(*(size * (0.6, 1.0, 1.0)))
    person.wait(lambda: person.session.busy, 5)
    person.wait(lambda: not person.session.busy)
    person.wait()
    followed = person.session.lesions.lesion(lesion.id)
    assert followed.status == "segmented"
    assert mask_of(followed).sum() < first.sum()
    # The mouse lets go: at once, without waiting for the box to rest.
    case.roi.SetSize(*size)
    case.roi.InvokeEvent(case.roi.PointEndInteractionEvent)
    assert person.session.busy
    person.wait(lambda: not person.session.busy)
    # A ROI's corners come back to a few hundredths of a micron, not to the last bit.
    assert (mask_of(person.session.lesions.lesion(lesion.id)) != first).sum() <= 5
    # Switched off, nothing happens.
    person.ui.liveCheckBox.click()
    case.roi.SetSize(*(size * 0.8))
    person.wait(0.8)
    assert not person.session.busy
    assert person.cell(0, STATE) == "box changed"
    assert person.ui.segmentButton.enabled


def test_closing_the_scene_during_a_run_is_safe(person: Person, case: Any) -> None:
    import slicer

    person.choose(case.volume)
    person.take(case.roi)
    person.ui.segmentButton.click()
    person.wait(lambda: "slice" in person.status)
    slicer.mrmlScene.Clear()
    person.wait(0.3)
    assert not person.session.busy
    assert person.ui.lesionTable.rowCount == 0
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 0
    assert person.ui.segmentButton.toolTip == "Choose a volume first."


def turned(roi: Any, degrees: float) -> Any:
    """A copy of a ROI, turned about its own S axis."""
    import slicer
    import vtk

    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "Turned")
    transform = vtk.vtkTransform()
    transform.SetMatrix(roi.GetObjectToNodeMatrix())
    transform.RotateZ(degrees)
    node.SetAndObserveObjectToNodeMatrix(transform.GetMatrix())
    node.SetSize(*roi.GetSize())
    return node


@pytest.mark.usefixtures("kept_worker")
def test_a_result_that_was_taken_back_does_not_return_with_a_rename(
    person: Person, case: Any
) -> None:
    person.choose(case.volume)
    person.panel.context.parameters.quality = "fast"  # which is not the matter here
    lesion = person.take(case.roi)
    person.segment()
    first = mask_of(person.session.lesions.lesion(lesion.id))
    case.roi.SetSize(*(np.array(case.roi.GetSize()) * (0.6, 1.0, 1.0)))
    person.wait(lambda: person.session.busy, 5)
    person.wait(lambda: not person.session.busy)
    person.wait()
    person.ui.undoButton.click()
    person.wait()
    person.session.lesions.rename(person.session.lesions.lesion(lesion.id), "Thigh")
    person.wait(0.8)
    assert not person.session.busy
    assert np.array_equal(mask_of(person.session.lesions.lesion(lesion.id)), first)
