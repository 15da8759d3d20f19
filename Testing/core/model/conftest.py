"""Tiny backbones, and a SAM file and a model on one of them, so that every path runs in moments."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch
from segment_anything.modeling import (
    ImageEncoderViT,
    MaskDecoder,
    PromptEncoder,
    Sam,
    TwoWayTransformer,
)
from torch import nn

from masam_core.model.backbones import BACKBONES, DINOV2, SAM, BackboneSpec
from masam_core.model.checkpoint import new_model
from masam_core.model.config import ModelConfig
from masam_core.model.masam import MASAM

Build = Callable[..., ModelConfig]
TINY = BackboneSpec(SAM, 32, 4, 2, 16, (1, 3), window=3)
TINY_DINO = BackboneSpec(DINOV2, 24, 4, 2, 14, position_grid=5)


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the backbones ``vit_tiny`` (SAM layout) and ``vit_tiny14`` (DINOv2) known."""
    monkeypatch.setitem(BACKBONES, "vit_tiny", TINY)
    monkeypatch.setitem(BACKBONES, "vit_tiny14", TINY_DINO)


@pytest.fixture
def tiny_config(tiny: None) -> Callable[..., ModelConfig]:
    """Builds a config on the tiny SAM backbone at 128 pixels."""

    def build(**changes: object) -> ModelConfig:
        values: dict[str, object] = {
            "backbone": "vit_tiny",
            "image_size": 128,
            "fact_rank": 4,
            "adapter_width": 8,
        }
        return ModelConfig(**{**values, **changes})  # type: ignore[arg-type]

    return build


@torch.no_grad()
def shake(module: nn.Module, amount: float = 0.05) -> None:
    """Move every parameter off its initial value, zeros included."""
    for parameter in module.parameters():
        parameter.add_(amount * torch.randn_like(parameter))


def reference_sam(image_size: int = 128, spec: BackboneSpec = TINY) -> Sam:
    """A random SAM put together from segment-anything's own parts."""
    grid = image_size // spec.patch
    sam = Sam(
        image_encoder=ImageEncoderViT(
            img_size=image_size,
            patch_size=spec.patch,
            embed_dim=spec.width,
            depth=spec.depth,
            num_heads=spec.heads,
            norm_layer=partial(nn.LayerNorm, eps=1e-6),
            use_rel_pos=True,
            window_size=spec.window,
            global_attn_indexes=spec.global_blocks,
            out_chans=256,
        ),
        prompt_encoder=PromptEncoder(
            embed_dim=256,
            image_embedding_size=(grid, grid),
            input_image_size=(image_size, image_size),
            mask_in_chans=16,
        ),
        mask_decoder=MaskDecoder(
            num_multimask_outputs=3,
            transformer=TwoWayTransformer(depth=2, embedding_dim=256, mlp_dim=2048, num_heads=8),
            transformer_dim=256,
        ),
    )
    shake(sam)
    return sam.eval()


@pytest.fixture
def sam_file(tiny: None, tmp_path: Path) -> Path:
    torch.manual_seed(0)
    path = tmp_path / "sam_tiny.pth"
    torch.save(reference_sam().state_dict(), path)
    return path


@pytest.fixture
def model(sam_file: Path, tiny_config: Build) -> MASAM:
    """A trained-looking MA-SAM on the backbone of ``sam_file``."""
    torch.manual_seed(1)
    out = new_model(tiny_config(num_classes=2), sam_file)
    with torch.no_grad():
        for parameter in out.trainable().values():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return out


def assert_same(a: MASAM, b: MASAM) -> None:
    assert a.config == b.config
    first, second = a.state_dict(), b.state_dict()
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert torch.equal(a.pixel_mean, b.pixel_mean)
