"""A format is one class and one line: files of a made-up one are told, loaded and stood on."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from masam_core.errors import CheckpointError
from masam_core.model.backbones import BACKBONES
from masam_core.model.checkpoint import inspect_checkpoint, load_model, new_model, save_model
from masam_core.model.config import ModelConfig
from masam_core.model.formats import registry
from masam_core.model.formats.format import CheckpointFormat, WeightFile
from masam_core.model.masam import MASAM
from masam_core.model.state_files import State

from ..conftest import assert_same, shake
from ..test_backbones import CONFIG, TOY, segment


class ToyFormat(CheckpointFormat):
    """A trainer's own file: all our names behind ``net/``, and no configuration."""

    kind, title, called = "toy", "A toy trainer's model", "a toy trainer's file"

    def recognise(self, file: WeightFile) -> bool:
        return all(name.startswith("net/") for name in file.state)

    def config(self, file: WeightFile) -> ModelConfig:
        return ModelConfig.from_dict(CONFIG)

    def state(self, file: WeightFile, config: ModelConfig) -> State:
        return {name.removeprefix("net/"): tensor for name, tensor in file.state.items()}


@pytest.fixture
def toy_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A file of the made-up format, of a model on a made-up backbone, both registered."""
    monkeypatch.setitem(BACKBONES, "toy", TOY)
    monkeypatch.setattr(registry, "FORMATS", [*registry.FORMATS, ToyFormat()])
    torch.manual_seed(0)
    model = MASAM(ModelConfig.from_dict(CONFIG)).eval()
    shake(model)
    torch.save({f"net/{k}": v for k, v in model.state_dict().items()}, tmp_path / "toy.pth")
    return tmp_path / "toy.pth"


def test_a_made_up_format_loads_and_segments(toy_file: Path) -> None:
    info = inspect_checkpoint(toy_file)
    assert (info.kind, info.summary) == ("toy", "A toy trainer's model, backbone toy")
    model, stored = load_model(toy_file), torch.load(toy_file, weights_only=True)
    own = model.state_dict()
    assert {f"net/{name}" for name in own} == stored.keys()
    assert all(torch.equal(own[name], stored[f"net/{name}"]) for name in own)
    assert segment(model).std() > 0


def test_a_made_up_format_serves_as_backbone_and_becomes_a_file_of_ours(toy_file: Path) -> None:
    model, loaded = new_model(ModelConfig.from_dict(CONFIG), toy_file), load_model(toy_file)
    model.load_state_dict(loaded.state_dict())
    save_model(model, toy_file.with_name("delta.safetensors"), "delta")
    assert_same(load_model(toy_file.with_name("delta.safetensors")), loaded)


def test_what_is_expected_of_a_file_and_what_is_missing_are_told(toy_file: Path) -> None:
    with pytest.raises(CheckpointError, match="FacT rank 2 found, 4 expected"):
        load_model(toy_file, config=ModelConfig.from_dict({**CONFIG, "fact_rank": 4}))
    state = torch.load(toy_file, weights_only=True)
    del state["net/mask_decoder.iou_token.weight"]
    torch.save(state, toy_file)
    with pytest.raises(CheckpointError, match=r"lacks mask_decoder\.iou_token\.weight"):
        load_model(toy_file)


def test_a_file_that_no_format_knows_is_told_what_all_know(toy_file: Path) -> None:
    torch.save({"a": torch.zeros(1), "b": torch.zeros(1)}, toy_file)
    with pytest.raises(CheckpointError) as refused:
        load_model(toy_file)
    assert "found 2 tensors named a, b" in str(refused.value)
    for known in registry.FORMATS:
        assert known.called in str(refused.value)


def test_only_formats_that_write_are_offered_for_writing(toy_file: Path) -> None:
    with pytest.raises(
        CheckpointError, match="kind 'toy'; expected one of whole, delta, base, authors"
    ):
        save_model(load_model(toy_file), toy_file.with_name("x.pth"), "toy")


def test_every_kind_is_a_name_of_its_own() -> None:
    kinds = [known.kind for known in registry.FORMATS]
    assert len(set(kinds)) == len(kinds)
