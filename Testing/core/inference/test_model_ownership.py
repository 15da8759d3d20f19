"""Whose model a segmenter computes with: the caller's stays as it was."""

from __future__ import annotations

import copy
import gc
from pathlib import Path

import numpy as np
import pytest
import torch

from masam_core.errors import ConfigError
from masam_core.image.volume import Volume
from masam_core.inference.segmenter import Segmenter
from masam_core.model.checkpoint import save_model
from masam_core.model.masam import MASAM
from masam_core.prompts.boxes import BoxPrompt

from .conftest import BuildModel

BOX = BoxPrompt.from_voxels(12, 32, 9, 29, 5, 13)


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "int8"])
def test_a_model_that_was_given_stays_as_it_was(
    build_model: BuildModel, volume: Volume, tmp_path: Path, precision: str
) -> None:
    model = build_model().train()
    before = copy.deepcopy(model.state_dict())
    modules = [type(module) for module in model.modules()]
    segmenter = Segmenter(model, "cpu", precision)
    segmenter.set_volume(volume)
    segmenter.segment(BOX, quality="fast")
    assert model.training
    assert [type(module) for module in model.modules()] == modules
    after = model.state_dict()
    assert before.keys() == after.keys()
    for name, value in after.items():
        assert value.dtype == before[name].dtype, name
        assert torch.equal(value, before[name]), name
    save_model(model, tmp_path / "saved.safetensors")  # refused when folded or cast


def test_training_goes_on_and_changes_no_mask(build_model: BuildModel, volume: Volume) -> None:
    model = build_model()
    segmenter = Segmenter(model, "cpu")
    segmenter.set_volume(volume)
    before = segmenter.segment(BOX).probability
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(1.0)
    segmenter.cache.clear()
    assert np.array_equal(before, segmenter.segment(BOX).probability)


def test_one_copy_of_the_weights_is_held_where_the_model_is_nobody_elses(
    build_model: BuildModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = build_model()
    path = tmp_path / "model.safetensors"
    save_model(model, path)
    held: list[int] = []
    prepare = MASAM.prepare

    def counted(self: MASAM, dtype: torch.dtype) -> MASAM:
        gc.collect()
        held.append(sum(isinstance(item, MASAM) for item in gc.get_objects()))
        return prepare(self, dtype)

    monkeypatch.setattr(MASAM, "prepare", counted)
    gc.collect()
    others = sum(isinstance(item, MASAM) for item in gc.get_objects())
    named = Segmenter(path, "cpu")
    given = Segmenter(model, "cpu", copy=False)
    copied = Segmenter(model, "cpu")
    assert given.model is model
    assert [count - others for count in held] == [1, 1, 2]
    assert copied.model is not model
    assert named.config == model.config


def test_names_and_paths_give_the_model_that_they_name(
    build_model: BuildModel, volume: Volume, tmp_path: Path
) -> None:
    model, path = build_model(), tmp_path / "model.safetensors"
    save_model(model, path)
    masks = []
    for given in (model, path, str(path)):
        segmenter = Segmenter(given, "cpu")
        segmenter.set_volume(volume)
        masks.append(segmenter.segment(BOX).probability)
    assert np.array_equal(masks[0], masks[1])
    assert np.array_equal(masks[0], masks[2])
    with pytest.raises(ConfigError, match="no model 'nonsense'"):
        Segmenter("nonsense")
    with pytest.raises(ConfigError, match="The model is a int"):
        Segmenter(5)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="backbone file"):
        Segmenter(model, base=path)


def test_a_closed_segmenter_lets_the_model_go_and_says_so(
    build_model: BuildModel, volume: Volume
) -> None:
    with Segmenter(build_model(), "cpu") as segmenter:
        segmenter.set_volume(volume)
        segmenter.segment(BOX)
    assert len(segmenter.cache) == 0
    with pytest.raises(ConfigError, match="Choose a volume"):
        segmenter.segment(BOX)
    segmenter.set_volume(volume)
    with pytest.raises(ConfigError, match="was closed"):
        segmenter.segment(BOX)
