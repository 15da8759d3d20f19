"""Model files, memory and disk."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections import namedtuple
from pathlib import Path

import pytest

from masam_core.catalog import bundled
from masam_core.installation import devices, room
from masam_core.installation.finding import State
from masam_core.installation.model import check_bundled, check_chosen

Usage = namedtuple("Usage", "total used free")


def test_the_digests_of_the_bundled_model_are_those_of_its_files() -> None:
    folder = bundled.bundled_model_path().parent
    for name, digest in bundled.SHA256.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    found = check_bundled()
    assert found.state is State.OK
    assert "whole" in found.words


@pytest.mark.parametrize("name", [bundled.DELTA, bundled.BASE, bundled.CORRECTOR])
def test_a_cut_off_or_missing_file_of_the_model_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    folder = tmp_path / "Models"
    shutil.copytree(bundled.bundled_model_path().parent, folder)
    monkeypatch.setattr(bundled, "resources", lambda: [tmp_path])
    with (folder / name).open("r+b") as file:
        file.truncate(1000)
    found = check_bundled()
    assert found.state is State.PROBLEM
    assert f"{name} has 1,000 bytes" in found.words
    (folder / name).unlink()
    assert "missing" in check_bundled().words


def test_a_chosen_model_is_compared_with_its_published_digest(
    masam_home: Path, tmp_path: Path
) -> None:
    missing = check_chosen("sam-vit-b")
    assert missing.state is State.PROBLEM
    target = masam_home / "models" / "sam_vit_b_01ec64.pth"
    from masam_core.catalog.entries import entry
    from masam_core.catalog.store import path_of

    target = path_of(entry("sam-vit-b"))
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(b"not the file")
    damaged = check_chosen("sam-vit-b")
    assert damaged.state is State.PROBLEM
    assert "expected ec2df6273261" in damaged.words
    own = tmp_path / "secret folder" / "own.safetensors"
    own.parent.mkdir()
    own.write_bytes(b"weights")
    found = check_chosen(str(own))
    assert found.state is State.OK
    assert hashlib.sha256(b"weights").hexdigest()[:12] in found.words
    assert "secret" not in found.words


@pytest.mark.parametrize(
    ("memory", "state", "words"),
    [
        ((16e9, 8e9), State.OK, "8.0 of 16.0 GB free"),
        ((8e9, 0.5e9), State.NOTE, "that is little"),
        ((8e9, None), State.OK, "8.0 GB"),
        ((None, None), State.OK, "does not say"),
    ],
)
def test_little_memory_is_a_remark(
    monkeypatch: pytest.MonkeyPatch, memory: tuple[int, int], state: State, words: str
) -> None:
    monkeypatch.setattr(devices, "main_memory", lambda: memory)
    found = room.check_memory()
    assert found.state is state
    assert words in found.words


def test_a_full_disk_is_a_remark_and_one_that_can_not_be_written_a_problem(
    tmp_path: Path, masam_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert room.check_disk().state in (State.OK, State.NOTE)
    monkeypatch.setattr(room.shutil, "disk_usage", lambda _: Usage(1e12, 0, 5e11))
    assert room.check_disk().words == "500.0 GB free for temporary files, 500.0 GB free for models"
    monkeypatch.setattr(room.shutil, "disk_usage", lambda _: Usage(1e12, 1e12, 2e8))
    assert room.check_disk().state is State.NOTE
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path / "gone"))
    found = room.check_disk()
    assert found.state is State.PROBLEM
    assert "TMPDIR" in found.advice
