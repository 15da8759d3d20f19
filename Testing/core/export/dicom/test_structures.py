"""DICOM RTSTRUCT: checked by the validator, and filled again by another library."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from matplotlib.path import Path as Outline

from masam_core.errors import SegmentationError
from masam_core.export.segmentation import write_files, write_lesions
from masam_core.image.volume import Volume
from Testing.core.export.dicom.making import PATIENT, faults, lesion_of, read, two_masks


def rasterised(path: Path, volume: Volume, number: int) -> np.ndarray:
    """A structure on the image's voxels: matplotlib tells which centres lie inside."""
    dataset = pydicom.dcmread(path)
    found = np.zeros(volume.array.shape, bool)
    (item,) = (i for i in dataset.ROIContourSequence if i.ReferencedROINumber == number)
    _, rows, columns = found.shape
    centres = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), -1).reshape(-1, 2)
    for contour in item.ContourSequence:
        points = np.array(contour.ContourData, float).reshape(-1, 3)
        ijk = volume.geometry.ijk_from_lps(points)
        (k,) = set(np.round(ijk[:, 2], 3))
        # The image that the contour names is the slice that it lies on.
        (source,) = contour.ContourImageSequence
        assert volume.geometry.images.number_of(source.ReferencedSOPInstanceUID) == k
        inside = Outline(np.vstack([ijk[:, :2], ijk[:1, :2]])).contains_points(centres)
        found[int(k)] |= inside.reshape(rows, columns)
    return found


def test_each_lesion_is_a_structure_voxel_for_voxel(tmp_path: Path) -> None:
    volume = read(tmp_path / "s")
    masks = two_masks(volume.array.shape)
    lesions = [lesion_of(m, volume, f"Liver {n}") for n, m in enumerate(masks, 1)]
    path = tmp_path / "out.rt.dcm"
    assert write_lesions(path, lesions, volume) == ()
    assert faults(path) == []
    for number, mask in enumerate(masks, 1):
        assert np.array_equal(rasterised(path, volume, number), mask)
    made = pydicom.dcmread(path)
    assert [item.ROIName for item in made.StructureSetROISequence] == ["Liver 1", "Liver 2"]
    assert (made.PatientID, str(made.PatientName)) == (PATIENT["PatientID"], "Муромец^Илья")
    assert made.StudyInstanceUID == "1.2.3.99"
    (code,) = made.RTROIObservationsSequence[0].RTROIIdentificationCodeSequence
    assert (code.CodingSchemeDesignator, code.CodeValue) == ("SCT", "4147007")
    (frame,) = made.ReferencedFrameOfReferenceSequence
    (series,) = frame.RTReferencedStudySequence[0].RTReferencedSeriesSequence
    assert series.SeriesInstanceUID == "1.2.3.4"
    assert len(series.ContourImageSequence) == len(volume.array)


def test_a_long_outline_is_written_whole(tmp_path: Path) -> None:
    """An explicit length would have room for 64 kB."""
    volume = read(tmp_path / "s", array=np.zeros((1, 80, 80), np.int16))
    mask = np.zeros(volume.array.shape, bool)
    mask[0, ::2, :] = mask[0, :, 0] = True  # a comb
    mask[0, 1::2, 1::4] = True
    write_lesions(tmp_path / "a.rt.dcm", [lesion_of(mask, volume)], volume)
    assert np.array_equal(rasterised(tmp_path / "a.rt.dcm", volume, 1), mask)
    (contour,) = pydicom.dcmread(tmp_path / "a.rt.dcm").ROIContourSequence[0].ContourSequence
    assert len("\\".join(map(str, contour.ContourData))) > 1 << 16


def test_nothing_of_the_patient_is_in_an_anonymous_one(tmp_path: Path) -> None:
    from masam_core.export.anonymous import without_patient
    from Testing.core.export.dicom.making import SECRETS

    volume = read(tmp_path / "s")
    lesions = [lesion_of(two_masks(volume.array.shape)[0], volume, "Илья, liver")]
    paths = [tmp_path / name for name in ("a.rt.dcm", "a.seg.dcm", "a.sr.dcm")]
    lesions, volume = without_patient(lesions, volume)
    write_files(paths, lesions, volume)
    made = [pydicom.dcmread(path) for path in paths]
    for path in paths:
        text = path.read_bytes().decode("utf-8", "replace")
        assert not any(secret in text for secret in SECRETS)
        assert faults(path) == []
    assert len({d.StudyInstanceUID for d in made}) == 1
    assert len({d.PatientID for d in made}) == 1
    year = pydicom.dcmread(paths[0]).StructureSetDate
    assert year == "19000101"


def test_a_structure_set_needs_a_dicom_series(tmp_path: Path, oblique_volume: Volume) -> None:
    lesion = lesion_of(np.ones(oblique_volume.array.shape, bool), oblique_volume)
    with pytest.raises(SegmentationError, match=r"'a\.rt\.dcm'.*DICOM series"):
        write_lesions(tmp_path / "a.rt.dcm", [lesion], oblique_volume)
