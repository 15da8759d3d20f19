"""A kind of prompt file is one file and one line."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from masam_core.batch.cases import find_cases
from masam_core.batch.work import records_of_case
from masam_core.errors import BoxError
from masam_core.image.geometry import Geometry
from masam_core.image.volume import Volume
from masam_core.prompts.boxes import BoxPrompt
from masam_core.prompts.given import all_boxes
from masam_core.prompts.per import Per
from masam_core.prompts.readers import registry
from masam_core.prompts.readers.reader import PromptReader
from masam_core.prompts.readers.registry import read_boxes

GRID = Geometry.from_spacing((6, 7, 8), (1.0, 1.0, 2.0))


def _read(path: Path, geometry: Geometry, _per: Per) -> list[BoxPrompt]:
    """A made-up kind: six voxel indices a line."""
    with path.open(newline="") as file:
        return [BoxPrompt.from_voxels(*map(int, row)) for row in csv.reader(file)]


VOXELS = PromptReader((".voxels.csv",), "a list of voxels", _read)


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "READERS", [*registry.READERS, VOXELS])


@pytest.mark.usefixtures("known")
def test_a_made_up_kind_is_read_wherever_boxes_are(tmp_path: Path) -> None:
    image = sitk.GetImageFromArray(np.zeros((6, 7, 8), np.int16))
    sitk.WriteImage(image, str(tmp_path / "a.nii.gz"))
    path = tmp_path / "a_left.voxels.csv"
    path.write_text("1,3,2,4,0,5\n0,1,0,1,0,1\n")
    first = read_boxes(path, GRID)[0]
    assert first.corners_ijk.min(axis=0).tolist() == [0.5, 1.5, -0.5]
    assert len(all_boxes(path, GRID)) == 2
    (case,), notes = find_cases(tmp_path)
    assert (case.name, case.boxes, notes) == ("a", (path,), [])
    volume = Volume(np.zeros((6, 7, 8), np.int16), GRID)
    assert [each.name for each in records_of_case(case, volume, Per.COMPONENT)] == [
        "lesion 1",
        "lesion 2",
    ]
    listed = tmp_path / "list.csv"
    listed.write_text("image,boxes\na.nii.gz,a_left.voxels.csv\n")
    assert find_cases(listed)[0] == [case]


def test_without_its_line_it_is_not_known(tmp_path: Path) -> None:
    path = tmp_path / "a.voxels.csv"
    path.write_text("1,3,2,4,0,5\n")
    expected = r"\.mrk\.json, \.json \(a Slicer Markups file: .*\), \.nii\.gz, .* \(a label image\)"
    with pytest.raises(BoxError, match=rf"'a\.voxels\.csv' is no file of prompts .*{expected}"):
        read_boxes(path, GRID)


def test_a_label_image_gives_a_box_a_piece_or_a_value(tmp_path: Path) -> None:
    labels = np.zeros((6, 7, 8), np.uint8)
    labels[0, 0, 0] = labels[5, 6, 7] = 3
    image = sitk.GetImageFromArray(labels)
    image.SetSpacing((1.0, 1.0, 2.0))
    for name in ("l.nii.gz", "l.seg.nrrd", "l.mha"):
        path = tmp_path / name
        sitk.WriteImage(image, str(path))
        assert len(read_boxes(path, GRID)) == 2
        (whole,) = read_boxes(path, GRID, Per.LABEL)
        assert whole.corners_ijk.max(axis=0).tolist() == [7.5, 6.5, 5.5]


def test_the_longest_ending_chooses(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = PromptReader((".json",), "boxes as JSON", _read)
    monkeypatch.setattr(registry, "READERS", [plain, *registry.READERS])
    assert registry.reader_of(Path("a.mrk.json")) is registry.SLICER_MARKUPS
    assert registry.reader_of(Path("a.json")) is plain


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.mrk.json"
    path.write_text(json.dumps({"markups": []}))
    with pytest.raises(BoxError, match=r"a\.mrk\.json"):
        read_boxes(path, GRID)


def test_an_empty_label_image_is_named(tmp_path: Path) -> None:
    path = tmp_path / "nothing.nii.gz"
    sitk.WriteImage(sitk.Image(7, 6, 5, sitk.sitkUInt8), str(path))
    with pytest.raises(BoxError, match=r"nothing\.nii\.gz: The label image is empty"):
        read_boxes(path, Geometry.from_spacing((5, 6, 7)))
