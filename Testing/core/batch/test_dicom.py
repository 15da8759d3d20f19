"""Batches of DICOM studies: reports beside slices in, DICOM objects out."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk

from masam_core.batch.cases import find_cases
from masam_core.batch.run import open_queue, run_batch
from masam_core.batch.spec import BatchSpec
from masam_core.errors import ConfigError
from masam_core.export.segmentation import write_files
from masam_core.image.volume import read_volume
from Testing.core.batch.test_run import Quick
from Testing.core.export.dicom.making import (
    SECRETS,
    faults,
    lesion_of,
    patient_series,
    two_masks,
)


def study(folder: Path, **tags: object) -> Path:
    """A series, and a segmentation and report of an earlier reading beside its slices."""
    patient_series(folder, **tags)
    volume = read_volume(folder)
    masks = two_masks(volume.array.shape)
    lesions = [lesion_of(m, volume, f"Liver {n}") for n, m in enumerate(masks, 1)]
    write_files([folder / "earlier.seg.dcm", folder / "earlier.sr.dcm"], lesions, volume)
    return folder


def run(source: Path, out: Path, **settings: object) -> dict[str, str]:
    spec = BatchSpec(source, out, **settings)  # type: ignore[arg-type]
    cases, _ = find_cases(source, out=out)
    queue = open_queue(cases, spec)
    run_batch(cases, queue, Quick(), spec, lambda *_: None, lambda *_: None, lambda: False)
    return {name: status + message for name, status, message in queue.table()}


def test_objects_beside_the_slices_are_prompts_and_results_are_dicom(tmp_path: Path) -> None:
    study(tmp_path / "in" / "p1" / "ct")
    study(tmp_path / "in" / "p2" / "ct", PatientID="other")
    settings = {"format": ".seg.dcm", "also": (".sr.dcm", ".rt.dcm")}
    found = run(tmp_path / "in", tmp_path / "out", **settings)
    assert [status[:4] for status in found.values()] == ["done", "done"]
    for name in found:
        for ending in (".seg.dcm", ".sr.dcm", ".rt.dcm"):
            path = tmp_path / "out" / f"{name}{ending}"
            assert faults(path) == []
        segments = pydicom.dcmread(tmp_path / "out" / f"{name}.seg.dcm")
        assert [s.SegmentLabel for s in segments.SegmentSequence] == ["Liver 1", "Liver 2"]
    patients = {pydicom.dcmread(tmp_path / "out" / f"{n}.seg.dcm").PatientID for n in found}
    assert patients == {"MRN-4711", "other"}
    texts = [p.read_text("utf-8", "replace") for p in (tmp_path / "out").rglob("*.log")]
    assert texts
    assert not any(secret in text for secret in SECRETS for text in texts)


def test_an_image_that_is_no_dicom_fails_in_words_and_stops_no_other(tmp_path: Path) -> None:
    study(tmp_path / "in" / "p1")
    other = tmp_path / "in" / "p2"
    other.mkdir()
    sitk.WriteImage(sitk.GetImageFromArray(np.zeros((5, 6, 7), np.int16)), str(other / "a.nii.gz"))
    label = np.zeros((5, 6, 7), np.uint8)
    label[2, 2:4, 2:4] = 1
    sitk.WriteImage(sitk.GetImageFromArray(label), str(other / "a_label.nii.gz"))
    found = run(tmp_path / "in", tmp_path / "out", format=".seg.dcm")
    assert found["p1"].startswith("done")
    assert found["p2"].startswith("failed")
    assert "no DICOM series" in found["p2"]


def test_anonymous_results_are_named_after_their_cases_alone(tmp_path: Path) -> None:
    study(tmp_path / "in" / "p1", SeriesDescription="Илья")
    found = run(
        tmp_path / "in", tmp_path / "out", format=".seg.dcm", also=(".seg.nrrd",), anonymous=True
    )
    assert found["p1"].startswith("done")
    for path in (p for p in (tmp_path / "out").rglob("*") if p.is_file()):
        text = path.read_bytes().decode("utf-8", "replace")
        assert not any(secret in text for secret in (*SECRETS, "Liver")), path
    with (tmp_path / "out" / "measurements.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["image"], row["lesion"]) for row in rows] == [
        ("p1", "Lesion 1"),
        ("p1", "Lesion 2"),
    ]


def test_further_formats_are_checked_and_kept(tmp_path: Path) -> None:
    for also in ((".seg.nrrd",), (".sr.dcm", ".sr.dcm"), (".txt",)):
        with pytest.raises(ConfigError, match="further file"):
            BatchSpec(tmp_path, tmp_path, also=also)
    spec = BatchSpec(tmp_path, tmp_path, format=".seg.dcm", also=(".sr.dcm",), anonymous=True)
    assert BatchSpec.from_dict(spec.to_dict()) == spec
