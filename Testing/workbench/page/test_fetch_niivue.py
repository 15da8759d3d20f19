"""The viewer's file: the one that its note names, and no other is taken."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from masam_core.errors import ConfigError
from masam_workbench.page import fetch_niivue as fetching


def test_the_file_in_the_package_is_the_one_that_its_note_names() -> None:
    content = (fetching.FOLDER / "index.js").read_bytes()
    assert fetching.digest(content) == fetching.SHA256
    assert (fetching.FOLDER / "VERSION").read_text() == fetching.note()
    assert "Redistribution and use" in (fetching.FOLDER / "LICENCE").read_text()


def test_another_file_is_refused_and_the_old_one_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = tmp_path / "package.tgz"
    with tarfile.open(archive, "w:gz") as packed:
        entry = tarfile.TarInfo(fetching.MEMBER)
        entry.size = 5
        packed.addfile(entry, io.BytesIO(b"other"))
    content = fetching.member(archive)
    assert content == b"other"
    with pytest.raises(ConfigError, match=fetching.SHA256):
        fetching.check(content)
    monkeypatch.setattr(fetching.shutil, "which", lambda _: None)
    with pytest.raises(ConfigError, match="npm is needed"):
        fetching.fetch(tmp_path)
    assert not (tmp_path / "index.js").exists()


def test_a_package_without_the_file_is_told(tmp_path: Path) -> None:
    archive = tmp_path / "package.tgz"
    with tarfile.open(archive, "w:gz"):
        pass
    with pytest.raises(ConfigError, match=fetching.MEMBER):
        fetching.member(archive)
