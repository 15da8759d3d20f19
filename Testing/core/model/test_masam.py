"""The whole network against segment-anything, and its guarantees on batches and gradients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from segment_anything import SamPredictor
from torch.nn import functional as F

from masam_core.errors import CheckpointError
from masam_core.model.checkpoint import load_model
from masam_core.model.config import SAM_PIXEL_MEAN, SAM_PIXEL_STD, ModelConfig
from masam_core.model.encoders.sam import SamImageEncoder
from masam_core.model.masam import MASAM, Embedding
from masam_core.model.mask_decoder import MaskDecoder
from masam_core.model.prompt import NetworkPrompt

from .conftest import reference_sam, shake

Build = Callable[..., ModelConfig]
SAM_PIXELS = {"pixel_mean": SAM_PIXEL_MEAN, "pixel_std": SAM_PIXEL_STD}


def test_a_fresh_masam_with_the_sam_decoder_gives_sam_predictors_masks(
    tiny_config: Build, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    sam = reference_sam()
    file = tmp_path / "sam.pth"
    torch.save(sam.state_dict(), file)
    model = load_model(file, config=tiny_config(decoder="sam", **SAM_PIXELS))
    rng = np.random.default_rng(0)
    slices = rng.integers(0, 256, size=(5, 128, 128), dtype=np.uint8)
    box = np.array([22.0, 31.0, 97.0, 80.0])
    predictor = SamPredictor(sam)
    with torch.no_grad():
        logits, _ = model(
            torch.from_numpy(slices / 255.0).float()[None],
            NetworkPrompt(torch.from_numpy(box).float().expand(1, 5, 4)),
        )
    for number in range(5):
        # FacT and adapters are at their identity start, so neighbouring slices have no say.
        predictor.set_image(np.repeat(slices[number][..., None], 3, axis=2))
        _, _, low_res = predictor.predict(box=box, multimask_output=False, return_logits=True)
        ours = logits[0, number, 1].numpy()
        assert np.abs(ours - low_res[0]).max() < 1e-3
        assert np.array_equal(ours > 0, low_res[0] > 0)
        assert (ours > 0).any()


@pytest.mark.parametrize("size", [128, 80])
def test_image_encoder_equals_segment_anythings_also_with_padded_windows(
    tiny_config: Build, size: int
) -> None:
    torch.manual_seed(1)
    sam = reference_sam(size)
    encoder = SamImageEncoder(tiny_config(image_size=size)).eval()
    encoder.base.load_state_dict(sam.image_encoder.state_dict())
    images = torch.randn(5, 3, size, size)
    with torch.no_grad():
        ours, skips = encoder(images, 5)
        assert torch.allclose(ours, sam.image_encoder(images), atol=1e-4)
    assert skips == []


def test_sam_decoder_equals_segment_anythings(tiny_config: Build) -> None:
    torch.manual_seed(2)
    sam = reference_sam()
    decoder = MaskDecoder(tiny_config(decoder="sam")).eval()
    decoder.load_state_dict(sam.mask_decoder.state_dict())
    embedding, positions = torch.randn(1, 256, 8, 8), torch.randn(1, 256, 8, 8)
    sparse, dense = torch.randn(1, 2, 256), torch.randn(1, 256, 8, 8)
    with torch.no_grad():
        masks, iou = sam.mask_decoder.predict_masks(embedding, positions, sparse, dense)
        logits, quality = decoder(embedding, positions, sparse, dense, [])
    assert torch.allclose(logits[:, 1:], masks[:, :1], atol=1e-4)
    assert torch.allclose(quality, iou[:, :1].expand(-1, 2), atol=1e-5)
    assert torch.allclose(logits.softmax(1)[:, 1], masks[:, 0].sigmoid(), atol=1e-5)


@pytest.mark.parametrize("classes", [1, 4])
@pytest.mark.parametrize("decoder", ["progressive", "multiscale"])
def test_logits_come_at_input_resolution_with_one_channel_a_class(
    tiny_config: Build, decoder: str, classes: int
) -> None:
    model = MASAM(tiny_config(decoder=decoder, num_classes=classes)).eval()
    logits, quality = model(torch.rand(2, 5, 128, 128), NetworkPrompt(torch.rand(2, 5, 4) * 100))
    assert logits.shape == (2, 5, classes + 1, 128, 128)
    assert quality.shape == (2, 5, classes + 1)


def test_progressive_upsampling_halves_channels_as_in_the_paper(tiny_config: Build) -> None:
    decoder = MaskDecoder(tiny_config())
    widths = [
        (m.in_channels, m.out_channels)
        for m in decoder.output_upscaling
        if isinstance(m, torch.nn.ConvTranspose2d)
    ]
    assert widths == [(256, 64), (64, 32), (32, 16), (16, 8)]


def test_multiscale_reads_the_encoders_features(tiny_config: Build) -> None:
    torch.manual_seed(3)
    model = MASAM(tiny_config(decoder="multiscale")).eval()
    shake(model)
    windows, box = torch.rand(1, 5, 128, 128), torch.tensor([20.0, 20, 90, 90]).expand(5, 4)
    prompt = NetworkPrompt(box)
    with torch.no_grad():
        embedding = model.encode(windows)
        assert [tuple(s.shape) for s in embedding.skips] == [(5, 32, 8, 8)] * 3
        plain, _ = model.decode(embedding, prompt)
        for number in range(3):
            changed = [s.clone() for s in embedding.skips]
            changed[number] += 1.0
            other, _ = model.decode(replace(embedding, skips=changed), prompt)
            assert not torch.allclose(plain, other, atol=1e-4)


def test_windows_and_boxes_of_a_batch_do_not_influence_each_other(tiny_config: Build) -> None:
    torch.manual_seed(4)
    model = MASAM(tiny_config()).eval()
    shake(model)
    windows = torch.rand(2, 5, 128, 128)
    boxes = torch.tensor([[20.0, 20, 60, 60], [40.0, 30, 100, 110]])[:, None].expand(2, 5, 4)
    prompt = NetworkPrompt(boxes, torch.randn(2, 5, 1, 32, 32))
    with torch.no_grad():
        both, _ = model(windows, prompt)
        for n in range(2):
            one = slice(n, n + 1)
            alone, _ = model(windows[one], prompt.map(lambda tensor, one=one: tensor[one]))
            assert torch.allclose(both[n], alone[0], atol=1e-4)
        moved = boxes.clone()
        moved[0, 2] += 9.0
        other, _ = model(windows, replace(prompt, boxes=moved))
    same = [torch.allclose(both[0, s], other[0, s], atol=1e-5) for s in range(5)]
    assert same == [True, True, False, True, True]


def test_slices_see_their_neighbours_once_the_adapters_are_trained(tiny_config: Build) -> None:
    torch.manual_seed(5)
    model = MASAM(tiny_config()).eval()
    windows = torch.rand(1, 5, 128, 128)
    changed = windows.clone()
    changed[0, 0] = torch.rand(128, 128)
    with torch.no_grad():
        fresh = model.encode(windows).image - model.encode(changed).image
        assert not fresh[1:].any()
        shake(model)
        trained = model.encode(windows).image - model.encode(changed).image
    assert trained[1].abs().max() > 1e-4


@pytest.mark.parametrize("decoder", ["progressive", "multiscale", "sam"])
def test_without_prompts_the_model_segments_automatically(tiny_config: Build, decoder: str) -> None:
    model = MASAM(tiny_config(decoder=decoder)).eval()
    logits, _ = model(torch.rand(1, 5, 128, 128), NetworkPrompt())
    assert logits.shape[:3] == (1, 5, 2)
    prompted, _ = model(torch.rand(1, 5, 128, 128), NetworkPrompt(torch.rand(1, 5, 4)))
    assert prompted.shape == logits.shape


@pytest.mark.parametrize("backbone", ["vit_tiny", "vit_tiny14"])
def test_only_what_masam_adds_is_trained(tiny: None, backbone: str) -> None:
    size = 128 if backbone == "vit_tiny" else 56
    config = ModelConfig(backbone=backbone, image_size=size, fact_rank=4, adapter_width=8)
    model = MASAM(config)
    shake(model)
    masks = torch.randn(1, 5, 1, 4 * config.grid, 4 * config.grid)
    prompt = NetworkPrompt(torch.rand(1, 5, 4) * 50, masks)
    logits, _ = model(torch.rand(1, 5, size, size), prompt)
    logits.square().mean().backward()
    for name, parameter in model.named_parameters():
        frozen = name.startswith("image_encoder.base.")
        assert parameter.requires_grad is not frozen
        assert not (frozen and parameter.grad is not None)
    added = [n for n, p in model.named_parameters() if p.grad is not None and p.grad.any()]
    for part in ("image_encoder.fact.u", "image_encoder.adapters.0.before", "mask_decoder"):
        assert any(name.startswith(part) for name in added)
    assert set(model.trainable()) == {n for n, p in model.named_parameters() if p.requires_grad}


def test_dinov2_layout_equals_a_plain_transformer(tiny: None) -> None:
    torch.manual_seed(6)
    config = ModelConfig(
        backbone="vit_tiny14",
        image_size=56,
        fact_rank=0,
        adapter_position="none",
    )
    model = MASAM(config).eval()
    shake(model)
    encoder, base = model.image_encoder, model.image_encoder.base
    images = torch.randn(2, 3, 56, 56)
    state = {k: v.detach() for k, v in base.state_dict().items()}
    patches = F.conv2d(images, state["patch_embed.weight"], state["patch_embed.bias"], stride=14)
    positions = F.interpolate(state["pos_embed"].permute(0, 3, 1, 2), size=(4, 4), mode="bilinear")
    x = (patches + positions).flatten(2).transpose(1, 2)
    x = torch.cat([state["class_token"].expand(2, 1, 24), x], dim=1)
    for i in range(4):
        b = {k.removeprefix(f"blocks.{i}."): v for k, v in state.items()}
        h = F.layer_norm(x, (24,), b["norm1.weight"], b["norm1.bias"], 1e-6)
        q, k, v = F.linear(h, b["qkv.weight"], b["qkv.bias"]).chunk(3, dim=-1)
        heads = []
        for part in (slice(0, 12), slice(12, 24)):
            score = q[..., part] @ k[..., part].transpose(1, 2) / 12**0.5
            heads.append(score.softmax(-1) @ v[..., part])
        h = F.linear(torch.cat(heads, -1), b["proj.weight"], b["proj.bias"])
        x = x + b["scale1"] * h
        h = F.layer_norm(x, (24,), b["norm2.weight"], b["norm2.bias"], 1e-6)
        h = F.linear(
            F.gelu(F.linear(h, b["fc1.weight"], b["fc1.bias"])), b["fc2.weight"], b["fc2.bias"]
        )
        x = x + b["scale2"] * h
    x = F.layer_norm(x, (24,), state["norm.weight"], state["norm.bias"], 1e-6)
    expected = encoder.neck(x[:, 1:].transpose(1, 2).unflatten(2, (4, 4)))
    with torch.no_grad():
        got, _ = encoder(images, 1)
    assert torch.allclose(got, expected, atol=1e-4)


@pytest.mark.parametrize("decoder", ["progressive", "sam"])
def test_a_part_of_the_slice_decodes_as_it_does_in_the_whole(
    tiny_config: Build, decoder: str
) -> None:
    torch.manual_seed(7)
    model = MASAM(tiny_config(decoder=decoder)).eval()
    shake(model)
    pixel = model.config.logits_side // model.config.grid
    prompt = NetworkPrompt(torch.tensor([20.0, 20, 90, 90]).expand(5, 4))
    with torch.no_grad():
        embedding = model.encode(torch.rand(1, 5, 128, 128))
        whole, quality = model.decode(embedding, prompt)
        part, same = model.decode(embedding, prompt, part=(slice(2, 5), slice(1, 8)))
    assert model.mask_decoder.local
    assert part.shape == (5, 2, 3 * pixel, 7 * pixel)
    assert torch.allclose(part, whole[:, :, 2 * pixel : 5 * pixel, pixel : 8 * pixel], atol=1e-5)
    assert torch.equal(quality, same)


@pytest.mark.parametrize("changes", [{"decoder": "multiscale"}, {"detail_width": 4}])
def test_decoders_that_look_around_say_so(tiny_config: Build, changes: dict[str, object]) -> None:
    assert not MASAM(tiny_config(**changes)).mask_decoder.local


def test_prepared_weights_are_rounded_but_for_the_prompts(tiny_config: Build) -> None:
    torch.manual_seed(8)
    model = MASAM(tiny_config()).eval()
    shake(model)
    window = torch.rand(1, 5, 128, 128)
    prompt = NetworkPrompt(torch.tensor([20.0, 20, 90, 90]).expand(5, 4))
    with torch.inference_mode():
        exact, _ = model.decode(model.encode(window), prompt)
    model.prepare(torch.bfloat16)
    assert model.image_encoder.qkv_layer(0).weight.dtype == torch.bfloat16
    assert {p.dtype for p in model.prompt_encoder.parameters()} == {torch.float32}
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        rounded, _ = model.decode(model.encode(window), prompt)
    assert 0 < (rounded - exact).abs().max() < 0.1 * exact.abs().max()
    model.prepare(torch.bfloat16)  # again changes nothing
    with pytest.raises(CheckpointError, match="prepared for bfloat16"):
        model.prepare(torch.float32)


def test_a_box_does_not_lose_precision_in_bfloat16(tiny_config: Build) -> None:
    torch.manual_seed(9)
    model = MASAM(tiny_config()).eval()
    seen: list[torch.Tensor] = []
    model.prompt_encoder.register_forward_hook(lambda _m, _i, out: seen.append(out[0]))
    window = torch.rand(1, 5, 128, 128)
    prompt = NetworkPrompt(torch.tensor([20.3, 20, 90, 90.7]).expand(5, 4))
    with torch.inference_mode():
        embedding = model.encode(window)
        model.decode(embedding, prompt)
        with torch.autocast("cpu", torch.bfloat16):
            model.decode(embedding, prompt)
    assert torch.equal(seen[0], seen[1])


def test_prompts_are_encoded_in_float32_whatever_they_come_in(tiny_config: Build) -> None:
    torch.manual_seed(1)
    model = MASAM(tiny_config(shape_prior="ellipsoid")).eval()
    embedding = Embedding(torch.randn(2, 256, 8, 8), [])
    boxes = torch.tensor([[8.0, 16, 64, 96]]).expand(2, 4)  # exact in bfloat16 too
    prompt = NetworkPrompt(boxes, torch.randint(-3, 4, (2, 1, 32, 32)).float())
    half = prompt.map(torch.Tensor.bfloat16)
    with torch.inference_mode():
        assert torch.equal(model.decode(embedding, half)[0], model.decode(embedding, prompt)[0])
        with torch.autocast("cpu", torch.bfloat16):
            exact, _ = model.decode(embedding, prompt)
            rounded, _ = model.decode(embedding, half)
    assert torch.equal(rounded, exact)
