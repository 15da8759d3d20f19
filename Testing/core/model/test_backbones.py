"""A backbone is one class and one line: a made-up one is built, trained, saved, loaded and run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from masam_core.errors import ConfigError
from masam_core.image.geometry import Geometry
from masam_core.image.volume import Volume
from masam_core.inference.segmenter import Segmenter
from masam_core.model.backbones import BACKBONES, BackboneSpec, backbone_spec
from masam_core.model.checkpoint import inspect_checkpoint, load_model, new_model, save_model
from masam_core.model.config import ModelConfig
from masam_core.model.image_encoder import ImageEncoder
from masam_core.model.masam import MASAM
from masam_core.model.prompt import NetworkPrompt
from masam_core.prompts.boxes import BoxPrompt

from .conftest import assert_same, shake


class ToyEncoder(ImageEncoder):
    """Patches of 8 pixels, gated instead of attended to."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        width, depth = config.spec.width, config.spec.depth
        self.base = nn.ModuleDict(
            {
                "patches": nn.Conv2d(3, width, 8, stride=8),
                "qkv": nn.ModuleList(nn.Linear(width, 3 * width) for _ in range(depth)),
                "mlp": nn.ModuleList(nn.Linear(width, width) for _ in range(depth)),
                "out": nn.Conv2d(width, 256, 1),
            }
        )

    def embed(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        return self.base["patches"](images).permute(0, 2, 3, 1), []

    def attention(self, index: int, tokens: Tensor) -> Tensor:
        q, k, v = self.project(index, tokens).chunk(3, dim=-1)
        return torch.sigmoid(q * k) * v

    def mlp(self, index: int, tokens: Tensor) -> Tensor:
        return torch.tanh(self.base["mlp"][index](tokens))

    def head(self, tokens: Tensor) -> Tensor:
        return self.base["out"](self.to_map(tokens))

    def qkv_layer(self, index: int) -> nn.Linear:
        return self.base["qkv"][index]


TOY = BackboneSpec(f"{__name__}:ToyEncoder", width=8, depth=4, heads=1, patch=8)
CONFIG = {"backbone": "toy", "image_size": 32, "fact_rank": 2, "adapter_width": 4}


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> MASAM:
    """A random model on the made-up backbone."""
    monkeypatch.setitem(BACKBONES, "toy", TOY)
    torch.manual_seed(0)
    model = MASAM(ModelConfig.from_dict(CONFIG)).eval()
    shake(model)
    return model


def segment(model: MASAM) -> np.ndarray:
    """Probabilities in a box, from the product's own inference."""
    values = np.random.default_rng(0).normal(300, 50, (9, 24, 24)).astype(np.int16)
    volume = Volume(values, Geometry.from_spacing(values.shape, (1.0, 1.0, 3.0)), "MR")
    segmenter = Segmenter(model, device="cpu", precision="float32")
    segmenter.set_volume(volume)
    return segmenter.segment(BoxPrompt.from_voxels(5, 18, 6, 17, 2, 6)).probability


def test_a_made_up_backbone_is_saved_loaded_and_segments(toy: MASAM, tmp_path: Path) -> None:
    whole, base, delta = (tmp_path / f"{n}.safetensors" for n in ("whole", "base", "delta"))
    save_model(toy, whole)
    assert inspect_checkpoint(whole).summary == "MASAM model, whole, backbone toy"
    assert_same(load_model(whole), toy)
    save_model(toy, base, "base")
    trained = new_model(toy.config, base)
    trained.load_state_dict(toy.state_dict())
    save_model(trained, delta, "delta")
    assert_same(load_model(delta), toy)
    probability = segment(load_model(delta))
    assert probability.shape == (5, 12, 14)
    assert probability.std() > 0
    assert np.allclose(probability, segment(load_model(whole)), atol=1e-5)


@pytest.mark.parametrize("changes", [{}, {"decoder": "multiscale"}, {"detail_width": 4}])
def test_what_masam_adds_to_it_is_trained_and_folds_away(
    toy: MASAM, changes: dict[str, object]
) -> None:
    model = MASAM(ModelConfig.from_dict({**CONFIG, **changes}))
    shake(model)
    window, prompt = torch.rand(1, 5, 32, 32), NetworkPrompt(torch.rand(1, 5, 4) * 32)
    model(window, prompt)[0].square().mean().backward()
    encoder = model.image_encoder
    assert all(p.grad is not None for p in (*encoder.fact.parameters(),))
    assert all(p.grad is not None and p.grad.any() for p in encoder.adapters.parameters())
    assert all(p.grad is None for p in encoder.base.parameters())
    with torch.no_grad():
        before, _ = model.eval()(window, prompt)
        after, _ = model.fold()(window, prompt)
    assert torch.allclose(before, after, atol=1e-4)


def test_an_unknown_backbone_is_told_with_those_that_are_known(toy: MASAM) -> None:
    assert backbone_spec("toy") is TOY
    with pytest.raises(ConfigError, match=r"'vit_x'; expected vit_b, .*tiny_vit, .*toy"):
        backbone_spec("vit_x")
    with pytest.raises(ConfigError, match=r"\['toy'\]"):
        backbone_spec(["toy"])


def test_a_configuration_loads_no_torch() -> None:
    code = (
        "import sys\n"
        "from masam_core.model.config import ModelConfig\n"
        "ModelConfig(backbone='vit_h')\n"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "False", done.stderr


@pytest.mark.parametrize("name", BACKBONES)
def test_every_line_names_an_encoder_with_the_shape_it_says(name: str) -> None:
    spec = BACKBONES[name]
    assert spec.detail_decoder in spec.decoders
    with torch.device("meta"):
        model = MASAM(
            ModelConfig(
                backbone=name,
                image_size=2 * spec.patch,
                decoder=spec.detail_decoder,
                detail_width=4,
            )
        )
    widths = model.image_encoder.block_widths()
    assert (len(widths), widths[-1]) == (spec.depth, spec.width)
    assert all(
        model.image_encoder.qkv_layer(n).weight.shape == (3 * width, width)
        for n, width in enumerate(widths)
    )
