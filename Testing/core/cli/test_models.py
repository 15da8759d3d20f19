"""`masam models`: list, download, verify, add."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from masam_core.catalog import download as download_module
from masam_core.catalog.entries import Entry, entry
from masam_core.catalog.store import path_of
from masam_core.errors import DownloadError

from .conftest import Masam


def test_the_list_says_which_are_here(masam: Masam, tiny_model: Path, masam_home: Path) -> None:
    assert masam("models", "add", tiny_model).exit_code == 0
    document = json.loads(masam("models", "list", "--json").stdout)
    rows = {row["name"]: row for row in document["models"]}
    assert Path(document["folder"]) == masam_home / "models"
    assert rows["bundled"]["here"]
    assert not rows["sam-vit-b"]["here"]
    assert rows["sam-vit-b"]["bytes"] == 375042383
    assert rows["bundled"]["does"] == rows["sam-vit-b"]["does"] == "prompts"
    assert rows["masam-authors"]["does"] == "automatic"
    assert rows["tiny"]["bytes"] == tiny_model.stat().st_size
    shown = masam("models", "list").stdout
    assert "sam-vit-h" in shown
    assert "tiny" in shown


def test_an_added_model_segments_by_its_name(
    masam: Masam, tiny_model: Path, image: Path, tmp_path: Path
) -> None:
    assert "mine" in masam("models", "add", tiny_model, "--name", "mine").stdout
    target = tmp_path / "m.nrrd"
    box = ("--box", 3, 8, 2, 9, 1, 4)
    result = masam("segment", image, "-o", target, "--model", "mine", *box)
    assert result.exit_code == 0, result.output
    assert target.is_file()


def test_an_image_is_not_added(masam: Masam, image: Path) -> None:
    result = masam("models", "add", image, "--name", "mine")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")


def test_a_download_tells_where_the_file_is(
    masam: Masam, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fetch(known: Entry, progress: Callable[[int, int | None], None]) -> Path:
        progress(10, 20)
        progress(20, 20)
        return tmp_path / known.file

    monkeypatch.setattr(download_module, "download", fetch)
    result = masam("models", "download", "sam-vit-b")
    assert result.exit_code == 0, result.output
    assert "sam_vit_b_01ec64.pth" in result.stdout


def test_a_failed_download_is_one_line(masam: Masam, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(known: Entry, progress: object) -> Path:
        raise DownloadError("The connection broke.")

    monkeypatch.setattr(download_module, "download", fetch)
    result = masam("models", "download", "sam-vit-b")
    assert result.exit_code == 1
    assert result.stderr.strip().endswith("Error: The connection broke.")


def test_what_cannot_be_downloaded_is_told_how_to_get(masam: Masam) -> None:
    result = masam("models", "download", "medsam-vit-b")
    assert result.exit_code == 1
    assert "masam models add" in result.stderr
    assert "comes with MASAM" in masam("models", "download", "bundled").stderr


def test_verify_tells_a_damaged_file_by_its_exit_code(masam: Masam, masam_home: Path) -> None:
    assert masam("models", "verify", "sam-vit-b").exit_code == 1
    path = path_of(entry("sam-vit-b"))
    path.parent.mkdir(parents=True)
    path.write_bytes(b"damaged")
    result = masam("models", "verify", "sam-vit-b")
    assert result.exit_code == 1
    assert hashlib.sha256(b"damaged").hexdigest() in result.stderr
    document = json.loads(masam("models", "verify", "sam-vit-b", "--json").stdout)
    assert document["verified"] is False


def test_verify_without_a_published_digest_shows_the_files_own(
    masam: Masam, masam_home: Path
) -> None:
    path = path_of(entry("medsam-vit-b"))
    path.parent.mkdir(parents=True)
    path.write_bytes(b"weights")
    result = masam("models", "verify", "medsam-vit-b")
    assert result.exit_code == 0
    assert "No sha256 is published" in result.stdout
    assert hashlib.sha256(b"weights").hexdigest() in result.stdout
