"""The files of MA-SAM's authors: produced, read back, and refused where they can't stand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from masam_core.errors import CheckpointError
from masam_core.model.checkpoint import inspect_checkpoint, load_model, save_model
from masam_core.model.config import ModelConfig
from masam_core.model.formats.authors_names import to_authors
from masam_core.model.masam import MASAM

from ..conftest import Build, assert_same

SHARED = ("image_encoder.fact.", "image_encoder.adapters.", "prompt_encoder.", "mask_decoder.")


def test_the_authors_layout_is_produced_and_read_back(
    model: MASAM, sam_file: Path, tmp_path: Path
) -> None:
    path = tmp_path / "masam.pth"
    save_model(model, path, "authors")
    names = set(torch.load(path, weights_only=True))
    other = {n for n in names if not n.startswith(("prompt_encoder.", "mask_decoder."))}
    expected = {f"{kind}_FacTs_{n:03d}" for kind in "qv" for n in range(4)}
    expected |= {"image_encoder.FacTu.weight", "image_encoder.FacTv.weight"}
    for block in range(4):
        prefix = f"image_encoder.ImageEncoderViT.blocks.{block}.Block.adapter_"
        for second in ("", "_2"):
            expected |= {f"{prefix}norm{second}.{leaf}" for leaf in ("weight", "bias")}
            expected |= {f"{prefix}conv{second}.{leaf}" for leaf in ("weight", "bias")}
            expected |= {f"{prefix}linear_down{second}.weight", f"{prefix}linear_up{second}.weight"}
    assert other == expected
    again = load_model(path, base=sam_file, config=model.config)
    assert_same(again, model)
    info = inspect_checkpoint(path)
    assert info.kind == "authors"
    assert info.config is not None
    assert (info.config.fact_rank, info.config.num_classes) == (4, 2)


def test_the_authors_file_needs_its_sam_file(model: MASAM, tmp_path: Path) -> None:
    path = tmp_path / "masam.pth"
    save_model(model, path, "authors")
    with pytest.raises(CheckpointError, match="SAM vit_tiny file"):
        load_model(path)


def test_a_file_whose_shape_fits_no_sam_backbone_is_refused(tiny: None, tmp_path: Path) -> None:
    config = ModelConfig(backbone="vit_tiny14", image_size=56, fact_rank=4, adapter_width=8)
    delta = {k: v for k, v in MASAM(config).state_dict().items() if k.startswith(SHARED)}
    torch.save(to_authors(delta), tmp_path / "masam.pth")
    with pytest.raises(CheckpointError, match="width 24 and 4 blocks; known are vit_b"):
        load_model(tmp_path / "masam.pth", base=tmp_path / "masam.pth")


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"half": True}, "leave out --half"), ({"metadata": {"a": "b"}}, "no place for metadata")],
)
def test_what_the_authors_layout_cannot_hold_is_refused(
    model: MASAM, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(CheckpointError, match=message):
        save_model(model, tmp_path / "masam.pth", "authors", **changes)
    assert not (tmp_path / "masam.pth").exists()


@pytest.mark.parametrize(
    "changes", [{"fact_rank": 0}, {"adapter_position": "before"}, {"backbone": "vit_tiny14"}]
)
def test_a_model_of_another_shape_has_no_place_in_the_authors_layout(
    tiny_config: Build, tmp_path: Path, changes: dict[str, Any]
) -> None:
    size = 56 if "backbone" in changes else 128
    with pytest.raises(CheckpointError, match="needs a SAM backbone, FacT, and adapters in both"):
        save_model(MASAM(tiny_config(image_size=size, **changes)), tmp_path / "x.pth", "authors")
