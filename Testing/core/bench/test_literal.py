"""The literal procedure and the product path give the same logits."""

from __future__ import annotations

import copy

import pytest
import torch

from masam_core.bench.literal import LiteralMASAM
from masam_core.errors import CheckpointError, ConfigError
from masam_core.model.backbones import BACKBONES, DINOV2, SAM, BackboneSpec
from masam_core.model.config import ModelConfig
from masam_core.model.masam import MASAM
from masam_core.model.prompt import NetworkPrompt


@pytest.fixture(autouse=True)
def small_backbones(monkeypatch: pytest.MonkeyPatch) -> None:
    sam = BackboneSpec(SAM, 32, 4, 2, 16, (1, 3), window=3)
    dino = BackboneSpec(DINOV2, 24, 4, 2, 14, position_grid=5)
    monkeypatch.setitem(BACKBONES, "vit_tiny", sam)
    monkeypatch.setitem(BACKBONES, "vit_tiny14", dino)


def random_model(**changes: object) -> MASAM:
    """A model none of whose parts is at its identity start."""
    values: dict[str, object] = {"fact_rank": 4, "adapter_width": 8, "fact_scale": 0.5}
    torch.manual_seed(0)
    model = MASAM(ModelConfig(**{**values, **changes})).eval()  # type: ignore[arg-type]
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model


CASES = {
    "sam": {"backbone": "vit_tiny", "image_size": 128},
    "sam, whole windows": {"backbone": "vit_tiny", "image_size": 96},
    "sam, multiscale": {"backbone": "vit_tiny", "image_size": 128, "decoder": "multiscale"},
    "sam, its own decoder": {"backbone": "vit_tiny", "image_size": 128, "decoder": "sam"},
    "sam, adapters before": {
        "backbone": "vit_tiny",
        "image_size": 128,
        "adapter_position": "before",
        "fact_rank": 0,
    },
    "dinov2": {"backbone": "vit_tiny14", "image_size": 56, "shape_prior": "ellipsoid"},
    "dinov2, detail": {"backbone": "vit_tiny14", "image_size": 56, "detail_width": 4},
}


@pytest.mark.parametrize("changes", CASES.values(), ids=CASES)
def test_the_product_path_gives_the_literal_logits(changes: dict[str, object]) -> None:
    model = random_model(**changes)
    size, grid = model.config.image_size, model.config.grid
    window = torch.rand(2, 5, size, size)
    boxes = torch.tensor([[9.0, 12, 40, 45]]).expand(10, 4)
    prompt = NetworkPrompt(boxes)
    if model.config.shape_prior != "none":
        prompt.masks = torch.randn(10, 1, 4 * grid, 4 * grid)
    literal, folded = LiteralMASAM(model), copy.deepcopy(model).fold()
    with torch.inference_mode():
        expected = literal.decode(literal.encode(window), prompt)
        got, _ = folded.decode(folded.encode(window), prompt)
    assert (got - expected).abs().max() < 1e-3
    assert expected.std() > 0.01
    # Training's path, with gradients, is the same function too.
    trained, _ = model.decode(model.encode(window), prompt)
    assert (trained - expected).abs().max() < 1e-3


def test_neighbouring_slices_and_fact_have_a_say() -> None:
    model = random_model(backbone="vit_tiny", image_size=128)
    literal = LiteralMASAM(model)
    window = torch.rand(1, 5, 128, 128)
    changed = window.clone()
    changed[0, 4] = 0
    with torch.inference_mode():
        before = literal.encode(window).image
        assert not torch.allclose(before[2], literal.encode(changed).image[2], atol=1e-4)
        model.image_encoder.fact.v.weight.zero_()
        assert not torch.allclose(before, literal.encode(window).image, atol=1e-4)


def test_a_folded_model_and_other_backbones_are_refused() -> None:
    with pytest.raises(CheckpointError, match="prepared for inference"):
        LiteralMASAM(random_model(backbone="vit_tiny", image_size=128).fold())
    with pytest.raises(ConfigError, match="tiny_vit"):
        LiteralMASAM(MASAM(ModelConfig(backbone="tiny_vit", image_size=56)))
