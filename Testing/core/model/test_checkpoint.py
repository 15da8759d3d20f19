"""Loading, starting and saving models: what does not fit is named."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from masam_core.errors import CheckpointError
from masam_core.model.checkpoint import load_model, new_model, save_model
from masam_core.model.config import ModelConfig
from masam_core.model.masam import MASAM

from .conftest import Build, shake


def test_other_peoples_safetensors_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file({"lm_head.weight": torch.zeros(3)}, path)
    with pytest.raises(CheckpointError, match=r"lm_head\.weight"):
        load_model(path)


def test_a_missing_or_foreign_tensor_is_never_passed_over(model: MASAM, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_model(model, path)
    metadata = {"masam_format": "1", "part": "whole", "config": model.config.to_json()}
    state = load_file(path)
    lacking = dict(state)
    lacking.pop("mask_decoder.iou_token.weight")
    save_file(lacking, path, metadata=metadata)
    with pytest.raises(CheckpointError, match=r"lacks mask_decoder\.iou_token\.weight"):
        load_model(path)
    save_file({**state, "surplus": torch.zeros(1)}, path, metadata=metadata)
    with pytest.raises(CheckpointError, match="unknown surplus"):
        load_model(path)
    state["mask_decoder.iou_token.weight"] = torch.zeros(2, 256)
    save_file(state, path, metadata=metadata)
    with pytest.raises(CheckpointError, match=r"\(2, 256\) in the file, expected \(1, 256\)"):
        load_model(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fact_rank": 8}, "FacT rank 4 found, 8 expected"),
        ({"num_classes": 5}, "classes 2 found, 5 expected"),
        ({"adapter_width": 16}, "adapter width 8 found, 16 expected"),
    ],
)
def test_an_expected_config_that_differs_is_told(
    model: MASAM, tiny_config: Build, tmp_path: Path, change: dict[str, int], message: str
) -> None:
    ours, authors = tmp_path / "model.safetensors", tmp_path / "authors.pth"
    save_model(model, ours)
    save_model(model, authors, "authors")
    expected = tiny_config(**{"num_classes": 2, **change})
    with pytest.raises(CheckpointError, match=message):
        load_model(ours, config=expected)
    with pytest.raises(CheckpointError, match=message):
        load_model(authors, base=tmp_path / "sam_tiny.pth", config=expected)


def test_a_base_of_another_backbone_is_told(sam_file: Path) -> None:
    config = ModelConfig(backbone="vit_b")
    with pytest.raises(CheckpointError, match="vit_tiny; this model stands on vit_b"):
        new_model(config, sam_file)
    with pytest.raises(CheckpointError, match="asks for vit_b"):
        load_model(sam_file, config=config)


def test_a_folded_model_is_not_saved(model: MASAM, tmp_path: Path) -> None:
    model.fold()
    for kind in ("whole", "delta", "authors"):
        with pytest.raises(CheckpointError, match="folded"):
            save_model(model, tmp_path / "x.safetensors", kind)
    assert not (tmp_path / "x.safetensors").exists()


def test_a_model_starts_from_light_weights_only_where_they_fit(
    sam_file: Path, tiny_config: Build, tmp_path: Path
) -> None:
    nothing = tmp_path / "nothing.pth"
    torch.save({"image_encoder.x": torch.zeros(1)}, nothing)
    with pytest.raises(CheckpointError, match="no prompt encoder"):
        new_model(tiny_config(), sam_file, nothing)
    started = new_model(tiny_config(), sam_file, sam_file)
    shake(started)
    assert started.base_file == "sam_tiny.pth"


def test_weights_rounded_for_inference_are_not_saved_as_the_original(
    tiny_config: Build, tmp_path: Path
) -> None:
    model = MASAM(tiny_config(fact_rank=0)).eval().prepare(torch.bfloat16)
    with pytest.raises(CheckpointError, match="bfloat16"):
        save_model(model, tmp_path / "x.safetensors")
    assert not list(tmp_path.iterdir())
