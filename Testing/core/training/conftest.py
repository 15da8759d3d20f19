"""A tiny model, and the tiny data set prepared for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from masam_core.data.reading import read_cases
from masam_core.model.backbones import BACKBONES, DINOV2, BackboneSpec
from masam_core.model.config import ModelConfig
from masam_core.training.prepared import PreparedCase, prepare_case


@pytest.fixture
def tiny_model(monkeypatch: pytest.MonkeyPatch) -> ModelConfig:
    spec = BackboneSpec(DINOV2, 24, 4, 2, 14, position_grid=4)
    monkeypatch.setitem(BACKBONES, "vit_tiny", spec)
    return ModelConfig(
        backbone="vit_tiny",
        image_size=56,
        fact_rank=4,
        adapter_width=8,
        field_of_view="prompt",
        shape_prior="ellipsoid",
    )


@pytest.fixture
def prepared(data: Path, tiny_model: ModelConfig) -> list[PreparedCase]:
    return [lesion for c in read_cases(data) for lesion in prepare_case(c, tiny_model)]
