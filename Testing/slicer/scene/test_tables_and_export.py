"""Measurements as a table, segmentations as files."""

from __future__ import annotations

import math
import os
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from masam_core.errors import SegmentationError
from masam_core.export.measurements import measurement_rows
from masam_core.image.volume import read_labels
from masam_core.lesion.lesion import Lesion
from masam_core.prompts.boxes import BoxPrompt
from Testing.slicer.scene.conftest import Scene, block

A, B = block((1, 6), (1, 6), (1, 6)), block((4, 9), (4, 9), (4, 9))


def test_numbers_are_numbers_and_nothing_is_no_zero(make: Scene) -> None:
    from MASAMSlicerLib.scene.tables import updateTable

    rows = [
        {"lesion": "Ä", "volume_ml": 1.25, "longest_diameter_mm": None, "messages": None},
        {"lesion": "b", "volume_ml": 3, "longest_diameter_mm": 4.5, "messages": "x"},
    ]
    node = updateTable(make.scene, "Table", rows)
    table = node.GetTable()
    assert [table.GetColumnName(n) for n in range(4)] == list(rows[0])
    assert table.GetValueByName(0, "lesion").ToString() == "Ä"
    assert table.GetValueByName(0, "volume_ml").ToDouble() == 1.25
    assert math.isnan(table.GetValueByName(0, "longest_diameter_mm").ToDouble())
    again = updateTable(make.scene, "Table", rows[:1], node)
    assert again is node
    assert node.GetTable().GetNumberOfRows() == 1


def test_a_ct_without_dicom_has_its_unit_here_as_in_the_file_of_the_command_line(
    make: Scene,
) -> None:
    """A NIfTI file says nothing of its modality; its values do."""
    from MASAMSlicerLib.report import rowsOf
    from MASAMSlicerLib.scene.provenance import Provenance
    from MASAMSlicerLib.scene.volumes import volumeFromNode

    array = np.full((12, 14, 16), 40, dtype=np.int16)
    array[:, :3] = -1000
    for node, unit in ((make.volume(array), "HU"), (make.volume(), None)):
        made = Provenance("a", np.zeros((8, 3)))
        lesion: Any = SimpleNamespace(volume=node, provenance=made, status="done", name="Lesion")
        (row,) = rowsOf([lesion])
        image = volumeFromNode(node)
        mask = np.zeros(image.geometry.shape, bool)
        (expected,) = measurement_rows(
            [Lesion.from_mask(mask, image, BoxPrompt.from_voxels(0, 1, 0, 1, 0, 1))], image
        )
        assert row["intensity_unit"] == expected["intensity_unit"] == unit


def test_a_label_image_lies_on_the_volumes_grid(make: Scene, tmp_path: Path) -> None:
    from MASAMSlicerLib.scene.export import saveSegmentation
    from MASAMSlicerLib.scene.volumes import geometryOf

    volume = make.volume()
    node = make.segmentation(volume, A, B)
    notes = saveSegmentation(node, volume, tmp_path / "out.nii.gz")
    labels, geometry = read_labels(tmp_path / "out.nii.gz")
    assert np.array_equal(labels, np.where(A, 1, np.where(B, 2, 0)))
    assert geometry.same_grid(geometryOf(volume), 1e-3)
    assert f"{(A & B).sum()} voxels" in notes[0]


def test_a_slicer_file_keeps_overlap_and_the_scene_its_own(make: Scene, tmp_path: Path) -> None:
    import slicer
    from MASAMSlicerLib.scene.export import saveSegmentation

    volume = make.volume()
    node = make.segmentation(volume, A, B)
    nodes = make.scene.GetNumberOfNodes()
    path = tmp_path / "out.seg.nrrd"
    assert saveSegmentation(node, volume, path) == []
    assert node.GetStorageNode() is None
    assert make.scene.GetNumberOfNodes() == nodes
    private = slicer.vtkMRMLScene()
    back, storage = slicer.vtkMRMLSegmentationNode(), slicer.vtkMRMLSegmentationStorageNode()
    private.AddNode(back)
    private.AddNode(storage)
    storage.SetFileName(str(path))
    assert storage.ReadData(back)
    for number, mask in enumerate((A, B)):
        array = slicer.util.arrayFromSegmentBinaryLabelmap(back, f"s{number}", volume)
        assert np.array_equal(array > 0, mask)


def test_what_can_not_be_saved_is_told_and_the_old_file_stays(make: Scene, tmp_path: Path) -> None:
    from MASAMSlicerLib.scene.export import saveSegmentation

    volume = make.volume()
    path = tmp_path / "out.nii.gz"
    sitk.WriteImage(sitk.Image(2, 2, 2, sitk.sitkUInt8), str(path))
    before = path.read_bytes()
    with pytest.raises(SegmentationError, match="no segment yet"):
        saveSegmentation(make.segmentation(volume), volume, path)
    node = make.segmentation(volume, A)
    with pytest.raises(SegmentationError, match=r"\.seg\.nrrd or \.nii\.gz"):
        saveSegmentation(node, volume, tmp_path / "out.png")
    with pytest.raises(SegmentationError, match="was not written"):
        saveSegmentation(node, volume, tmp_path / "gone" / "out.nii.gz")
    assert path.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out.nii.gz"]


@pytest.mark.parametrize(
    ("ending", "writer"), [(".seg.nrrd", "_writeSlicer"), (".nii.gz", "_writeLabels")]
)
def test_a_file_that_slicer_cut_off_without_a_word_is_found_and_the_old_one_stays(
    make: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str, writer: str
) -> None:
    from MASAMSlicerLib.scene import export

    volume = make.volume()
    node = make.segmentation(volume, A, B)
    path = tmp_path / f"out{ending}"
    path.write_text("old")
    write = getattr(export, writer)

    def short(*given: Any) -> Any:
        notes = write(*given)
        os.truncate(given[-1], given[-1].stat().st_size - 9)
        return notes

    monkeypatch.setattr(export, writer, short)
    with pytest.raises(SegmentationError, match=rf"out{ending}' was not written"):
        export.saveSegmentation(node, volume, path)
    assert path.read_text() == "old"
    assert [found.name for found in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("how", ["no", "half", "empty"])
def test_a_scene_that_was_not_written_whole_leaves_the_old_one(
    make: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    from MASAMSlicerLib.scene.scenefile import saveScene

    path = tmp_path / "work.mrb"
    path.write_text("old")

    def write(target: str) -> bool:
        with zipfile.ZipFile(target, "w") as packed:
            packed.writestr("work/work.mrml", "<MRML></MRML>" * 99)
        if how != "no":
            os.truncate(target, Path(target).stat().st_size // 2 if how == "half" else 0)
        return how != "no"

    scene = SimpleNamespace(
        WriteToMRB=write,
        GetURL=lambda: "",
        GetRootDirectory=lambda: "",
        SetURL=lambda _: None,
        SetRootDirectory=lambda _: None,
    )
    with pytest.raises(SegmentationError, match=r"work\.mrb' was not written"):
        saveScene(scene, path)
    assert path.read_text() == "old"
    assert [found.name for found in tmp_path.iterdir()] == ["work.mrb"]
