"""Reading and writing weight files: what is no such file, is cut short or can't be written."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch

from masam_core.errors import CheckpointError
from masam_core.model.checkpoint import load_model, save_model
from masam_core.model.masam import MASAM


def test_wrapped_and_prefixed_state_dicts_are_unwrapped(sam_file: Path) -> None:
    state = torch.load(sam_file, weights_only=True)
    wrapped = sam_file.with_name("wrapped.pth")
    torch.save({"model": {f"module.{k}": v for k, v in state.items()}, "epoch": 3}, wrapped)
    first, second = load_model(wrapped).state_dict(), load_model(sam_file).state_dict()
    assert all(torch.equal(first[k], second[k]) for k in second)


class _Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (exec, ("raise SystemExit('code in a weight file was run')",))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"<!DOCTYPE html><html>Google Drive - virus scan warning</html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "Git LFS"),
        (b"NRRD0004\n# a picture\n", "an image"),
        (b"PK\x03\x04 a zip that stops", "damaged or incomplete"),
        (pickle.dumps(_Evil(), protocol=2), "could run code"),
    ],
)
def test_what_is_no_weight_file_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "model.pth"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=message):
        load_model(path)


@pytest.mark.parametrize("share", [0.3, 0.9, 0.999])
def test_truncated_files_are_called_incomplete(
    model: MASAM, sam_file: Path, tmp_path: Path, share: float
) -> None:
    whole = tmp_path / "whole.safetensors"
    save_model(model, whole)
    for source in (whole, sam_file):
        cut = tmp_path / f"cut{source.suffix}"
        content = source.read_bytes()
        cut.write_bytes(content[: int(len(content) * share)])
        with pytest.raises(CheckpointError, match="incomplete"):
            load_model(cut)


def test_missing_file_and_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no weight file"):
        load_model(tmp_path / "nothing.pth")
    with pytest.raises(CheckpointError, match="folder"):
        load_model(tmp_path)


def test_saving_into_a_missing_folder_is_told_and_leaves_nothing(
    model: MASAM, tmp_path: Path
) -> None:
    with pytest.raises(CheckpointError, match="Make it first"):
        save_model(model, tmp_path / "none" / "x.safetensors")


def test_weights_may_be_read_by_whoever_may_read_other_files(model: MASAM, tmp_path: Path) -> None:
    save_model(model, tmp_path / "model.safetensors")
    (tmp_path / "other").touch()
    modes = {(tmp_path / n).stat().st_mode for n in ("model.safetensors", "other")}
    assert len(modes) == 1


def test_a_failed_write_leaves_the_old_file(
    model: MASAM, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.safetensors"
    save_model(model, path)
    before = path.read_bytes()

    def full(*args: object, **kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("masam_core.model.state_files.save_file", full)
    with pytest.raises(CheckpointError, match="the disk is full"):
        save_model(model, path)
    assert path.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["model.safetensors", "sam_tiny.pth"]
