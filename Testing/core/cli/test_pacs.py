"""`masam pacs` against a real PACS: found, fetched, segmented from a report's line, sent, found."""

from __future__ import annotations

import json
from pathlib import Path

import pydicom
import pytest

from masam_core.pacs.pacs import Way

from ..pacs.conftest import orthanc, running, write_study  # noqa: F401
from ..pacs.orthanc import Orthanc, free_port
from ..watch.making import headers, report, save
from .conftest import Masam

TOKEN = "s3cret-t0ken"


@pytest.mark.parametrize("way", [way.value for way in Way])
def test_the_round_trip(
    masam: Masam,
    orthanc: Orthanc,  # noqa: F811
    tiny_model: Path,
    tmp_path: Path,
    way: str,
) -> None:
    pytest.importorskip("highdicom")
    write_study(tmp_path / "originals", 1, 9)
    images = headers(tmp_path / "originals")
    save(report(images), tmp_path / "originals" / "report.dcm")
    orthanc.put(tmp_path / "originals")
    settings = ("--settings", orthanc.write_settings(tmp_path / "pacs.json"), "--by", way)

    found = masam("pacs", "find", "--name", "Mustermann", "--json", *settings)
    assert found.exit_code == 0, found.stderr
    listed = json.loads(found.stdout)["series"]
    by_modality = {one["modality"]: one for one in listed}
    assert sorted(by_modality) == ["CT", "SR"]
    assert by_modality["CT"]["images"] == 9

    for modality, folder in (("CT", "scan"), ("SR", "reading")):
        uid = by_modality[modality]["series"]
        got = masam("pacs", "get", uid, "-o", tmp_path / folder, *settings)
        assert got.exit_code == 0, got.stderr
    (measured,) = (tmp_path / "reading").iterdir()

    results = (tmp_path / "lesion.seg.dcm", tmp_path / "report.sr.dcm")
    segmented = masam(
        "segment",
        tmp_path / "scan",
        "--prompts",
        measured,
        *("-o", results[0], "-o", results[1]),
        *("--model", tiny_model, "--device", "cpu"),
    )
    assert segmented.exit_code == 0, segmented.stderr

    put = masam("pacs", "put", *results, "--json", *settings)
    assert put.exit_code == 0, put.stderr
    assert [one["stored"] for one in json.loads(put.stdout)["files"]] == [True, True]

    study = by_modality["CT"]["study"]
    again = masam("pacs", "find", "--study", study, "--json", *settings)
    modalities = [one["modality"] for one in json.loads(again.stdout)["series"]]
    assert sorted(modalities) == ["CT", "SEG", "SR", "SR"]
    (back,) = [one for one in json.loads(again.stdout)["series"] if one["modality"] == "SEG"]
    got = masam("pacs", "get", back["series"], "-o", tmp_path / "back", *settings)
    assert got.exit_code == 0, got.stderr
    (file,) = (tmp_path / "back").iterdir()
    returned, sent = pydicom.dcmread(file), pydicom.dcmread(results[0])
    assert returned == sent
    assert returned.PatientID == "P-4711"
    named = {
        frame.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID
        for frame in returned.PerFrameFunctionalGroupsSequence
    }
    assert named <= {one.SOPInstanceUID for one in images}
    assert named, "a segment without a slice"


def test_a_study_comes_with_all_its_series(
    masam: Masam,
    orthanc: Orthanc,  # noqa: F811
    tmp_path: Path,
) -> None:
    write_study(tmp_path / "originals", 1, 3)
    images = headers(tmp_path / "originals")
    save(report(images), tmp_path / "originals" / "report.dcm")
    orthanc.put(tmp_path / "originals")
    settings = ("--settings", orthanc.write_settings(tmp_path / "pacs.json"))
    got = masam(
        "pacs", "get", "--study", images[0].StudyInstanceUID, "-o", tmp_path / "s", *settings
    )
    assert got.exit_code == 0, got.stderr
    folders = sorted(path.name[:2] for path in (tmp_path / "s").iterdir())
    assert folders == ["CT", "SR"]
    assert "3 images in" in got.stdout


def test_the_list_is_for_people(
    masam: Masam,
    orthanc: Orthanc,  # noqa: F811
    tmp_path: Path,
) -> None:
    write_study(tmp_path / "originals", 1, 3)
    orthanc.put(tmp_path / "originals")
    settings = ("--settings", orthanc.write_settings(tmp_path / "pacs.json"))
    found = masam("pacs", "find", "--date", "2024-01-01", *settings)
    for text in ("2024-01-01", "P-4711", "venous 1", "1.2.826.0.1.1.1", "1 series of 1 study"):
        assert text in found.stdout
    nothing = masam("pacs", "find", *settings)
    assert nothing.exit_code == 1
    assert "Nothing to look for" in nothing.stderr


def test_what_is_not_taken_is_an_error_that_names_the_file(
    masam: Masam,
    orthanc: Orthanc,  # noqa: F811
    tmp_path: Path,
) -> None:
    write_study(tmp_path / "s", 1, 1)
    (tmp_path / "s" / "notes.txt").write_text("no DICOM")
    settings = ("--settings", orthanc.write_settings(tmp_path / "pacs.json"))
    put = masam("pacs", "put", tmp_path / "s", *settings)
    assert put.exit_code == 1
    assert "notes.txt is no DICOM file" in put.stderr
    assert "1 of 2 files stored" in put.stdout


def test_the_settings_are_shown_without_secrets_and_tried(
    masam: Masam,
    orthanc: Orthanc,  # noqa: F811
    masam_home: Path,
) -> None:
    masam_home.mkdir()
    path = masam_home / "pacs.json"
    web = {"url": orthanc.web, "token": TOKEN}
    orthanc.write_settings(path, dicomweb=web)
    path.chmod(0o644)
    shown = masam("pacs", "settings")
    assert shown.exit_code == 0, shown.stderr
    assert str(path) in shown.stdout
    assert "dicomweb: the PACS answers." in shown.stdout
    assert "dimse: the PACS answers." in shown.stdout
    assert "chmod 600" in shown.stderr
    assert TOKEN not in shown.stdout + shown.stderr
    orthanc.write_settings(path, dicomweb={"url": f"http://127.0.0.1:{free_port()}/x"})
    broken = masam("pacs", "settings", "--json")
    assert broken.exit_code == 1
    tried = json.loads(broken.stdout)["connections"]
    assert [tried[way]["works"] for way in ("dicomweb", "dimse")] == [False, True]
    assert "nobody answers there" in tried["dicomweb"]["message"]


def test_no_command_takes_a_secret(masam: Masam) -> None:
    for command in ("find", "get", "put", "settings"):
        words = masam("pacs", command, "--help").stdout.lower()
        assert "--token" not in words
        assert "--password" not in words


def test_without_settings_the_message_shows_what_they_look_like(masam: Masam) -> None:
    found = masam("pacs", "find", "--patient", "P")
    assert found.exit_code == 1
    assert '"dicomweb": {"url":' in found.stderr
