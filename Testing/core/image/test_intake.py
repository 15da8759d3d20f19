"""Files of unknown origin: read by a process that may fall, told in words, kept in their folder."""

from __future__ import annotations

import io
import json
import os
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from masam_core.errors import VolumeError
from masam_core.image import archive, intake
from masam_core.image.apart import Reader, take_in_apart
from masam_core.image.volume import Volume, read_volume
from Testing.core.image.formats.dicom.making import ARRAY, image, save, series
from Testing.core.image.formats.dicom.test_series import write_series
from Testing.core.image.formats.making import metaimage, nifti, nrrd

Make = Callable[..., Path]
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module", autouse=True)
def reader() -> Iterator[Reader]:
    """One process for all of these tests."""
    yield READER
    READER.close()


READER = Reader()


def take_in(source: Path, target: Path, name: str = "scan") -> dict[str, Any]:
    """Have the process take it in; what it says."""
    try:
        return take_in_apart(READER, source, target, name)
    except VolumeError as error:
        return {"error": str(error)}


def write(volume: Volume, path: Path) -> None:
    written = sitk.GetImageFromArray(volume.array)
    volume.geometry.apply_to_sitk(written)
    sitk.WriteImage(written, str(path))


@pytest.mark.parametrize("ending", [".nii.gz", ".nrrd", ".mha"])
def test_an_image_keeps_voxels_and_place(
    oblique_volume: Volume, tmp_path: Path, ending: str
) -> None:
    write(oblique_volume, tmp_path / f"0{ending}")
    target = tmp_path / "out.nrrd"
    answer = take_in(tmp_path / f"0{ending}", target, "My scan")
    assert answer == {"name": "My scan", "modality": None, "shape": [9, 14, 12]}
    found = read_volume(target)
    np.testing.assert_array_equal(found.array, oblique_volume.array)
    np.testing.assert_allclose(
        found.geometry.ijk_to_lps, oblique_volume.geometry.ijk_to_lps, atol=1e-4
    )


def zipped(folder: Path, archive: Path, prefix: str = "study/") -> Path:
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in sorted(folder.iterdir()):
            packed.write(path, prefix + path.name)
    return archive


@pytest.mark.parametrize("packed", [False, True])
def test_dicom_slices_come_as_folder_or_zip_archive(tmp_path: Path, packed: bool) -> None:
    folder = tmp_path / "slices"
    folder.mkdir()
    array = write_series(folder, modality="MR")
    source = zipped(folder, tmp_path / "study.zip") if packed else folder
    answer = take_in(source, tmp_path / "out.nrrd")
    assert answer["modality"] == "MR"
    np.testing.assert_array_equal(read_volume(tmp_path / "out.nrrd").array, array)


def test_several_series_are_listed_and_one_is_taken(tmp_path: Path) -> None:
    folder = tmp_path / "slices"
    folder.mkdir()
    write_series(folder, "1", slices=3)
    array = write_series(folder, "2", slices=5, modality="MR")
    source = zipped(folder, tmp_path / "study.zip")
    listed = take_in(source, tmp_path / "out.nrrd")["series"]
    assert [row["words"] for row in listed] == [
        "MR, series 2, 5 slices",
        "CT, series 1, 3 slices",
    ]
    assert not (tmp_path / "out.nrrd").exists()
    answer = intake.take_in(source, tmp_path / "out.nrrd", "study", listed[0]["uid"])
    assert answer["modality"] == "MR"
    np.testing.assert_array_equal(read_volume(tmp_path / "out.nrrd").array, array)


def test_a_missing_slice_in_an_archive_is_told_without_paths(tmp_path: Path) -> None:
    folder = tmp_path / "slices"
    folder.mkdir()
    write_series(folder, skip=2)
    (tmp_path / "empty").mkdir()
    for source, says in (
        (zipped(folder, tmp_path / "study.zip"), "missing"),
        (zipped(tmp_path / "empty", tmp_path / "empty.zip"), "no DICOM"),
    ):
        answer = take_in(source, tmp_path / "out.nrrd", "study.zip")
        assert says in answer["error"]
        assert str(tmp_path) not in answer["error"]


def test_a_zip_archive_may_hold_one_image(oblique_volume: Volume, tmp_path: Path) -> None:
    folder = tmp_path / "one"
    folder.mkdir()
    write(oblique_volume, folder / "image.nii.gz")
    archive = zipped(folder, tmp_path / "a.zip")
    assert take_in(archive, tmp_path / "out.nrrd")["shape"] == [9, 14, 12]
    write(oblique_volume, folder / "other.nii.gz")
    answer = take_in(zipped(folder, archive), tmp_path / "out.nrrd")
    assert "one by one" in answer["error"]


def test_an_image_in_an_archive_may_have_any_name(oblique_volume: Volume, tmp_path: Path) -> None:
    folder = tmp_path / "one"
    folder.mkdir()
    write(oblique_volume, folder / "Knie 12.3 links, T1.nrrd")
    archive = zipped(folder, tmp_path / "a.zip")
    assert take_in(archive, tmp_path / "out.nrrd")["shape"] == [9, 14, 12]


@pytest.mark.parametrize("kind", ["cut", "noise", "empty", "zip", "pickle"])
def test_what_is_no_image_is_told_in_words_without_the_servers_paths(
    oblique_volume: Volume, tmp_path: Path, kind: str
) -> None:
    write(oblique_volume, tmp_path / "good.nii.gz")
    good = (tmp_path / "good.nii.gz").read_bytes()
    trap = tmp_path / "ran"
    content = {
        "cut": good[: len(good) // 2],
        "noise": np.random.default_rng(0).bytes(3000),
        "empty": b"",
        "zip": b"PK\x03\x04 not quite a zip archive",
        # A pickle that makes a file when it is loaded.
        "pickle": f"cos\nsystem\n(S'touch {trap}'\ntR.".encode(),
    }[kind]
    (tmp_path / "0.nii.gz").write_bytes(content)
    answer = take_in(tmp_path / "0.nii.gz", tmp_path / "out.nrrd", "their name.nii.gz")
    assert "their name.nii.gz" in answer["error"]
    assert str(tmp_path) not in answer["error"]
    assert not (tmp_path / "out.nrrd").exists()
    assert not trap.exists()


def asked(code: str, source: Path, target: Path) -> subprocess.CompletedProcess[str]:
    """Ask one thing of a process that runs other code first."""
    start = f"import os, sys; from masam_core.image import apart, intake\n{code}\napart.main()"
    request = {"path": str(source), "target": str(target), "name": source.name, "series": None}
    return subprocess.run(
        [sys.executable, "-c", start],
        input=json.dumps(request) + "\n",
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"},
        check=False,
    )


def limited(source: Path, target: Path, limit: int) -> dict[str, Any]:
    """As take_in, with another limit of memory."""
    return dict(json.loads(asked(f"apart.MEMORY_BYTES = {limit}", source, target).stdout))


@pytest.mark.skipif(sys.platform != "linux", reason="The system sets no such limit elsewhere")
def test_memory_is_limited(oblique_volume: Volume, tmp_path: Path) -> None:
    huge = sitk.Image(1000, 1000, 600, sitk.sitkUInt8)
    sitk.WriteImage(huge, str(tmp_path / "huge.nrrd"), useCompression=True)
    write(oblique_volume, tmp_path / "small.nrrd")
    # Address space, of which the libraries alone take a part, and the large image 0.6 GB.
    answer = limited(tmp_path / "small.nrrd", tmp_path / "out.nrrd", 500 << 20)
    assert answer["shape"] == [9, 14, 12]
    answer = limited(tmp_path / "huge.nrrd", tmp_path / "out.nrrd", 500 << 20)
    assert "huge.nrrd" in answer["error"]


def test_a_file_of_dicom_without_an_ending_keeps_its_modality(tmp_path: Path) -> None:
    write_series(tmp_path, modality="MR", slices=1)
    (file,) = tmp_path.glob("*.dcm")
    file.rename(tmp_path / "IM0001")
    answer = take_in(tmp_path / "IM0001", tmp_path / "out.nrrd")
    assert (answer["modality"], answer["shape"]) == ("MR", [1, 8, 9])


def test_a_folder_that_can_not_be_written_is_not_blamed_on_the_file(
    oblique_volume: Volume, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(oblique_volume, tmp_path / "good.nrrd")
    (tmp_path / "out.nrrd").mkdir()  # as if it were protected, also for root
    with pytest.raises(VolumeError, match="folder can't be written"):
        intake.take_in(tmp_path / "good.nrrd", tmp_path / "out.nrrd", "good.nrrd")
    monkeypatch.setattr(intake.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 10}))
    with pytest.raises(VolumeError, match="no space"):
        intake.take_in(tmp_path / "good.nrrd", tmp_path / "out2.nrrd", "good.nrrd")


def test_what_a_library_prints_does_not_spoil_the_answer(
    oblique_volume: Volume, tmp_path: Path
) -> None:
    write(oblique_volume, tmp_path / "good.nrrd")
    code = (
        "read = intake.read_volume\n"
        "def loud(*a): print('python'); os.write(1, b'library'); return read(*a)\n"
        "intake.read_volume = loud"
    )
    done = asked(code, tmp_path / "good.nrrd", tmp_path / "out.nrrd")
    assert json.loads(done.stdout)["name"] == "good.nrrd"
    assert "library" in done.stderr


def test_what_macos_adds_to_an_archive_does_not_count(
    oblique_volume: Volume, tmp_path: Path
) -> None:
    write(oblique_volume, tmp_path / "scan.nii.gz")
    with zipfile.ZipFile(tmp_path / "mac.zip", "w") as packed:
        packed.write(tmp_path / "scan.nii.gz", "scan.nii.gz")
        packed.writestr("__MACOSX/._scan.nii.gz", b"\0\5\x16\7\0\2\0\0Mac OS X" + bytes(200))
        packed.writestr("._other.nii.gz", b"\0\5\x16\7")
        packed.writestr(".DS_Store", b"\0\0\0\1Bud1")
    answer = intake.take_in(tmp_path / "mac.zip", tmp_path / "out.nrrd", "mac.zip")
    assert answer["shape"] == [9, 14, 12]


def detached(folder: Path, make: Make, name: str) -> list[Path]:
    """A header and its voxels, as two files."""
    folder.mkdir(exist_ok=True)
    if make is nrrd:
        header = nrrd(folder / "scan.nhdr", b"", **{"data file": name})
    else:
        header = metaimage(folder / "scan.mhd", b"", ElementDataFile=name)
    (folder / Path(name).name).write_bytes(np.arange(210, dtype="<i2").tobytes())
    return [header, folder / Path(name).name]


def test_an_upload_never_reads_a_second_file(tmp_path: Path) -> None:
    header, _ = detached(tmp_path / "up", metaimage, "0.raw")
    assert read_volume(header).array.shape == (5, 6, 7)
    with pytest.raises(VolumeError, match="pack both into one zip archive") as caught:
        intake.take_in(header, tmp_path / "out.nrrd", "scan.mhd")
    assert "scan.mhd" in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


@pytest.mark.parametrize("make", [metaimage, nrrd])
@pytest.mark.parametrize("prefix", ["", "study/of one/"])
def test_a_header_and_its_voxels_may_be_packed_into_one_archive(
    tmp_path: Path, make: Make, prefix: str
) -> None:
    detached(tmp_path / "two", make, "Schädel 1.raw")
    source = zipped(tmp_path / "two", tmp_path / "a.zip", prefix)
    intake.take_in(source, tmp_path / "out.nrrd", "a.zip")
    found = read_volume(tmp_path / "out.nrrd").array
    np.testing.assert_array_equal(found.ravel(), np.arange(210))


def test_a_pair_of_nifti_files_may_be_packed_into_one_archive(tmp_path: Path) -> None:
    whole = nifti(tmp_path / "whole.nii").read_bytes()
    (tmp_path / "two").mkdir()
    header = nifti(tmp_path / "two" / "scan.hdr", magic=b"ni1\0", vox_offset=0.0)
    header.write_bytes(header.read_bytes()[:348])
    (tmp_path / "two" / "scan.img").write_bytes(whole[352:])
    intake.take_in(zipped(tmp_path / "two", tmp_path / "a.zip"), tmp_path / "out.nrrd", "a.zip")
    expected, found = (read_volume(tmp_path / n).array for n in ("whole.nii", "out.nrrd"))
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("make", [metaimage, nrrd])
@pytest.mark.parametrize("where", ["elsewhere", "above", "absolute", "link", "other folder"])
def test_a_header_in_an_archive_reads_nothing_that_was_not_packed_beside_it(
    tmp_path: Path, make: Make, where: str
) -> None:
    secret = tmp_path / "secret.raw"
    secret.write_bytes(bytes(420))
    name = {"above": "../secret.raw", "absolute": str(secret)}.get(where, "secret.raw")
    header, _ = detached(tmp_path / "two", make, name)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        packed.write(header, f"study/{header.name}")
        if where == "link":
            link = zipfile.ZipInfo("study/secret.raw")
            link.external_attr = (stat.S_IFLNK | 0o777) << 16
            packed.writestr(link, str(secret))
        if where in ("above", "other folder"):
            packed.write(secret, "secret.raw")
    with pytest.raises(VolumeError, match=r"voxels") as caught:
        intake.take_in(tmp_path / "a.zip", tmp_path / "out.nrrd", "a.zip")
    assert "a.zip" in str(caught.value)
    assert not (tmp_path / "out.nrrd").exists()


def test_an_archive_in_an_archive_is_opened_where_it_is_all_that_there_is(
    oblique_volume: Volume, tmp_path: Path
) -> None:
    (tmp_path / "one").mkdir()
    write(oblique_volume, tmp_path / "one" / "scan.nrrd")
    inner = zipped(tmp_path / "one", tmp_path / "inner.zip").read_bytes()
    for names, says in ((["a.zip"], ""), (["a.zip", "b.zip"], "holds 2 other archives")):
        with zipfile.ZipFile(tmp_path / "outer.zip", "w") as packed:
            for name in names:
                packed.writestr(name, inner)
        answer = take_in(tmp_path / "outer.zip", tmp_path / "out.nrrd", "outer.zip")
        assert says in answer.get("error", "")
        assert ("shape" in answer) is not bool(says)
    third = io.BytesIO()
    with zipfile.ZipFile(third, "w") as packed:
        packed.write(tmp_path / "inner.zip", "inner.zip")
    with zipfile.ZipFile(tmp_path / "outer.zip", "w") as packed:
        packed.writestr("middle.zip", third.getvalue())
    answer = take_in(tmp_path / "outer.zip", tmp_path / "out.nrrd", "outer.zip")
    assert "holds 1 other archive." in answer["error"]


def test_an_image_with_an_archive_behind_it_is_an_image(
    oblique_volume: Volume, tmp_path: Path
) -> None:
    write(oblique_volume, tmp_path / "scan.nrrd")
    with zipfile.ZipFile(tmp_path / "scan.nrrd", "a") as packed:
        packed.writestr("other.nrrd", b"x")
    assert zipfile.is_zipfile(tmp_path / "scan.nrrd")
    assert not archive.is_archive(tmp_path / "scan.nrrd")


LATIN, UNICODE = "Schädel".encode("latin-1"), "Schädel".encode()
JAPANESE = "山田".encode("iso2022_jp")


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_series_are_told_apart_in_any_character_set(tmp_path: Path) -> None:
    sets: list[tuple[str | None, bytes, str]] = [
        ("ISO_IR 100", LATIN, "Schädel"),
        ("ISO_IR 192", UNICODE, "Schädel"),
        ("ISO 2022 IR 100", LATIN, "Schädel"),
        ("\\ISO 2022 IR 87", JAPANESE, "山田"),
        ("ISO_IR 192", LATIN, "Sch"),  # broken: not of the set that it names
        ("ISO 2022 IR 87", b"\x1b$B\xff\xfe" + LATIN, ""),
        ("ISO_IR 6", LATIN, "Sch"),
        ("no such set", b"\xed\xb3\xa4\x80\xff", ""),
        (None, LATIN, "Sch"),
    ]
    for number, (named, text, _) in enumerate(sets):
        placeholder = "S" * (len(text) + len(text) % 2)
        made = image(
            ARRAY[0],
            SeriesInstanceUID=f"1.2.{number}",
            SpecificCharacterSet=named,
            SeriesDescription=placeholder,
        )
        path = save(made, tmp_path / "slices" / f"{number}.dcm")
        raw = path.read_bytes().replace(placeholder.encode(), text.ljust(len(placeholder)), 1)
        path.write_bytes(raw)
    found = take_in(zipped(tmp_path / "slices", tmp_path / "a.zip"), tmp_path / "out.nrrd")
    words = {row["uid"]: row["words"] for row in found["series"]}
    for number, (_, _, says) in enumerate(sets):
        told = words[f"1.2.{number}"]
        assert says in told
        assert told.encode("utf-8").decode() == told  # no half of a character
        assert told.isprintable()


def test_what_a_file_leaves_open_is_in_the_answer(tmp_path: Path) -> None:
    path = metaimage(tmp_path / "0.mha", ElementSpacing=None)
    answer = intake.take_in(path, tmp_path / "out.nrrd", "scan")
    assert "1 x 1 x 1 mm" in answer["notes"][0]
    series(tmp_path / "slices")
    save(image(ARRAY[0], ImageType=["LOCALIZER"]), tmp_path / "slices" / "loc.dcm")
    answer = intake.take_in(tmp_path / "slices", tmp_path / "out.nrrd", "scan")
    assert "'scan': 1 localizer image" in answer["notes"][0]
    assert str(tmp_path) not in answer["notes"][0]


def test_a_series_keeps_its_images_names_for_dicom_results(tmp_path: Path) -> None:
    """They go through JSON, from the process that reads to the one that writes."""
    from masam_core.image.formats.dicom.origin import SourceImages
    from Testing.core.export.dicom.making import read

    volume = read(tmp_path / "scan")
    answer = take_in(tmp_path / "scan", tmp_path / "out.nrrd", "My scan")
    kept = SourceImages.from_dict(json.loads(json.dumps(answer["images"])))
    assert kept.slices == volume.geometry.images.slices
    assert str(kept.dataset.PatientName) == "Муромец^Илья"
    with pytest.raises(VolumeError, match="damaged"):
        SourceImages.from_dict({"slices": [[1]], "header": {}})
