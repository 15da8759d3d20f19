"""Images are read by another process: the same image, and no file can end or hold up this one."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from masam_core.errors import VolumeError
from masam_core.image import apart
from masam_core.image.apart import read_apart, read_labels_apart
from masam_core.image.volume import read_volume
from Testing.core.image.formats.dicom.making import image, save, series
from Testing.core.image.formats.making import metaimage, nifti, nrrd


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Iterator[apart.Reader]:
    """A process of this test's own."""
    own = apart.Reader()
    monkeypatch.setattr(apart, "_READER", own)
    yield own
    own.end()


def test_the_same_image_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    series(tmp_path / "dicom", RescaleSlope=0.3)
    save(image(np.zeros((12, 10), np.int16), ImageType=["LOCALIZER"]), tmp_path / "dicom" / "loc")
    affine = np.column_stack([np.diag([0.7, 0.7, 3.3]), (1 / 3, 2 / 3, -1e-7)])
    nifti(tmp_path / "scan ä \udcff.nii", affine=affine)
    monkeypatch.chdir(tmp_path)
    for path in (Path("dicom"), tmp_path / "scan ä \udcff.nii", metaimage(tmp_path / "a.mha")):
        expected, found = read_volume(path), read_apart(path)
        np.testing.assert_array_equal(found.array, expected.array)
        assert found.array.dtype == expected.array.dtype
        np.testing.assert_array_equal(found.geometry.ijk_to_lps, expected.geometry.ijk_to_lps)
        for part in ("modality", "name", "source", "notes"):
            assert getattr(found, part) == getattr(expected, part)


def test_refusals_are_those_of_reading_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nrrd(tmp_path / "cut.nrrd", b"too short")
    monkeypatch.chdir(tmp_path)
    for path in (Path("cut.nrrd"), Path("missing.nii"), tmp_path / "cut.nrrd"):
        with pytest.raises(VolumeError) as here:
            read_volume(path)
        with pytest.raises(VolumeError) as there:
            read_apart(path)
        assert str(there.value) == str(here.value)


def test_one_process_serves_them_all_and_is_replaced_when_it_falls(
    tmp_path: Path, reader: apart.Reader
) -> None:
    path = nifti(tmp_path / "scan.nii")
    read_apart(path)
    first = reader._process
    assert first is not None
    read_apart(path)
    assert reader._process is first
    first.kill()
    first.wait()
    assert read_apart(path).name == "scan"
    assert reader._process is not first


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Needs a pipe that stalls")
def test_what_takes_too_long_is_given_up(
    tmp_path: Path, reader: apart.Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reader is stopped, as a drive that does not answer would stop it."""
    path = nifti(tmp_path / "scan.nii")
    read_apart(path)
    assert reader._process is not None
    os.kill(reader._process.pid, 19)  # SIGSTOP
    started = time.monotonic()
    with pytest.raises(VolumeError, match=r"scan\.nii took longer than 0\.2 s"):
        read_apart(path, seconds=0.2)
    assert time.monotonic() - started < 30
    assert read_apart(path).name == "scan"


def test_a_reader_that_is_brought_down_costs_one_file(
    tmp_path: Path, reader: apart.Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "import os, sys; sys.stdin.readline(); os.abort()"
    run = subprocess.Popen

    def falls(command: list[str], **rest: object) -> subprocess.Popen:
        return run([sys.executable, "-c", code], **rest)  # type: ignore[call-overload]

    path = nifti(tmp_path / "scan.nii")
    with monkeypatch.context() as patch:
        patch.setattr(apart.subprocess, "Popen", falls)
        with pytest.raises(VolumeError, match=r"scan\.nii could not be read: it brought"):
            read_apart(path)
    assert read_apart(path).name == "scan"


def test_a_reader_that_can_not_be_started_is_told_in_words(
    tmp_path: Path, reader: apart.Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(*_: object, **__: object) -> None:
        raise OSError(24, "Too many open files")

    with monkeypatch.context() as patch:
        patch.setattr(apart.subprocess, "Popen", no_room)
        with pytest.raises(VolumeError, match=r"scan\.nii could .*Too many open files"):
            read_apart(nifti(tmp_path / "scan.nii"))
    assert read_apart(tmp_path / "scan.nii").name == "scan"


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="Looks into /proc")
def test_no_file_name_stands_in_the_list_of_processes(tmp_path: Path, reader: apart.Reader) -> None:
    read_apart(nifti(tmp_path / "secret-name.nii"))
    assert reader._process is not None
    line = Path(f"/proc/{reader._process.pid}/cmdline").read_bytes()
    assert b"masam_core.image.apart" in line
    assert b"secret" not in line


def test_inside_an_application_the_python_that_comes_with_it_is_started(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(apart.shutil, "which", {"PythonSlicer": "/s/bin/PythonSlicer"}.get)
    for own, used in (
        ("/usr/bin/python3.12", "/usr/bin/python3.12"),
        ("/s/bin/PythonSlicer", "/s/bin/PythonSlicer"),
        ("/s/bin/SlicerApp-real", "/s/bin/PythonSlicer"),
        ("", "/s/bin/PythonSlicer"),
    ):
        monkeypatch.setattr(apart.sys, "executable", own)
        assert apart._python() == used


def test_labels_are_read_there_too(tmp_path: Path) -> None:
    values = np.zeros((5, 6, 7), np.int16)
    values[1:3, 2:4, 3:6] = 2
    labels, geometry = read_labels_apart(nifti(tmp_path / "labels.nii", values))
    assert labels.dtype == np.int64
    np.testing.assert_array_equal(labels, values)
    assert geometry.shape == values.shape
    path = metaimage(
        tmp_path / "x.mha", np.full(210, 0.5, "<f4").tobytes(), ElementType="MET_FLOAT"
    )
    with pytest.raises(VolumeError, match=r"x\.mha is no label image"):
        read_labels_apart(path)
