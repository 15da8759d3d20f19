"""DICOM series in, DICOM objects out, by the words typed."""

from __future__ import annotations

import json
from pathlib import Path

import pydicom

from Testing.core.cli.conftest import Masam
from Testing.core.cli.test_segment import whole
from Testing.core.export.dicom.making import SECRETS, faults, patient_series

BOX = ("--box", 2, 6, 3, 8, 2, 5)


def text_of(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "replace")


def test_a_series_becomes_a_segmentation_of_its_patient(
    masam: Masam, tiny_model: Path, tmp_path: Path
) -> None:
    scan, target = patient_series(tmp_path / "scan"), tmp_path / "lesion.seg.dcm"
    result = masam("segment", scan, "-o", target, *BOX, *whole(tiny_model))
    assert result.exit_code == 0, result.output
    made = pydicom.dcmread(target)
    assert (made.PatientID, made.StudyInstanceUID) == ("MRN-4711", "1.2.3.99")
    assert made.pixel_array.sum() == 5 * 6 * 4
    assert not any(secret in result.output for secret in SECRETS)
    assert faults(target) == []


def test_what_can_not_be_written_is_told_before_the_work(
    masam: Masam, image: Path, tmp_path: Path
) -> None:
    words = ("segment", image, "-o", tmp_path / "a.seg.dcm", *BOX, "--model", "no such model")
    result = masam(*words)
    assert result.exit_code == 1
    assert "no DICOM series" in result.stderr
    assert list(tmp_path.glob("*.dcm")) == []


def test_anonymous_results_hold_nothing_of_the_patient(
    masam: Masam, tiny_model: Path, tmp_path: Path
) -> None:
    scan = patient_series(tmp_path / "MRN-4711 Илья", SeriesDescription="Илья")
    targets = [tmp_path / f"out{ending}" for ending in (".seg.dcm", ".seg.nrrd")]
    written = [word for target in targets for word in ("-o", target)]
    further = ("--measurements", tmp_path / "out.csv", "--anonymous", "--json")
    result = masam("segment", scan, *written, *BOX, *further, *whole(tiny_model))
    assert result.exit_code == 0, result.output
    for path in (*targets, tmp_path / "out.csv"):
        assert not any(secret in text_of(path) for secret in SECRETS), path
    made = pydicom.dcmread(targets[0])
    assert made.PatientIdentityRemoved == "YES"
    assert made.PatientID.startswith("ANON")
    (referenced,) = made.ReferencedSeriesSequence
    sources = {pydicom.dcmread(path).SOPInstanceUID for path in scan.iterdir()}
    named = {i.ReferencedSOPInstanceUID for i in referenced.ReferencedInstanceSequence}
    assert len(named) == len(sources)
    assert not named & sources
    assert json.loads(result.stdout)["lesions"][0]["name"] == "Lesion 1"
    assert faults(targets[0]) == []
    again = masam("segment", scan, "-o", tmp_path / "b.seg.dcm", *BOX, *further, *whole(tiny_model))
    assert again.exit_code == 0, again.output
    other = pydicom.dcmread(tmp_path / "b.seg.dcm")
    assert other.StudyInstanceUID == made.StudyInstanceUID
