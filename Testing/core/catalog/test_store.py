"""Where models lie, adding one's own, and finding them by name."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from masam_core.catalog import bundled, store
from masam_core.catalog.entries import ENTRIES, entry
from masam_core.catalog.resolve import resolve_base, resolve_model
from masam_core.catalog.store import add, models_dir, path_of, stored
from masam_core.errors import CheckpointError, ConfigError
from masam_core.model import checkpoint


class Inspected:
    """What a checkpoint's inspection tells, as far as adding needs it."""

    sha256 = "f" * 64


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that passes for a model."""
    path = tmp_path / "mine.safetensors"
    save_file({"x": torch.zeros(3)}, str(path))
    monkeypatch.setattr(checkpoint, "inspect_checkpoint", lambda path: Inspected)
    return path


def test_the_store_lies_where_masam_home_says(masam_home: Path) -> None:
    assert models_dir() == masam_home / "models"


def test_without_masam_home_the_store_lies_among_the_users_data(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("MASAM_HOME")
    assert models_dir().is_relative_to(Path.home())
    assert models_dir().name == "models"
    assert "masam" in models_dir().parts


def test_a_model_is_added_under_its_own_name_and_found_by_it(weights: Path) -> None:
    added = add(weights)
    assert added.name == "mine"
    assert added.path.read_bytes() == weights.read_bytes()
    assert resolve_model("mine") == added.path
    assert "mine" in [s.name for s in stored()]


def test_a_model_is_added_under_a_chosen_name(weights: Path) -> None:
    assert add(weights, "liver v1.2").path == models_dir() / "liver v1.2.safetensors"
    assert resolve_model("liver v1.2").is_file()


def test_a_model_is_added_as_one_of_the_catalogue(weights: Path) -> None:
    added = add(weights, "masam-authors")
    assert added.entry == entry("masam-authors")
    assert resolve_model("masam-authors") == path_of(entry("masam-authors"))


def test_a_file_that_is_not_the_published_one_does_not_take_its_name(weights: Path) -> None:
    with pytest.raises(CheckpointError, match="not the published 'sam-vit-b'"):
        add(weights, "sam-vit-b")
    assert not path_of(entry("sam-vit-b")).exists()


@pytest.mark.parametrize("name", ["../outside", "a/b", "bundled"])
def test_names_that_are_no_file_names_or_taken_are_refused(weights: Path, name: str) -> None:
    with pytest.raises(CheckpointError, match=r"plain name|choose another name"):
        add(weights, name)


def test_what_is_no_model_is_not_added(tmp_path: Path) -> None:
    page = tmp_path / "model.pth"
    page.write_text("<!DOCTYPE html><html>quota exceeded</html>")
    with pytest.raises(CheckpointError, match="web page"):
        add(page)
    assert not models_dir().exists()


def test_a_model_that_is_not_here_yet_comes_with_the_way_to_get_it() -> None:
    with pytest.raises(CheckpointError, match="masam models download sam-vit-h"):
        resolve_model("sam-vit-h")
    with pytest.raises(CheckpointError, match="masam models add"):
        resolve_model("medsam-vit-b")


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="sam-vit-b, sam-vit-l"):
        resolve_model("sam-vit-x")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"nothing\.pth"):
        resolve_model(str(tmp_path / "nothing.pth"))


def test_the_authors_model_stands_on_the_sam_of_the_store(weights: Path) -> None:
    path = add(weights, "masam-authors").path
    assert resolve_base(path, None) is None
    base = path_of(entry("sam-vit-h"))
    base.write_bytes(weights.read_bytes())
    assert resolve_base(path, None) == base
    assert resolve_base(path, weights) == weights
    assert resolve_base(weights, None) is None


def test_the_catalogue_agrees_with_itself() -> None:
    names = [e.name for e in ENTRIES]
    files = [e.file for e in ENTRIES]
    assert len(set(names)) == len(names)
    assert len(set(files)) == len(files)
    for known in ENTRIES:
        assert known.url or known.how, f"no way to get {known.name}"
        assert known.needs is None or known.needs in names
        assert Path(known.file).suffix in store.WEIGHT_SUFFIXES
        if known.url:
            assert known.url.startswith("https://")
            assert known.url.endswith(known.file)
            assert known.sha256 is not None
            assert len(bytes.fromhex(known.sha256)) == 32


def test_files_inside_an_installed_package_go_before_those_of_a_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "masam_core"
    monkeypatch.setattr(bundled, "PACKAGE", package)
    with pytest.raises(CheckpointError, match="missing from this installation"):
        bundled.bundled_model_path()
    beside, inside = tmp_path / "Resources" / "Models", package / "_resources" / "Models"
    for folder in (beside, inside):
        folder.mkdir(parents=True)
        (folder / bundled.DELTA).touch()
    with pytest.raises(CheckpointError, match=bundled.BASE):
        bundled.bundled_model_path()  # a model without its backbone is of no use
    for folder in (beside, inside):
        (folder / bundled.BASE).touch()
        assert bundled.bundled_model_path() == folder / bundled.DELTA
        assert bundled.bundled_base_path() == folder / bundled.BASE
