"""SAM's and MedSAM's files, against segment-anything itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from segment_anything import SamPredictor, sam_model_registry

from masam_core.model.backbones import BACKBONES
from masam_core.model.checkpoint import load_model
from masam_core.model.config import SAM_PIXEL_MEAN, ModelConfig
from masam_core.model.encoders.sam import sam_backbone
from masam_core.model.formats.format import WeightFile
from masam_core.model.formats.sam import SamFormat
from masam_core.model.masam import MASAM
from masam_core.model.prompt import NetworkPrompt

from ..conftest import Build, reference_sam


@pytest.mark.parametrize("name", ["vit_b", "vit_l", "vit_h"])
def test_names_and_shapes_of_real_sam_files_fit_ours(name: str) -> None:
    with torch.device("meta"):
        sam = sam_model_registry[name]()
        config = ModelConfig(
            backbone=name,
            image_size=1024,
            num_slices=1,
            decoder="sam",
            fact_rank=0,
            adapter_position="none",
        )
        ours = MASAM(config).state_dict()
    state = sam.state_dict()
    assert sam_backbone(state) == name
    mapped = SamFormat().state(WeightFile(Path("sam.pth"), state, {}), config)
    assert {k: v.shape for k, v in mapped.items()} == {k: v.shape for k, v in ours.items()}


@pytest.mark.parametrize(("side", "blocks"), [(1024, (1, 2)), (240, range(12))])
def test_vit_b_gives_sam_predictors_mask(
    side: int, blocks: Sequence[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At SAM's size with a block of either kind, and with all blocks at a small size."""
    whole = BACKBONES["vit_b"]
    marked = tuple(n for n, block in enumerate(blocks) if block in whole.global_blocks)
    spec = replace(whole, depth=len(blocks), global_blocks=marked)
    monkeypatch.setitem(BACKBONES, "vit_b", spec)
    torch.manual_seed(0)
    sam = reference_sam(side, spec)
    path = tmp_path / "sam_vit_b.pth"
    torch.save(sam.state_dict(), path)
    model = load_model(path).fold()
    assert (model.config.backbone, model.config.image_size) == ("vit_b", side)
    image = np.random.default_rng(0).integers(0, 256, size=(side, side), dtype=np.uint8)
    box = np.array([200.0, 310.0, 700.0, 805.0]) * side / 1024
    predictor = SamPredictor(sam)
    predictor.set_image(np.repeat(image[..., None], 3, axis=2))
    _, _, low_res = predictor.predict(box=box, multimask_output=False, return_logits=True)
    with torch.no_grad():
        window = torch.from_numpy(image / 255.0).float()[None, None]
        logits, _ = model(window, NetworkPrompt(torch.from_numpy(box).float()[None, None]))
    ours = logits[0, 0, 1].numpy()
    scale = np.abs(low_res).max()
    assert np.abs(ours - low_res[0]).max() < 1e-3 * max(1.0, scale)
    assert np.mean((ours > 0) == (low_res[0] > 0)) > 0.9999


def test_plain_sam_and_medsam_load_with_their_own_normalisation(sam_file: Path) -> None:
    sam = load_model(sam_file)
    assert sam.config.pixel_mean == SAM_PIXEL_MEAN
    assert sam.config.decoder == "sam"
    medsam_file = sam_file.with_name("medsam_vit_tiny.pth")
    medsam_file.write_bytes(sam_file.read_bytes())
    medsam = load_model(medsam_file)
    assert medsam.config.pixel_mean == (0.0, 0.0, 0.0)
    reference = torch.load(sam_file, weights_only=True)
    own = medsam.state_dict()
    for key, value in reference.items():
        ours = key.replace("image_encoder.", "image_encoder.base.", 1)
        assert torch.equal(own[ours], value)


def test_sam_at_another_size_has_its_positions_interpolated(
    sam_file: Path, tiny_config: Build
) -> None:
    model = load_model(sam_file, config=tiny_config(image_size=64))
    state = torch.load(sam_file, weights_only=True)
    positions = state["image_encoder.pos_embed"].permute(0, 3, 1, 2)
    expected = torch.nn.functional.interpolate(positions, size=(4, 4), mode="bilinear")
    own = model.state_dict()
    assert torch.allclose(
        own["image_encoder.base.pos_embed"], expected.permute(0, 2, 3, 1), atol=1e-6
    )
    assert own["image_encoder.base.blocks.1.attn.rel_pos_h"].shape == (7, 16)
    assert own["image_encoder.base.blocks.0.attn.rel_pos_h"].shape == (5, 16)
    # a file that was resized and saved loads as what it is
    resized = sam_file.with_name("resized.pth")
    torch.save(reference_sam(64).state_dict(), resized)
    assert load_model(resized).config.image_size == 64


def test_a_decoder_of_another_kind_starts_from_sams_weights(
    sam_file: Path, tiny_config: Build
) -> None:
    state = torch.load(sam_file, weights_only=True)
    own = load_model(sam_file, config=tiny_config(num_classes=3)).state_dict()
    for name in ("transformer.layers.0.norm1.weight", "output_upscaling.3.weight"):
        assert torch.equal(own[f"mask_decoder.{name}"], state[f"mask_decoder.{name}"])
    tokens = own["mask_decoder.mask_tokens.weight"]
    assert tokens.shape == (4, 256)
    assert torch.equal(tokens[0], state["mask_decoder.mask_tokens.weight"][0])
