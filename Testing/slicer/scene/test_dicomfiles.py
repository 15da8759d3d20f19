"""Segmentations of the scene as DICOM files; Slicer's database is a table here."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pydicom
import pytest

from masam_core.errors import SegmentationError
from masam_core.image.geometry import LPS_TO_RAS
from masam_core.image.volume import Volume, read_volume
from masam_core.prompts.dicom.regions import read_regions
from Testing.core.export.dicom.making import faults, patient_series, two_masks
from Testing.core.image.formats.dicom import tilted
from Testing.slicer.scene.conftest import Scene


@pytest.fixture
def scan(tmp_path: Path) -> Volume:
    return read_volume(patient_series(tmp_path / "scan"))


def load(make: Scene, scan: Volume, backwards: bool = False) -> Any:
    """The series as a volume node; ``backwards`` stores its slices the other way round."""
    array, matrix = scan.array, LPS_TO_RAS @ scan.geometry.ijk_to_lps
    if backwards:
        last = [0, 0, len(array) - 1, 1]
        array, matrix = array[::-1], matrix @ np.diag([1.0, 1.0, -1.0, 1.0])
        matrix[:, 3] = LPS_TO_RAS @ scan.geometry.ijk_to_lps @ last
    return make.volume(np.ascontiguousarray(array), matrix)


@pytest.fixture
def database(scan: Volume, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Instance to file, as Slicer's database knows it."""
    import slicer

    files = {str(pydicom.dcmread(p).SOPInstanceUID): str(p) for p in scan.source.iterdir()}
    known = SimpleNamespace(fileForInstance=lambda uid: files.get(uid, ""))
    monkeypatch.setattr(slicer, "dicomDatabase", known, raising=False)
    return files


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("name", ["a.seg.dcm", "a.rt.dcm"])
def test_segments_become_a_dicom_file_of_the_volumes_study(
    make: Scene,
    scan: Volume,
    database: dict[str, str],
    tmp_path: Path,
    name: str,
    backwards: bool,
) -> None:
    from MASAMSlicerLib.scene.export import saveSegmentation

    masks = two_masks(scan.array.shape)
    node = load(make, scan, backwards)
    node.SetAttribute("DICOM.instanceUIDs", " ".join(database))
    drawn = [mask[::-1] if backwards else mask for mask in masks]
    segmentation = make.segmentation(node, *drawn)
    assert saveSegmentation(segmentation, node, tmp_path / name) == []
    assert faults(tmp_path / name) == []
    assert pydicom.dcmread(tmp_path / name).PatientID == "MRN-4711"
    regions = read_regions(tmp_path / name, scan.geometry)
    assert [region.name for region in regions] == ["s0", "s1"]
    for region, mask in zip(regions, masks, strict=True):
        assert np.array_equal(region.mask(), mask)


def test_a_report_measures_the_masks(
    make: Scene, scan: Volume, database: dict[str, str], tmp_path: Path
) -> None:
    import highdicom as hd
    from MASAMSlicerLib.scene.dicomfiles import sameGridAs, saveDicom

    (mask, _) = two_masks(scan.array.shape)
    node = load(make, scan)
    segmentation = make.segmentation(node, mask)
    # As the workbench does, which keeps what its reader said of the images.
    source = sameGridAs(node, scan.geometry.images)
    saveDicom(segmentation, node, tmp_path / "a.seg.dcm", source)
    beside = (tmp_path / "a.seg.dcm",)
    assert saveDicom(segmentation, node, tmp_path / "a.sr.dcm", source, beside) == []
    assert faults(tmp_path / "a.sr.dcm") == []
    (group,) = hd.sr.srread(tmp_path / "a.sr.dcm").content.get_volumetric_roi_measurement_groups()
    volume = next(m for m in group.get_measurements() if m.name.meaning == "Volume")
    assert volume.value == pytest.approx(mask.sum() * 0.75 * 1.5 * 3 / 1000, abs=1e-3)


def test_a_volume_without_its_images_is_told(
    make: Scene, scan: Volume, database: dict[str, str], tmp_path: Path
) -> None:
    from MASAMSlicerLib.scene.export import saveSegmentation

    node = load(make, scan)
    segmentation = make.segmentation(node, two_masks(scan.array.shape)[0])
    with pytest.raises(SegmentationError, match="not loaded from Slicer's DICOM database"):
        saveSegmentation(segmentation, node, tmp_path / "a.seg.dcm")
    node.SetAttribute("DICOM.instanceUIDs", " ".join([*database, "1.2.gone"]))
    with pytest.raises(SegmentationError, match="1 of the 9 DICOM files"):
        saveSegmentation(segmentation, node, tmp_path / "a.seg.dcm")
    other = make.volume()
    other.SetAttribute("DICOM.instanceUIDs", " ".join(database))
    with pytest.raises(SegmentationError, match="other voxels"):
        saveSegmentation(
            make.segmentation(other, np.ones((12, 14, 16), bool)), other, tmp_path / "a.seg.dcm"
        )
    assert not (tmp_path / "a.seg.dcm").exists()


def test_a_tilted_series_that_slicer_has_stacked_is_refused_and_ours_is_put_back(
    make: Scene, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Slicer stacks such slices straight, under a transform; the workbench's reader shifts them."""
    import slicer
    from MASAMSlicerLib.scene.dicomfiles import sameGridAs, saveDicom

    folder = tilted.write(tmp_path / "head")
    scan = read_volume(folder)
    files = {str(pydicom.dcmread(p).SOPInstanceUID): str(p) for p in folder.iterdir()}
    known = SimpleNamespace(fileForInstance=lambda uid: files.get(uid, ""))
    monkeypatch.setattr(slicer, "dicomDatabase", known, raising=False)
    node = load(make, scan)
    node.SetAttribute("DICOM.instanceUIDs", " ".join(files))
    mask = scan.array > 80
    segmentation = make.segmentation(node, mask)
    path = tmp_path / "a.seg.dcm"
    with pytest.raises(SegmentationError, match=r"gantry tilt of 18\.0 degrees"):
        saveDicom(segmentation, node, path)
    assert not path.exists()
    saveDicom(segmentation, node, path, sameGridAs(node, scan.geometry.images))
    (region,) = read_regions(path, scan.geometry)
    assert np.array_equal(region.mask(), mask)
    assert (pydicom.dcmread(path).Rows, pydicom.dcmread(path).Columns) == tilted.SHAPE[1:]
