"""The smallest models that tests run on: four blocks of width 24, random weights.

Not for what the size of the network, or what it was trained on, is the matter of.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
import torch

from masam_core.model.backbones import BACKBONES, DINOV2, BackboneSpec
from masam_core.model.config import ModelConfig
from masam_core.model.masam import MASAM

NAME = "vit_tiny"
SPEC = BackboneSpec(DINOV2, 24, 4, 2, 14, position_grid=4)
# The same as settings of a training.
SETTINGS: dict[str, Any] = {
    "model.backbone": NAME,
    "model.image_size": 56,
    "model.fact_rank": 4,
    "model.adapter_width": 8,
}


@contextlib.contextmanager
def known() -> Iterator[None]:
    """Makes the backbone known for a while."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(BACKBONES, NAME, SPEC)
        yield


def config(**changes: Any) -> ModelConfig:
    """A configuration on the backbone, which must be known, at four tokens a side."""
    values = {key.removeprefix("model."): value for key, value in SETTINGS.items()}
    return ModelConfig(**{**values, **changes})


def build(seed: int = 0, **changes: Any) -> MASAM:
    """A model as training begins it; the backbone must be known."""
    torch.manual_seed(seed)
    return MASAM(config(**changes))


def build_shaken(seed: int = 0, amount: float = 0.05, **changes: Any) -> MASAM:
    """A model none of whose parts is at its identity start, for inference."""
    model = build(seed, **changes)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(amount * torch.randn_like(parameter))
    return model.eval()
