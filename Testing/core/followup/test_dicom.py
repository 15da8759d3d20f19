"""A follow-up as DICOM: what is confirmed, under the UIDs by which it was known before."""

from __future__ import annotations

import csv
import errno
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from typer.testing import CliRunner

from masam_core import atomic_set
from masam_core.cli.followup import _require_not_read
from masam_core.cli.main import app
from masam_core.errors import ConfigError, SegmentationError
from masam_core.followup import dicom
from masam_core.followup import folder as files
from masam_core.followup.dicom import written_before
from masam_core.followup.masks import NamedMask, cropped
from masam_core.followup.reading import State
from masam_core.followup.result import follow_up
from masam_core.followup.study import Study, read_study
from masam_core.followup.track import Finding, How, Track
from masam_core.prompts.dicom.regions import read_regions
from Testing.core.export.dicom.making import faults
from Testing.core.followup.patients import STUDIES, write_studies

pytest.importorskip("highdicom")
FIRST, SECOND, _ = STUDIES


def block(study: Study, uid: str, size: int, at: int) -> NamedMask:
    mask = np.zeros(study.volume.geometry.shape, bool)
    mask[at : at + 2, at : at + size, 1 : 1 + size] = True
    found = cropped(mask, "", uid)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two series of a patient."""
    folder = tmp_path_factory.mktemp("patient")
    write_studies(folder)
    return folder


def proposal(out: Path, patient: Path) -> list[Study]:
    """A folder as ``masam followup`` leaves it: one lesion grows, one is doubtful, one is gone."""
    studies = [read_study(patient / name) for name in ("1", "2")]
    tracks = []
    for name, uid, first, second in (
        ("Liver", "1.2.77.1", 3, 5),
        ("Lung", "1.2.77.2", 2, 3),
        ("Gone", "1.2.77.3", 2, 0),
    ):
        at = 1 if name == "Liver" else 5
        given = Finding(State.MEASURED, (block(studies[0], uid, first, at),), How.GIVEN)
        state = State.MEASURED if second else State.ABSENT
        parts = (block(studies[1], uid, second, at),) if second else ()
        carried = Finding(state, parts, How.CARRIED, look=name != "Liver", notes=["Doubtful."])
        tracks.append(Track(name, uid, [given, carried]))
    sources = [files.Source(str(patient / name)) for name in ("1", "2")]
    out.mkdir()
    files.save(out, tracks, studies, sources, follow_up(tracks, studies))
    return studies


def masam(*words: object) -> Any:
    return CliRunner().invoke(app, [str(word) for word in words])


def answer(out: Path, **answers: str) -> None:
    """Write a reader's answers into the table."""
    path = out / "review.csv"
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row["accept"] = answers.get(row["lesion"], "") if row["study"] == "2" else ""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def items(dataset: Any, meaning: str, within: Any = None) -> list[Any]:
    """Items of a report's tree that bear a name."""
    found = []
    for child in (dataset if within is None else within).get("ContentSequence", []):
        code = child.get("ConceptNameCodeSequence")
        found += [child] if code and code[0].CodeMeaning == meaning else []
        found += items(dataset, meaning, child)
    return found


def told(group: Any) -> tuple[str, str, dict[str, float]]:
    """Time point, tracking UID and numbers of a group of a report."""
    (point,) = items(group, "Time Point")
    (uid,) = items(group, "Tracking Unique Identifier")
    numbers = {
        child.ConceptNameCodeSequence[0].CodeMeaning: float(
            child.MeasuredValueSequence[0].NumericValue
        )
        for child in group.ContentSequence
        if child.ValueType == "NUM"
    }
    return point.TextValue, uid.UID, numbers


def test_confirmed_lesions_are_written_under_the_uids_of_before(
    patient: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    studies = proposal(out, patient)
    answer(out, Lung="no", Gone="yes")
    done = masam("followup", "-o", out, "--confirm", "--dicom", "--json")
    assert done.exit_code == 0, done.output
    written = ["study2.seg.dcm", "study2.sr.dcm", "followup.sr.dcm"]
    assert json.loads(done.stdout)["dicom"] == written
    assert "'Gone' is gone in study 2" in " ".join(done.stderr.split())
    made = {name: pydicom.dcmread(out / name) for name in written}
    assert {d.StudyInstanceUID for d in made.values()} == {SECOND}
    (segment,) = made["study2.seg.dcm"].SegmentSequence
    assert (segment.SegmentLabel, segment.TrackingUID) == ("Liver", "1.2.77.1")
    (region,) = read_regions(out / "study2.seg.dcm", studies[1].volume.geometry)
    assert region.mask().sum() == 2 * 5 * 5
    course = made["followup.sr.dcm"]
    groups = [told(group) for group in items(course, "Measurement Group")]
    by = {}
    for point, uid, numbers in groups:
        by.setdefault((point, uid), {}).update(numbers)
    assert set(by) == {
        ("1", "1.2.77.1"),
        ("1", "1.2.77.2"),
        ("1", "1.2.77.3"),
        ("2", "1.2.77.1"),
    }
    voxel_ml = 0.75 * 1.5 * 3 / 1000
    assert by["1", "1.2.77.1"]["Volume"] == pytest.approx(18 * voxel_ml, abs=1e-4)
    assert by["2", "1.2.77.1"]["Volume"] == pytest.approx(50 * voxel_ml, abs=1e-4)
    found = json.loads((out / "followup.json").read_text("utf-8"))["findings"][1]
    assert by["2", "1.2.77.1"]["Long axis"] == pytest.approx(found["longest_diameter_mm"], abs=0.01)
    days = {
        float(i.MeasuredValueSequence[0].NumericValue)
        for i in items(course, "Longitudinal Temporal Offset from Event")
    }
    assert days == {0.0, 90.0}
    (own,) = course.CurrentRequestedProcedureEvidenceSequence
    (other,) = course.PertinentOtherEvidenceSequence
    assert (own.StudyInstanceUID, other.StudyInstanceUID) == (SECOND, FIRST)


def test_the_files_are_valid(patient: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    proposal(out, patient)
    answer(out, Lung="yes", Gone="yes")
    assert masam("followup", "-o", out, "--confirm", "--dicom").exit_code == 0
    for name in ("study2.seg.dcm", "study2.sr.dcm", "followup.sr.dcm"):
        assert faults(out / name) == []


def test_what_is_taken_back_leaves_no_file_behind(patient: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    proposal(out, patient)
    answer(out, Lung="yes", Gone="yes")
    assert masam("followup", "-o", out, "--confirm", "--dicom").exit_code == 0
    answer(out, Liver="no", Lung="no", Gone="yes")
    old = masam("followup", "-o", out, "--confirm")
    assert "is of an earlier result" in old.stderr
    done = masam("followup", "-o", out, "--confirm", "--dicom")
    assert done.exit_code == 0, done.output
    assert "No lesion of study 2 is confirmed" in done.stderr
    assert list(out.glob("*.dcm")) == []


def test_files_of_others_are_left_alone(tmp_path: Path) -> None:
    names = ("study1.seg.dcm", "study2 of mine.seg.dcm", "study2.seg.dcm", "study12.sr.dcm")
    for name in names:
        (tmp_path / name).write_bytes(b"somebody's")
    assert {path.name for path in written_before(tmp_path)} == set(names[2:])
    given = f"2={tmp_path / names[2]}"
    with pytest.raises(ConfigError, match="write over study2"):
        _require_not_read(written_before(tmp_path), ["1=first.nii.gz", given])


def test_a_failure_in_the_middle_leaves_the_earlier_result_whole(
    patient: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    proposal(out, patient)
    answer(out, Lung="yes", Gone="yes")
    assert masam("followup", "-o", out, "--confirm", "--dicom").exit_code == 0
    (out / "study3.seg.dcm").write_bytes(b"of three studies")
    before = {path.name: path.read_bytes() for path in out.glob("*.dcm")}
    assert len(before) == 4
    write, replace = dicom.write_files, os.replace

    def half(paths: list[Path], *more: Any) -> None:
        write(paths[:1], *more)  # the segmentation, and then the report fails
        raise SegmentationError(f"'{paths[1]}' was not written: the disk is full.")

    def no_course(*_: Any) -> None:
        raise SegmentationError("A DICOM report was not written.")

    failures: list[str] = []

    def denied(source: Path, target: Path) -> None:
        if Path(target) == out / "study2.sr.dcm" and not failures:
            failures.append("denied")
            raise PermissionError(errno.EACCES, "denied")
        replace(source, target)

    for module, name, failing in (
        (dicom, "write_files", half),
        (dicom, "report_on", no_course),
        (atomic_set.os, "replace", denied),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(module, name, failing)
            failed = masam("followup", "-o", out, "--confirm", "--dicom")
        assert failed.exit_code != 0
        said = "".join(failed.output.split())
        assert "wasnotwritten" in said
        if failing is not no_course:
            assert f"'{out}/study2.sr.dcm'wasnotwritten" in said  # where it is looked for
        assert {path.name: path.read_bytes() for path in out.glob("*.dcm")} == before
        assert [path.name for path in out.iterdir() if path.name.startswith(".")] == []
    assert masam("followup", "-o", out, "--confirm", "--dicom").exit_code == 0
    now = {path.name for path in out.glob("*.dcm")}
    assert now == {"study2.seg.dcm", "study2.sr.dcm", "followup.sr.dcm"}
    assert all((out / name).read_bytes() != before[name] for name in now)
