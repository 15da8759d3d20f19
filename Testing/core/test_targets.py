"""Places for results that can't take them, found before the work."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from masam_core.errors import ConfigError, SegmentationError, WriteError
from masam_core.targets import require_folder, require_targets


@pytest.fixture
def protected(tmp_path, monkeypatch):
    """A folder that may not be written to, also by root."""
    folder = tmp_path / "protected"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(folder)]
    if shutil.which("mount") and subprocess.run(command, capture_output=True).returncode == 0:
        yield folder
        subprocess.run(["umount", str(folder)], check=True)
        return
    write = Path.write_bytes

    def refuse(self, data):
        if self.parent == folder:
            raise PermissionError(13, "Permission denied")
        return write(self, data)

    monkeypatch.setattr(Path, "write_bytes", refuse)
    yield folder


def test_good_places_are_left_as_they_are(tmp_path):
    (tmp_path / "old.csv").write_text("old")
    require_targets([tmp_path / "old.csv", tmp_path / "new.nii.gz"], [tmp_path / "scan.nii.gz"])
    assert os.listdir(tmp_path) == ["old.csv"]
    assert (tmp_path / "old.csv").read_text() == "old"


def test_a_folder_without_rights_is_found(tmp_path, protected):
    with pytest.raises(SegmentationError, match=r"m.csv' was not written: .*another folder"):
        require_targets([tmp_path / "a.csv", protected / "m.csv"], raises=SegmentationError)
    with pytest.raises(ConfigError, match=r"not written: .*another folder"):
        require_folder(protected, ConfigError)
    with pytest.raises(ConfigError, match=r"not written: .*another folder"):
        require_folder(protected / "below", ConfigError)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("none/a.csv", "folder '.*none' does not exist. Make it first"),
        ("taken", "a folder has this name"),
        ("file.txt/a.csv", "does not exist"),
        ("a" * 300 + ".csv", "the name is too long"),
        ("a\0.csv", "null"),
    ],
)
def test_names_that_nothing_can_have_are_found(tmp_path, name, words):
    (tmp_path / "taken").mkdir()
    (tmp_path / "file.txt").touch()
    with pytest.raises(WriteError, match=words):
        require_targets([tmp_path / name])


def test_inputs_and_outputs_are_different_files(tmp_path):
    scan = tmp_path / "scan.nii.gz"
    scan.touch()
    (tmp_path / "b").mkdir()
    (tmp_path / "link.nii.gz").symlink_to(scan)
    for targets in ([tmp_path / "link.nii.gz"], [tmp_path / "a.csv", tmp_path / "./b/../a.csv"]):
        with pytest.raises(SegmentationError, match="is an input or another output"):
            require_targets(targets, [scan])


def test_a_folder_of_results_is_made_and_a_file_in_its_place_named(tmp_path):
    require_folder(tmp_path / "a" / "b")
    assert os.listdir(tmp_path / "a" / "b") == []
    (tmp_path / "c").touch()
    with pytest.raises(WriteError, match="c' is a file; choose a folder"):
        require_folder(tmp_path / "c")
