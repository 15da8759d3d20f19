"""Both ways to a real PACS: find, fetch, store."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest

from masam_core.errors import Cancelled, PacsError
from masam_core.image.volume import read_volume
from masam_core.pacs.fetching import fetch_series, find_series, forget_part
from masam_core.pacs.files import file_name
from masam_core.pacs.opening import open_pacs
from masam_core.pacs.pacs import Pacs, Way
from masam_core.pacs.records import Query
from masam_core.pacs.sending import files_of, send_files
from masam_core.pacs.settings import PacsSettings
from masam_core.pacs.thumbnail import thumbnail

from .conftest import write_study
from .orthanc import Orthanc


@pytest.fixture(params=list(Way))
def pacs(settings: PacsSettings, request: pytest.FixtureRequest) -> Pacs:
    """Orthanc, each way."""
    return open_pacs(settings, request.param)


@pytest.fixture
def filled(orthanc: Orthanc, tmp_path: Path) -> Path:
    """Two studies of a patient and one of another are in Orthanc, and in this folder."""
    folder = tmp_path / "originals"
    write_study(folder / "1", 1)
    write_study(folder / "2", 2, 3, "MR")
    other = {"PatientID": "P-2", "PatientName": "Müller^Jörg", "SpecificCharacterSet": "ISO_IR 100"}
    write_study(folder / "3", 3, 2, "CT", **other)
    orthanc.put(folder)
    return folder


def test_it_answers(pacs: Pacs) -> None:
    pacs.check()


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        (Query(patient="P-4711"), [2, 1]),
        (Query(patient="P-47*"), [2, 1]),
        (Query(patient="nobody"), []),
        (Query(name="Mustermann"), [2, 1]),
        (Query(name="MUSTERMANN^ERIKA"), [2, 1]),
        (Query(name="Müller"), [3]),
        (Query(name="*Jörg"), [3]),
        (Query(modality="ct"), [3, 1]),
        (Query(modality="US"), []),
        (Query(dates="2024-01-02"), [2]),
        (Query(dates="2024-01-02.."), [3, 2]),
        (Query(dates="..2024-01-02", modality="CT"), [1]),
        (Query(study="1.2.826.0.1.2"), [2]),
        (Query(series="1.2.826.0.1.3.1"), [3]),
        (Query(series="1.2.826.0.1.3.1", study="1.2.826.0.1.3"), [3]),
        (Query(series="1.2.826.0.1.3.9"), []),
    ],
)
def test_series_are_found(filled: Path, pacs: Pacs, query: Query, numbers: list[int]) -> None:
    found, more = pacs.find(query)
    assert [int(one.study.rpartition(".")[2]) for one in found] == numbers
    assert not more


def test_a_found_series_says_what_it_is(filled: Path, pacs: Pacs) -> None:
    one = find_series(pacs, "1.2.826.0.1.3.1")
    assert (one.patient, one.name, one.date) == ("P-2", "Müller^Jörg", "2024-01-03")
    assert (one.modality, one.description, one.study_description) == ("CT", "venous 3", "Abdomen")
    assert (one.images, one.number) == (2, 2)


def test_more_studies_than_asked_for_are_told(filled: Path, pacs: Pacs) -> None:
    found, more = pacs.find(Query(patient="P*"), most=2)
    assert len(found) == 2
    assert more


def test_a_series_comes_whole_and_as_it_was(filled: Path, pacs: Pacs, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    target = tmp_path / "here"
    done = fetch_series(pacs, "1.2.826.0.1.1", "1.2.826.0.1.1.1", target, lambda *n: seen.append(n))
    assert (done.folder, done.images, done.had) == (target, 5, 0)
    assert seen == [(n, 5) for n in range(6)]
    assert sorted(p.name for p in tmp_path.iterdir() if "here" in p.name) == ["here"]
    originals = {}
    for path in (filled / "1").iterdir():
        dataset = pydicom.dcmread(path)
        originals[file_name(dataset.SOPInstanceUID)] = dataset
    assert {p.name for p in target.iterdir()} == set(originals)
    for path in target.iterdir():
        assert pydicom.dcmread(path) == originals[path.name]
    read, original = read_volume(target), read_volume(filled / "1")
    assert (read.array == original.array).all()


def test_fetching_again_takes_nothing_and_keeps_all(
    filled: Path, pacs: Pacs, tmp_path: Path
) -> None:
    first = fetch_series(pacs, "1.2.826.0.1.1", "1.2.826.0.1.1.1", tmp_path / "here")
    again = fetch_series(pacs, "1.2.826.0.1.1", "1.2.826.0.1.1.1", tmp_path / "here")
    assert (first.had, again.had) == (0, 5)


def test_a_cancelled_fetching_is_gone_on_with(filled: Path, pacs: Pacs, tmp_path: Path) -> None:
    target = tmp_path / "here"
    count = 0

    def progress(had: int, _total: int) -> None:
        nonlocal count
        count = had

    with pytest.raises(Cancelled):
        fetch_series(
            pacs,
            "1.2.826.0.1.1",
            "1.2.826.0.1.1.1",
            target,
            progress,
            lambda: count >= 2,
        )
    assert not target.exists()
    done = fetch_series(pacs, "1.2.826.0.1.1", "1.2.826.0.1.1.1", target)
    assert done.had == 2
    assert len(list(target.iterdir())) == 5
    # And an unfinished one can be dropped.
    with pytest.raises(Cancelled):
        fetch_series(
            pacs, "1.2.826.0.1.1", "1.2.826.0.1.1.1", tmp_path / "b", cancelled=lambda: True
        )
    forget_part(tmp_path / "b", "1.2.826.0.1.1.1")
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_a_folder_of_something_else_is_left_alone(filled: Path, pacs: Pacs, tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "mine.txt").write_text("mine")
    with pytest.raises(PacsError, match="holds something else"):
        fetch_series(pacs, "1.2.826.0.1.1", "1.2.826.0.1.1.1", tmp_path / "here")
    assert [p.name for p in (tmp_path / "here").iterdir()] == ["mine.txt"]


def test_a_series_that_was_deleted_is_told(orthanc: Orthanc, pacs: Pacs, tmp_path: Path) -> None:
    with pytest.raises(PacsError, match=r"no image of this series|nothing at this address"):
        fetch_series(pacs, "1.2.826.0.1.1", "1.2.826.0.1.1.1", tmp_path / "here")
    assert not (tmp_path / "here").exists()
    with pytest.raises(PacsError, match=r"has no series 1\.2\.3"):
        find_series(pacs, "1.2.3")


def test_files_are_stored_and_what_is_no_dicom_is_told(
    orthanc: Orthanc, pacs: Pacs, tmp_path: Path
) -> None:
    write_study(tmp_path / "s", 1, 3)
    (tmp_path / "s" / "notes.txt").write_text("no DICOM")
    (tmp_path / "s" / ".hidden.dcm").write_text("left over")
    told = []
    sent = send_files(pacs, files_of([tmp_path / "s"]), told.append)
    assert [one.stored.kept for one in sent] == [True, True, True, False]
    assert "notes.txt is no DICOM file" in sent[-1].stored.words
    assert told == sent
    assert len(orthanc.instances()) == 3
    # The same once more changes nothing.
    assert all(one.stored.kept for one in send_files(pacs, [one.path for one in sent[:3]]))
    assert len(orthanc.instances()) == 3


def test_a_packed_series_travels_packed(orthanc: Orthanc, pacs: Pacs, tmp_path: Path) -> None:
    from pydicom.uid import RLELossless

    write_study(tmp_path / "s", 1, 2)
    for path in (tmp_path / "s").iterdir():
        dataset = pydicom.dcmread(path)
        dataset.compress(RLELossless)
        dataset.save_as(path)
    expected = read_volume(tmp_path / "s").array
    assert all(one.stored.kept for one in send_files(pacs, files_of([tmp_path / "s"])))
    fetch_series(pacs, "1.2.826.0.1.1", "1.2.826.0.1.1.1", tmp_path / "here")
    syntaxes = {
        pydicom.dcmread(p).file_meta.TransferSyntaxUID for p in (tmp_path / "here").iterdir()
    }
    assert (read_volume(tmp_path / "here").array == expected).all()
    assert syntaxes == {RLELossless}


def test_a_picture_shows_the_middle_image(orthanc: Orthanc, pacs: Pacs, tmp_path: Path) -> None:
    import SimpleITK as sitk

    from ..image.formats.dicom.making import image, save
    from .conftest import PATIENT

    for k in range(3):
        pixels = np.full((20, 10), -1000, dtype=np.int16)
        if k == 1:
            pixels[:10] = 1000
        tags = {
            **PATIENT,
            "StudyInstanceUID": "1.2.5",
            "SeriesInstanceUID": "1.2.5.1",
            "PixelSpacing": [1.0, 2.0],
            "ImagePositionPatient": [0, 0, k],
            "InstanceNumber": k + 1,
            "WindowCenter": 0,
            "WindowWidth": 400,
        }
        save(image(pixels, **tags), tmp_path / "s" / f"{k}.dcm")
    orthanc.put(tmp_path / "s")
    path = tmp_path / "picture.png"
    path.write_bytes(thumbnail(pacs, "1.2.5", "1.2.5.1", 64))
    shown = sitk.GetArrayFromImage(sitk.ReadImage(str(path)))
    assert shown.shape == (64, 64)  # 20 x 1 mm and 10 x 2 mm
    assert (shown[:30] == 255).all()
    assert (shown[34:] == 0).all()
