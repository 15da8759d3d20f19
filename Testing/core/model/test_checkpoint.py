"""Every format in and out, bit by bit, and what a user reads when a file is wrong."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from segment_anything import SamPredictor, sam_model_registry

from masam_core.errors import CheckpointError
from masam_core.model.checkpoint import (
    inspect_checkpoint,
    load_model,
    new_model,
    save_authors_delta,
    save_model,
)
from masam_core.model.config import BACKBONES, SAM_PIXEL_MEAN, ModelConfig
from masam_core.model.key_maps import from_sam, sam_backbone
from masam_core.model.masam import MASAM

from .conftest import reference_sam, shake

Build = Callable[..., ModelConfig]


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


def test_a_whole_model_comes_back_bit_by_bit(model: MASAM, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_model(model, path)
    assert_same(load_model(path), model)
    assert [p.name for p in tmp_path.iterdir() if "part" in p.name] == []


def test_a_delta_comes_back_bit_by_bit_on_its_base(model: MASAM, sam_file: Path) -> None:
    path = sam_file.parent / "delta.safetensors"
    save_model(model, path, part="delta", metadata={"licence": "Apache-2.0"})
    assert not any(name.startswith("image_encoder.base.") for name in load_file(path))
    assert_same(load_model(path), model)  # the base lies beside it
    assert_same(load_model(path, base=sam_file), model)
    assert inspect_checkpoint(path).details["licence"] == "Apache-2.0"


def test_a_base_of_our_own_serves_as_backbone(model: MASAM, tmp_path: Path) -> None:
    base, delta = tmp_path / "base.safetensors", tmp_path / "delta.safetensors"
    save_model(model, base, part="base")
    again = new_model(model.config, base)
    again.load_state_dict(model.state_dict())
    save_model(again, delta, part="delta")
    assert_same(load_model(delta), model)
    with pytest.raises(CheckpointError, match="only a backbone"):
        load_model(base)


def test_half_precision_is_exact_the_second_time(model: MASAM, tmp_path: Path) -> None:
    once, twice = tmp_path / "once.safetensors", tmp_path / "twice.safetensors"
    save_model(model, once, half=True)
    loaded = load_model(once)
    assert next(loaded.parameters()).dtype == torch.float32
    save_model(loaded, twice, half=True)
    first, second = load_file(once), load_file(twice)
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_the_authors_layout_is_produced_and_read_back(
    model: MASAM, sam_file: Path, tmp_path: Path
) -> None:
    path = tmp_path / "masam.pth"
    save_authors_delta(model, path)
    names = set(torch.load(path, weights_only=True))
    other = {n for n in names if not n.startswith(("prompt_encoder.", "mask_decoder."))}
    expected = {f"{kind}_FacTs_{n:03d}" for kind in "qv" for n in range(4)}
    expected |= {"image_encoder.FacTu.weight", "image_encoder.FacTv.weight"}
    for block in range(4):
        prefix = f"image_encoder.ImageEncoderViT.blocks.{block}.Block.adapter_"
        for second in ("", "_2"):
            expected |= {f"{prefix}norm{second}.{leaf}" for leaf in ("weight", "bias")}
            expected |= {f"{prefix}conv{second}.{leaf}" for leaf in ("weight", "bias")}
            expected |= {f"{prefix}linear_down{second}.weight", f"{prefix}linear_up{second}.weight"}
    assert other == expected
    again = load_model(path, base=sam_file, config=model.config)
    assert_same(again, model)
    info = inspect_checkpoint(path)
    assert info.kind == "authors"
    assert info.config is not None
    assert (info.config.fact_rank, info.config.num_classes) == (4, 2)


def test_the_authors_file_needs_its_sam_file(model: MASAM, tmp_path: Path) -> None:
    path = tmp_path / "masam.pth"
    save_authors_delta(model, path)
    with pytest.raises(CheckpointError, match="SAM vit_tiny file"):
        load_model(path)


@pytest.mark.parametrize("name", ["vit_b", "vit_l", "vit_h"])
def test_names_and_shapes_of_real_sam_files_fit_ours(name: str) -> None:
    with torch.device("meta"):
        sam = sam_model_registry[name]()
        config = ModelConfig(
            backbone=name,  # type: ignore[arg-type]
            image_size=1024,
            num_slices=1,
            decoder="sam",
            fact_rank=0,
            adapter_position="none",
        )
        ours = MASAM(config).state_dict()
    state = sam.state_dict()
    assert sam_backbone(state) == name
    mapped = from_sam(state, config.grid, BACKBONES[name].global_blocks)
    assert {k: v.shape for k, v in mapped.items()} == {k: v.shape for k, v in ours.items()}


def test_the_real_vit_b_gives_sam_predictors_mask(tmp_path: Path) -> None:
    torch.manual_seed(0)
    sam = sam_model_registry["vit_b"]().eval()
    shake(sam, 0.02)
    path = tmp_path / "sam_vit_b.pth"
    torch.save(sam.state_dict(), path)
    model = load_model(path).fold()
    assert (model.config.backbone, model.config.image_size) == ("vit_b", 1024)
    image = np.random.default_rng(0).integers(0, 256, size=(1024, 1024), dtype=np.uint8)
    box = np.array([200.0, 310.0, 700.0, 805.0])
    predictor = SamPredictor(sam)
    predictor.set_image(np.repeat(image[..., None], 3, axis=2))
    _, _, low_res = predictor.predict(box=box, multimask_output=False, return_logits=True)
    with torch.no_grad():
        window = torch.from_numpy(image / 255.0).float()[None, None]
        logits, _ = model(window, torch.from_numpy(box).float()[None, None])
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


def test_wrapped_and_prefixed_state_dicts_are_unwrapped(sam_file: Path) -> None:
    state = torch.load(sam_file, weights_only=True)
    wrapped = sam_file.with_name("wrapped.pth")
    torch.save({"model": {f"module.{k}": v for k, v in state.items()}, "epoch": 3}, wrapped)
    first, second = load_model(wrapped).state_dict(), load_model(sam_file).state_dict()
    assert all(torch.equal(first[k], second[k]) for k in second)


class _Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (exec, ("raise SystemExit('code in a weight file was run')",))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"<!DOCTYPE html><html>Google Drive - virus scan warning</html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "Git LFS"),
        (b"NRRD0004\n# a picture\n", "an image"),
        (b"PK\x03\x04 a zip that stops", "damaged or incomplete"),
        (pickle.dumps(_Evil(), protocol=2), "could run code"),
    ],
)
def test_what_is_no_weight_file_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "model.pth"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=message):
        load_model(path)


@pytest.mark.parametrize("share", [0.3, 0.9, 0.999])
def test_truncated_files_are_called_incomplete(
    model: MASAM, sam_file: Path, tmp_path: Path, share: float
) -> None:
    whole = tmp_path / "whole.safetensors"
    save_model(model, whole)
    for source in (whole, sam_file):
        cut = tmp_path / f"cut{source.suffix}"
        content = source.read_bytes()
        cut.write_bytes(content[: int(len(content) * share)])
        with pytest.raises(CheckpointError, match="incomplete"):
            load_model(cut)


def test_missing_file_and_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no weight file"):
        load_model(tmp_path / "nothing.pth")
    with pytest.raises(CheckpointError, match="folder"):
        load_model(tmp_path)


def test_other_peoples_safetensors_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file({"lm_head.weight": torch.zeros(3)}, path)
    with pytest.raises(CheckpointError, match=r"lm_head\.weight"):
        load_model(path)


def test_a_newer_format_asks_for_an_update(model: MASAM, tmp_path: Path) -> None:
    path = tmp_path / "new.safetensors"
    save_file({"a": torch.zeros(1)}, path, metadata={"masam_format": "9", "part": "whole"})
    with pytest.raises(CheckpointError, match="Update MASAM"):
        load_model(path)


def test_a_missing_or_foreign_tensor_is_never_passed_over(model: MASAM, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_model(model, path)
    metadata = {"masam_format": "1", "part": "whole", "config": model.config.to_json()}
    state = load_file(path)
    lacking = dict(state)
    lacking.pop("mask_decoder.iou_token.weight")
    save_file(lacking, path, metadata=metadata)
    with pytest.raises(CheckpointError, match=r"lacks mask_decoder\.iou_token\.weight"):
        load_model(path)
    save_file({**state, "surplus": torch.zeros(1)}, path, metadata=metadata)
    with pytest.raises(CheckpointError, match="unknown surplus"):
        load_model(path)
    state["mask_decoder.iou_token.weight"] = torch.zeros(2, 256)
    save_file(state, path, metadata=metadata)
    with pytest.raises(CheckpointError, match=r"\(2, 256\) in the file, expected \(1, 256\)"):
        load_model(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fact_rank": 8}, "FacT rank 4 found, 8 expected"),
        ({"num_classes": 5}, "classes 2 found, 5 expected"),
        ({"adapter_width": 16}, "adapter width 8 found, 16 expected"),
    ],
)
def test_an_expected_config_that_differs_is_told(
    model: MASAM, tiny_config: Build, tmp_path: Path, change: dict[str, int], message: str
) -> None:
    ours, authors = tmp_path / "model.safetensors", tmp_path / "authors.pth"
    save_model(model, ours)
    save_authors_delta(model, authors)
    expected = tiny_config(**{"num_classes": 2, **change})
    with pytest.raises(CheckpointError, match=message):
        load_model(ours, config=expected)
    with pytest.raises(CheckpointError, match=message):
        load_model(authors, base=tmp_path / "sam_tiny.pth", config=expected)


def test_a_wrong_damaged_or_missing_base_is_told(
    model: MASAM, sam_file: Path, tmp_path: Path
) -> None:
    delta = tmp_path / "delta.safetensors"
    save_model(model, delta, part="delta")
    other = tmp_path / "other.pth"
    torch.save(reference_sam().state_dict(), other)
    with pytest.raises(CheckpointError, match="not the one"):
        load_model(delta, base=other)
    sam_file.unlink()
    with pytest.raises(CheckpointError, match=r"sam_tiny\.pth, which is not beside it"):
        load_model(delta)


def test_a_base_of_another_backbone_is_told(sam_file: Path) -> None:
    config = ModelConfig(backbone="vit_b")
    with pytest.raises(CheckpointError, match="vit_tiny; this model stands on vit_b"):
        new_model(config, sam_file)
    with pytest.raises(CheckpointError, match="asks for vit_b"):
        load_model(sam_file, config=config)


def test_a_folded_model_is_not_saved(model: MASAM, tmp_path: Path) -> None:
    model.fold()
    for save in (save_model, save_authors_delta):
        with pytest.raises(CheckpointError, match="folded"):
            save(model, tmp_path / "x.safetensors")
    assert not (tmp_path / "x.safetensors").exists()


def test_a_delta_without_a_known_base_is_not_saved(tiny_config: Build, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="save it whole"):
        save_model(MASAM(tiny_config()), tmp_path / "x.safetensors", part="delta")


def test_saving_into_a_missing_folder_is_told_and_leaves_nothing(
    model: MASAM, tmp_path: Path
) -> None:
    with pytest.raises(CheckpointError, match="Make it first"):
        save_model(model, tmp_path / "none" / "x.safetensors")


def test_weights_may_be_read_by_whoever_may_read_other_files(model: MASAM, tmp_path: Path) -> None:
    save_model(model, tmp_path / "model.safetensors")
    (tmp_path / "other").touch()
    modes = {(tmp_path / n).stat().st_mode for n in ("model.safetensors", "other")}
    assert len(modes) == 1


def test_a_failed_write_leaves_the_old_file(
    model: MASAM, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.safetensors"
    save_model(model, path)
    before = path.read_bytes()

    def full(*args: object, **kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("masam_core.model.state_files.save_file", full)
    with pytest.raises(CheckpointError, match="the disk is full"):
        save_model(model, path)
    assert path.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["model.safetensors", "sam_tiny.pth"]


def test_a_model_starts_from_light_weights_only_where_they_fit(
    sam_file: Path, tiny_config: Build, tmp_path: Path
) -> None:
    nothing = tmp_path / "nothing.pth"
    torch.save({"image_encoder.x": torch.zeros(1)}, nothing)
    with pytest.raises(CheckpointError, match="no prompt encoder"):
        new_model(tiny_config(), sam_file, nothing)
    started = new_model(tiny_config(), sam_file, sam_file)
    shake(started)
    assert started.base_file == "sam_tiny.pth"


def test_weights_rounded_for_inference_are_not_saved_as_the_original(
    tiny_config: Callable[..., ModelConfig], tmp_path: Path
) -> None:
    model = MASAM(tiny_config(fact_rank=0)).eval().prepare(torch.bfloat16)
    with pytest.raises(CheckpointError, match="bfloat16"):
        save_model(model, tmp_path / "x.safetensors")
    assert not list(tmp_path.iterdir())
