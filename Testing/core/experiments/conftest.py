"""A tiny automatic model of BTCV's classes, trained for some steps on the miniature."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from masam_core.data.prepare.run import Options, prepare
from masam_core.model.backbones import BACKBONES, DINOV2, BackboneSpec
from masam_core.model.checkpoint import save_model
from masam_core.model.config import ModelConfig
from masam_core.model.masam import MASAM
from masam_core.training.presets import preset
from Testing.core.data.prepare import miniatures

pytest.importorskip("lightning_fabric", reason="the extra 'train' is not installed")

TINY = {
    "model.backbone": "vit_tiny",
    "model.image_size": 56,
    "model.fact_rank": 4,
    "model.adapter_width": 8,
    "accelerator": "cpu",
    "precision": "32-true",
    "checkpointing": False,
    "batch": 1,
    "at_once": 1,
    "steps": 2,
    "warmup": 1,
    "save_every": 1,
}


@pytest.fixture(scope="session", autouse=True)
def _tiny() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(BACKBONES, "vit_tiny", BackboneSpec(DINOV2, 24, 4, 2, 14, position_grid=4))
        yield


@pytest.fixture(scope="module")
def btcv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four prepared cases, two of them for the test."""
    root = tmp_path_factory.mktemp("btcv")
    source = miniatures.btcv(root, (1, 2, 35, 36))
    prepare("btcv", source, root / "data", Options(partial=True))
    return root / "data"


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the backbone ``tiny.safetensors``."""
    folder = tmp_path_factory.mktemp("bases")
    torch.manual_seed(0)
    save_model(MASAM(tiny_config()), folder / "tiny.safetensors", kind="base")
    return folder


def tiny_config() -> ModelConfig:
    """BTCV's twelve classes on a tiny backbone."""
    names = preset("btcv")["model"]["class_names"]
    return ModelConfig(
        name="tiny BTCV",
        backbone="vit_tiny",
        image_size=56,
        fact_rank=4,
        adapter_width=8,
        num_classes=12,
        class_names=tuple(names),
    )
