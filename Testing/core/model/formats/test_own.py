"""MASAM's own files, bit by bit, and what a user reads when one is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from masam_core.errors import CheckpointError
from masam_core.model.checkpoint import inspect_checkpoint, load_model, new_model, save_model
from masam_core.model.masam import MASAM

from ..conftest import Build, assert_same, reference_sam


def test_a_whole_model_comes_back_bit_by_bit(model: MASAM, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_model(model, path)
    assert_same(load_model(path), model)
    assert [p.name for p in tmp_path.iterdir() if "part" in p.name] == []


def test_a_delta_comes_back_bit_by_bit_on_its_base(model: MASAM, sam_file: Path) -> None:
    path = sam_file.parent / "delta.safetensors"
    save_model(model, path, kind="delta", metadata={"licence": "Apache-2.0"})
    assert not any(name.startswith("image_encoder.base.") for name in load_file(path))
    assert_same(load_model(path), model)  # the base lies beside it
    assert_same(load_model(path, base=sam_file), model)
    assert inspect_checkpoint(path).details["licence"] == "Apache-2.0"


def test_a_base_of_our_own_serves_as_backbone(model: MASAM, tmp_path: Path) -> None:
    base, delta = tmp_path / "base.safetensors", tmp_path / "delta.safetensors"
    save_model(model, base, kind="base")
    again = new_model(model.config, base)
    again.load_state_dict(model.state_dict())
    save_model(again, delta, kind="delta")
    assert_same(load_model(delta), model)
    with pytest.raises(CheckpointError, match="only a backbone"):
        load_model(base)


def test_half_precision_is_exact_the_second_time(model: MASAM, tmp_path: Path) -> None:
    once, twice = tmp_path / "once.safetensors", tmp_path / "twice.safetensors"
    save_model(model, once, half=True)
    loaded = load_model(once)
    assert next(loaded.parameters()).dtype == torch.float32
    save_model(loaded, twice, half=True)
    first, second = load_file(once), load_file(twice)
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_newer_format_asks_for_an_update(model: MASAM, tmp_path: Path) -> None:
    path = tmp_path / "new.safetensors"
    save_file({"a": torch.zeros(1)}, path, metadata={"masam_format": "9", "part": "whole"})
    with pytest.raises(CheckpointError, match="Update MASAM"):
        load_model(path)


def test_a_wrong_damaged_or_missing_base_is_told(
    model: MASAM, sam_file: Path, tmp_path: Path
) -> None:
    delta = tmp_path / "delta.safetensors"
    save_model(model, delta, kind="delta")
    other = tmp_path / "other.pth"
    torch.save(reference_sam().state_dict(), other)
    with pytest.raises(CheckpointError, match="not the one"):
        load_model(delta, base=other)
    sam_file.unlink()
    with pytest.raises(CheckpointError, match=r"sam_tiny\.pth, which is not beside it"):
        load_model(delta)


def test_a_delta_without_a_known_base_is_not_saved(tiny_config: Build, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="save it whole"):
        save_model(MASAM(tiny_config()), tmp_path / "x.safetensors", kind="delta")
