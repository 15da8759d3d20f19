"""The batch section, with real processes."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path
from typing import Any

import pytest

from Testing.slicer.panel.conftest import Person


def rows(person: Person) -> dict[str, str]:
    table = person.ui.batchTable
    return {table.item(r, 0).text(): table.item(r, 1).text() for r in range(table.rowCount)}


@pytest.mark.usefixtures("kept_worker")
def test_three_volumes_of_which_one_is_broken(person: Person, case: Any, tmp_path: Path) -> None:
    import slicer
    from MASAMSlicerLib.selftest import makeColour

    person.panel.context.parameters.quality = "fast"
    case.volume.SetName("first")
    case.roi.SetName("first tumour")
    for name in ("second", "third"):
        volume = slicer.modules.volumes.logic().CloneVolume(slicer.mrmlScene, case.volume, name)
        assert volume is not None
    makeColourNode = slicer.mrmlScene.GetFirstNodeByName("second")
    makeColour(makeColourNode)
    for name in ("second", "third"):
        roi = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsROINode", f"{name} box")
        roi.SetAndObserveObjectToNodeMatrix(case.roi.GetObjectToNodeMatrix())
        roi.SetSize(*case.roi.GetSize())
    person.wait()
    assert person.ui.batchVolumeList.count == 3
    person.ui.batchLogFolder.currentPath = str(tmp_path)
    # Cancelled in the first case, it goes on when started again.
    person.ui.batchVolumesButton.click()
    assert person.ui.batchVolumesButton.text == "Cancel"
    person.ui.batchVolumesButton.click()
    person.wait(lambda: not person.panel.batch.busy)
    person.wait()
    assert "3 not run" in person.ui.batchStatusLabel.text
    person.ui.batchVolumesButton.click()
    person.wait(lambda: not person.panel.batch.busy)
    person.wait()
    assert rows(person) == {"first": "done", "second": "failed", "third": "done"}
    assert "2 done, 1 failed" in person.ui.batchStatusLabel.text
    done = [x for x in person.lesions() if x.segment is not None]
    assert [x.volume.GetName() for x in done] == ["first", "third"]
    assert len({x.segmentation.GetID() for x in done}) == 2
    table = slicer.mrmlScene.GetFirstNodeByName("Batch")
    assert table.GetTable().GetNumberOfRows() == 2
    with (tmp_path / "measurements.csv").open(encoding="utf-8-sig") as file:
        assert [r["status"] for r in csv.DictReader(file)] == ["done", "failed", "done"]
    assert "Cancelled" in (tmp_path / "logs" / "first.log").read_text()
    assert "Failed" in (tmp_path / "logs" / "second.log").read_text()


@pytest.mark.usefixtures("kept_worker")
def test_boxes_from_the_segments_of_a_segmentation(person: Person, case: Any) -> None:
    import numpy as np
    import slicer

    person.panel.context.parameters.quality = "fast"
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "expert")
    node.SetReferenceImageGeometryParameterFromVolumeNode(case.volume)
    identity = node.GetSegmentation().AddEmptySegment("gtv", "GTV")
    slicer.util.updateSegmentBinaryLabelmapFromArray(
        case.expert.astype(np.uint8), node, identity, case.volume
    )
    person.wait()
    index = person.ui.batchBoxesComboBox.findData("segments")
    person.ui.batchBoxesComboBox.currentIndex = index
    person.ui.batchBoxesComboBox.activated.emit(index)
    person.wait()
    person.ui.batchVolumesButton.click()
    assert "Choose the segmentation" in person.ui.batchStatusLabel.text
    person.ui.batchSegmentationSelector.setCurrentNode(node)
    person.ui.batchVolumesButton.click()
    person.wait(lambda: not person.panel.batch.busy)
    (lesion,) = [x for x in person.lesions() if x.segment is not None]
    assert lesion.name == "Sarcoma MR GTV"
    assert lesion.segmentation is not node
    array = slicer.util.arrayFromSegmentBinaryLabelmap(node, identity, case.volume)
    assert np.array_equal(array > 0, case.expert)


def test_a_folder_is_run_by_the_queue_of_the_command_line(
    person: Person, sarcoma: Path, tmp_path: Path
) -> None:
    person.panel.context.parameters.quality = "fast"
    images, out = tmp_path / "images", tmp_path / "out"
    images.mkdir()
    for name, end in (("good", None), ("bad", 2000)):
        content = (sarcoma / "image.nii.gz").read_bytes()
        (images / f"{name}.nii.gz").write_bytes(content[:end])
        shutil.copy(sarcoma / "box.mrk.json", images / f"{name}.mrk.json")
    person.ui.batchFolderButton.click()
    assert "Choose the folder of images" in person.ui.batchStatusLabel.text
    person.ui.batchInput.currentPath = str(images)
    person.ui.batchOutput.currentPath = str(out)
    person.ui.batchFolderButton.click()
    assert person.panel.batch.busy
    person.wait(lambda: not person.panel.batch.busy)
    person.wait()
    assert rows(person) == {"bad": "failed", "good": "done"}
    assert "1 done, 1 failed" in person.ui.batchStatusLabel.text
    assert (out / "good.seg.nrrd").is_file()
    assert (out / "measurements.csv").is_file()
    # Again: nothing is left to do, and it says so at once.
    person.ui.batchFolderButton.click()
    person.wait(lambda: not person.panel.batch.busy)
    assert "1 done, 1 failed" in person.ui.batchStatusLabel.text
