"""int8: near float32, in the encoder's linear layers alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from masam_core.errors import CheckpointError, ConfigError
from masam_core.model.config import ModelConfig
from masam_core.model.masam import MASAM
from masam_core.model.quantize import prepare_int8

from .conftest import shake


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"backbone": "vit_tiny14", "image_size": 56},
        {"backbone": "tiny_vit", "image_size": 56, "decoder": "sam"},
    ],
)
def test_int8_stays_near_float32(
    tiny_config: Callable[..., ModelConfig], changes: dict[str, object]
) -> None:
    torch.manual_seed(0)
    config = tiny_config(**changes)
    model = MASAM(config).eval()
    shake(model)
    window = torch.rand(1, 5, config.image_size, config.image_size)
    with torch.inference_mode():
        exact = model.encode(window).image
        prepare_int8(model)
        assert prepare_int8(model).prepared == "int8"  # again changes nothing
        rounded = model.encode(window).image
    error = (rounded - exact).abs()
    assert 0 < error.mean() < 0.1 * exact.abs().mean()
    assert not any(isinstance(m, nn.Linear) for m in model.image_encoder.modules())
    assert any(isinstance(m, nn.Linear) for m in model.mask_decoder.modules())


def test_where_pytorch_has_none_it_says_what_to_do(
    tiny_config: Callable[..., ModelConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("Didn't find engine for operation")

    monkeypatch.setattr(torch.ao.quantization, "quantize_dynamic", fail)
    with pytest.raises(ConfigError, match="float32"):
        prepare_int8(MASAM(tiny_config()).eval())


def test_an_int8_model_is_no_other_afterwards(tiny_config: Callable[..., ModelConfig]) -> None:
    model = prepare_int8(MASAM(tiny_config()).eval())
    with pytest.raises(CheckpointError, match="prepared for int8"):
        model.prepare(torch.float32)
    with pytest.raises(CheckpointError, match="prepared for bfloat16"):
        prepare_int8(MASAM(tiny_config()).eval().prepare(torch.bfloat16))
