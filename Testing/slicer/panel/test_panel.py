"""Parts of the panel, without a worker."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from masam_core.lesion.measurements import registry
from masam_core.lesion.measurements.measurement import Listed, Measurement, Quantity
from Testing.slicer.panel.conftest import Person

NAME, KIND, STATE = range(3)


def test_every_disabled_button_says_why(person: Person) -> None:
    import qt

    silent = [
        button.objectName
        for button in person.widget.uiWidget.findChildren(qt.QPushButton)
        if not button.enabled and not button.toolTip
    ]
    assert silent == []
    assert person.ui.deleteButton.toolTip == "Select a lesion first."
    assert person.ui.undoButton.toolTip == "There is nothing to undo."


def test_an_enabled_button_says_what_it_does_again(person: Person, case: Any) -> None:
    person.choose(case.volume)
    person.take(case.roi)
    assert person.ui.deleteButton.enabled
    assert "Removes the selected lesions" in person.ui.deleteButton.toolTip


@pytest.fixture
def fullness(monkeypatch: pytest.MonkeyPatch) -> None:
    """One measurement more, marked for lists."""
    quantity = Quantity("fullness", "%", "Share of its box.", listed=Listed("Full", 1))
    more = Measurement((quantity,), lambda region: {"fullness": 100 * region.mask.mean()})
    monkeypatch.setattr(registry, "MEASUREMENTS", (*registry.MEASUREMENTS, more))


def test_a_measurement_that_is_marked_for_lists_is_a_column(
    fullness: None, person: Person, case: Any
) -> None:
    from MASAMSlicerLib.scene.provenance import Provenance
    from MASAMSlicerLib.wording import rowOf

    table = person.ui.lesionTable
    headers = [table.horizontalHeaderItem(n).text() for n in range(table.columnCount)]
    assert headers == [
        "Lesion",
        "Type",
        "Status",
        "ml",
        "\N{LATIN CAPITAL LETTER O WITH STROKE} mm",
        "Full %",
        "Conf.",
    ]
    assert table.horizontalHeaderItem(5).toolTip() == "Share of its box."
    person.choose(case.volume)
    lesion = person.take(case.roi)
    assert [person.cell(0, n) for n in range(3, 7)] == [""] * 4
    found = {"voxels": 8, "volume_ml": 1.25, "longest_diameter_mm": 9.87, "fullness": 52.36}
    made = Provenance(lesion.id, np.zeros((8, 3)), confidence=0.9, measurements=found)
    row = rowOf(replace(lesion, provenance=made), {})
    assert row.figures == {"volume_ml": "1.25", "longest_diameter_mm": "9.9", "fullness": "52.4"}
    assert (row.volume, row.diameter) == ("1.25", "9.9")


def test_leaving_the_tool_before_a_box_is_drawn_leaves_no_row(person: Person, case: Any) -> None:
    import slicer

    person.choose(case.volume)
    person.ui.placeButton.click()
    person.wait()
    assert person.ui.lesionTable.rowCount == 1
    interaction = slicer.app.applicationLogic().GetInteractionNode()
    assert interaction.GetCurrentInteractionMode() == interaction.Place
    person.panel.prompt.stop()
    person.wait()
    assert person.ui.lesionTable.rowCount == 0
    assert interaction.GetCurrentInteractionMode() == interaction.ViewTransform
    assert slicer.mrmlScene.GetNthNodeByClass(0, "vtkMRMLMarkupsROINode") is case.roi


def test_boxes_of_the_scene_are_never_taken_away(person: Person, case: Any) -> None:
    import slicer

    person.choose(case.volume)
    other = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "Someone's")
    person.place(case.roi)
    person.ui.deleteButton.click()
    person.wait()
    assert other.GetScene() is slicer.mrmlScene
    assert case.roi.GetScene() is slicer.mrmlScene
    assert person.ui.lesionTable.rowCount == 0


def test_a_name_typed_into_the_list_goes_to_the_box(person: Person, case: Any) -> None:
    person.choose(case.volume)
    person.take(case.roi)
    person.ui.lesionTable.item(0, NAME).setText("Left thigh")
    person.wait()
    assert case.roi.GetName() == "Left thigh"
    person.ui.lesionTable.item(0, NAME).setText("   ")
    person.wait()
    assert case.roi.GetName() == "Left thigh"
    assert person.cell(0, NAME) == "Left thigh"
    assert "needs a name" in person.status


def test_type_and_colour_of_the_selected_lesion(person: Person, case: Any) -> None:
    import qt

    person.choose(case.volume)
    lesion = person.take(case.roi)
    index = person.ui.typeComboBox.findData("metastasis")
    person.ui.typeComboBox.currentIndex = index
    person.ui.typeComboBox.activated.emit(index)
    person.ui.colorButton.color = qt.QColor(10, 20, 200)
    person.wait()
    assert person.cell(0, KIND) == "Neoplasm, Secondary"
    lesion = person.session.lesions.lesion(lesion.id)
    assert "14799000" in lesion.terminology
    assert np.allclose(lesion.color, (10 / 255, 20 / 255, 200 / 255), atol=2e-3)


def test_duplicate_and_delete(person: Person, case: Any) -> None:
    person.choose(case.volume)
    person.take(case.roi)
    person.ui.duplicateButton.click()
    person.wait()
    assert person.ui.lesionTable.rowCount == 2
    assert person.panel.context.selected.roi is not case.roi
    person.ui.deleteButton.click()
    person.wait()
    assert [x.roi for x in person.lesions()] == [case.roi]


def test_first_and_last_slice_come_from_the_view_and_fit_takes_what_it_shows(
    person: Person, case: Any
) -> None:
    from MASAMSlicerLib.scene import prompts, views

    person.choose(case.volume)
    person.take(case.roi)
    person.panel.context.parameters.liveUpdate = False
    red = views.acrossSlices(case.volume)
    assert red.GetLayoutName() == "Red"
    matrix = red.GetSliceToRAS()
    geometry = prompts.geometryOf(case.volume)
    lps = geometry.lps_from_ijk([[50, 50, 10]])[0]
    red.JumpSliceByCentering(-lps[0], -lps[1], lps[2])
    person.ui.lowerEndButton.click()
    low, _ = prompts.alignedBounds(case.roi, case.volume)
    assert low[2] == pytest.approx(9.5)
    lps = geometry.lps_from_ijk([[50, 50, 13]])[0]
    red.JumpSliceByCentering(-lps[0], -lps[1], lps[2])
    person.ui.upperEndButton.click()
    low, high = prompts.alignedBounds(case.roi, case.volume)
    assert (low[2], high[2]) == pytest.approx((9.5, 13.5))
    assert matrix is not None
    person.ui.fitButton.click()
    low, high = prompts.alignedBounds(case.roi, case.volume)
    assert (low >= -0.5 - 1e-6).all()
    assert (high <= np.array(geometry.size_ijk) - 0.5 + 1e-6).all()
    assert (high - low > 10).all()


def test_a_box_off_the_volume_is_told_at_once(person: Person, case: Any) -> None:
    person.choose(case.volume)
    person.take(case.roi)
    assert not person.ui.promptWarningLabel.visible or person.ui.promptWarningLabel.text == ""
    case.roi.SetCenter(4000.0, 0.0, 0.0)
    person.wait()
    assert "outside the volume" in person.ui.promptWarningLabel.text


def test_settings_go_into_the_scene_and_those_of_the_machine_do_not(person: Person) -> None:
    import qt

    node = person.panel.context.parameters.parameterNode
    person.ui.thresholdCheckBox.click()
    person.ui.thresholdSlider.value = 0.3
    person.ui.marginSpinBox.value = 2.5
    index = person.ui.qualityComboBox.findData("best")
    person.ui.qualityComboBox.activated.emit(index)
    person.ui.workerEdit.text = "ssh gpu python -m masam_core.worker"
    person.ui.workerEdit.editingFinished.emit()
    person.ui.cacheSpinBox.value = 512
    person.ui.cacheSpinBox.editingFinished.emit()
    options = person.panel.context.options()
    assert (options.threshold, options.margin_mm, options.quality) == (0.3, 2.5, "best")
    assert node.GetParameter("quality") == "best"
    assert person.panel.context.choice().cache_bytes == 512 << 20
    saved = node.GetParameterNamesAsCommaSeparatedList().split(",")
    assert not {"workerCommand", "cacheMB", "device"} & set(saved)
    assert qt.QSettings().value("MASAM/workerCommand").startswith("ssh gpu")


def test_a_worker_command_that_can_not_be_started_is_told(person: Person, case: Any) -> None:
    person.choose(case.volume)
    person.take(case.roi)
    person.ui.workerEdit.text = "no-such-program-here --worker"
    person.ui.workerEdit.editingFinished.emit()
    person.wait()
    person.segment()
    assert "could not be started" in person.status
    assert person.cell(0, STATE) == "new"


def test_what_is_missing_is_told_and_installed_on_one_click(
    person: Person, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import slicer
    from MASAMSlicerLib import workerprocess

    asked: list[Any] = []
    here = ["torch", "SimpleITK"]
    monkeypatch.setattr(workerprocess, "missing", lambda names: [n for n in names if n not in here])
    monkeypatch.setattr(slicer.util, "pip_install", asked.append, raising=False)
    install = person.panel.install
    install.check()
    person.wait()
    assert "msgpack" in person.ui.installLabel.text
    assert "GB" not in person.ui.installLabel.text
    assert "Install" in person.ui.segmentButton.toolTip or not person.ui.segmentButton.enabled
    assert not person.ui.segmentButton.enabled
    person.ui.installButton.click()
    assert asked == [list(workerprocess.FROM_PIP.values())]
    # Without a network.
    monkeypatch.setattr(person.panel.context, "askForFolder", lambda *_: str(tmp_path))
    person.ui.installFolderButton.click()
    assert "no .whl file" in person.status
    (tmp_path / "x.whl").write_bytes(b"")
    assert person.ui.installNvidiaButton.isHidden()
    here.remove("torch")
    install.check()
    assert "GB" in person.ui.installLabel.text
    assert not person.ui.installNvidiaButton.isHidden()
    assert "Quick: processor and Intel graphics" in person.ui.installLabel.text
    assert person.ui.installButton.text == "Quick"
    person.ui.installButton.click()
    quick = list(workerprocess.QUICK.values())
    assert asked[-1] == [*quick, *workerprocess.FROM_PIP.values()]
    person.ui.installFolderButton.click()
    assert asked[-1][:4] == ["--no-index", "--find-links", str(tmp_path), *quick]
    (tmp_path / "torch-2.9.0-cp312-none-win_amd64.whl").write_bytes(b"")
    person.ui.installFolderButton.click()
    assert asked[-1][3] == "torch"
    here += [*workerprocess.QUICK, *workerprocess.FROM_PIP]
    install.check()
    assert install.problem == ""
    assert not person.ui.installFrame.visible


def test_a_slicer_without_extensions_manager_says_what_to_do(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was built so, or the PyTorch extension is not in reach."""
    import slicer
    from MASAMSlicerLib import workerprocess

    absent = ("torch", "openvino")
    monkeypatch.setattr(workerprocess, "missing", lambda names: [n for n in names if n in absent])
    asked: list[Any] = []
    monkeypatch.setattr(slicer.util, "pip_install", asked.append, raising=False)
    assert not hasattr(slicer.app, "extensionsManagerModel")
    person.panel.install.check()
    person.ui.installNvidiaButton.click()
    person.wait()
    assert "without the extensions manager" in person.status
    assert "PythonSlicer -m pip install torch." in person.status
    assert asked == []
    # One that has it is asked once, and a download that fails is told.
    model = SimpleNamespace(installExtensionFromServer=lambda name: asked.append(name))
    monkeypatch.setattr(slicer.app, "extensionsManagerModel", lambda: model, raising=False)
    person.ui.installNvidiaButton.click()
    person.wait()
    assert asked == ["PyTorch"]
    assert "could not be installed" in person.status


def test_models_and_devices_are_those_of_the_worker(person: Person) -> None:
    person.panel.inputs.askWorker()
    inputs = person.panel.inputs
    person.wait(lambda: bool(inputs.devices) and len(inputs.models) > 1)
    person.wait()
    texts = [person.ui.modelComboBox.itemText(n) for n in range(person.ui.modelComboBox.count)]
    assert texts[0] == "bundled"
    assert "sam-vit-b (not here)" in texts
    assert "processor" in person.ui.deviceLabel.text or "Computing on" in person.ui.deviceLabel.text
    index = person.ui.modelComboBox.findData("sam-vit-b")
    person.ui.modelComboBox.activated.emit(index)
    person.wait()
    assert person.panel.context.parameters.model == "sam-vit-b"
    assert not person.panel.inputs.modelIsHere()
    assert person.ui.modelDownloadButton.enabled
    assert "Not here yet" in person.ui.modelLabel.text


def test_a_model_file_of_ones_own(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(person.panel.context, "askForFile", lambda *_: "/data/my.safetensors")
    last = person.ui.modelComboBox.count - 1
    person.ui.modelComboBox.activated.emit(last)
    assert person.panel.context.choice().model == "/data/my.safetensors"
    assert "/data/my.safetensors" in person.ui.modelLabel.text
    monkeypatch.setattr(person.panel.context, "askForFile", lambda *_: "")
    person.ui.modelComboBox.activated.emit(person.ui.modelComboBox.count - 1)
    assert person.panel.context.choice().model == "/data/my.safetensors"


def test_the_editor_points_at_the_selected_segment_only_while_it_is_open(
    person: Person, case: Any
) -> None:
    import slicer
    from MASAMSlicerLib.scene.segments import Look, newSegmentation, writeSegment

    person.choose(case.volume)
    lesion = person.take(case.roi)
    node = newSegmentation(case.volume, "result")
    identity = writeSegment(
        node,
        None,
        case.volume,
        np.ones((2, 2, 2), bool),
        (1, 1, 1),
        Look("x", (1, 0, 0)),
        {"MASAM.Lesion": lesion.id},
    )
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLSegmentEditorNode") == 0
    person.ui.editorCollapsibleButton.collapsed = False
    person.wait()
    editor = person.ui.segmentEditorWidget
    assert editor.segmentationNode() is node
    assert editor.currentSegmentID() == identity
    state = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLSegmentEditorNode")
    assert state.GetOverwriteMode() == state.OverwriteNone


def test_another_volume_never_gets_the_segmentation_of_this_one(person: Person, case: Any) -> None:
    import slicer
    from MASAMSlicerLib.scene.segments import newSegmentation

    person.choose(case.volume)
    own = newSegmentation(case.volume, "own")
    person.ui.segmentationSelector.setCurrentNode(own)
    other = slicer.modules.volumes.logic().CloneVolume(slicer.mrmlScene, case.volume, "other")
    person.wait()
    assert person.panel.context.parameters.segmentation is own
    person.choose(other)
    assert person.panel.context.parameters.segmentation is None
    assert person.ui.segmentationSelector.currentNode() is None
    free = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "free")
    person.ui.segmentationSelector.setCurrentNode(free)
    person.choose(case.volume)
    assert person.panel.context.parameters.segmentation is free


def test_no_window_has_popped_up(person: Person, case: Any) -> None:
    person.choose(case.volume)
    person.take(case.roi)
    assert person.harness.messages == []
    assert "torch" not in vars(sys.modules["MASAMSlicer"])
