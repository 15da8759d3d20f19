"""Training settings: layers, YAML, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from masam_core.errors import ConfigError
from masam_core.training.cases import Target
from masam_core.training.presets import PRESETS, preset
from masam_core.training.prompts import PromptConfig
from masam_core.training.settings import build_config, read_yaml

FILES: dict[str, Any] = {"data": "d", "out": "o", "base": "b"}


def test_later_layers_win_and_groups_are_merged() -> None:
    run = build_config(
        {"steps": 10, "model": {"backbone": "vit_h", "image_size": 256}, "lr": 1.0},
        {"steps": 20, "model": {"image_size": 512}, "prompts": {"jitter": 0.2}},
        {**FILES, "target": {"labels": [2, 3], "instances": True}},
    )
    assert (run.steps, run.lr, run.data) == (20, 1.0, Path("d"))
    assert (run.model.backbone, run.model.image_size) == ("vit_h", 512)
    assert run.prompts == PromptConfig(jitter=0.2)
    assert run.target == Target((2, 3), True)


@pytest.mark.parametrize("name", PRESETS)
def test_presets_make_whole_runs(name: str) -> None:
    run = build_config(preset(name), FILES)
    assert run.model.num_classes == 1
    assert run.prompts is not None


def test_the_papers_preset_has_the_papers_numbers() -> None:
    run = build_config(preset("pancreas-tumour-box"), FILES)
    assert (run.model.backbone, run.model.image_size, run.model.num_slices) == ("vit_h", 512, 5)
    assert (run.epochs, run.batch, run.lr) == (400, 24, 8e-4)
    assert (run.warmup, run.power, run.weight_decay) == (250, 7.0, 0.1)
    assert run.target.labels == (2,)
    assert run.checkpointing


def test_an_unknown_preset_names_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=", ".join(PRESETS)):
        preset("tumor")


def test_yaml_is_read_with_paths_from_its_folder(tmp_path: Path) -> None:
    file = tmp_path / "run.yaml"
    file.write_text(
        "data: images\nout: /tmp/run\nbase: b.safetensors\nlr: 4e-4\n"
        "backgrounds: [head.nii.gz]\nmodel: {backbone: vit_b}\nprompts: null\nsynthetic: 0\n"
    )
    run = build_config(read_yaml(file))
    assert run.data == tmp_path / "images"
    assert run.out == Path("/tmp/run")
    assert run.backgrounds == (tmp_path / "head.nii.gz",)
    assert run.lr == 4e-4  # which YAML takes for text
    assert run.prompts is None


@pytest.mark.parametrize(
    ("text", "message"), [("- a\n- b", "list of 'name: value'"), ("a: [", "not valid YAML")]
)
def test_files_that_are_no_settings_are_refused(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "run.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=message):
        read_yaml(file)
    with pytest.raises(ConfigError, match="can't be read"):
        read_yaml(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"stepz": 3}, "unknown entries: stepz"),
        ({"prompts": {"shake": 1}}, "prompts has unknown entries: shake"),
        ({"model": {"wings": 1}}, "unknown entries: wings"),
        ({"data": None}, "lacks: data"),
        ({"steps": "many"}, "a whole number"),
        ({"steps": 2.5}, "a whole number"),
        ({"lr": 0}, "lr is 0.0; expected a positive"),
        ({"checkpointing": 1}, "true or false"),
        ({"precision": "16-true"}, "expected 32-true, bf16-mixed, 16-mixed"),
        ({"synthetic": 0.8, "regions": 0.4}, "1 or less"),
        ({"batch": 4, "devices": 3}, "a multiple of"),
        ({"batch": 4, "at_once": 3}, "a multiple of"),
        ({"model": {"num_classes": 3}, "synthetic": 0.3}, "several classes"),
        ({"prompts": None, "synthetic": 0.3}, "without prompts"),
        ({"prompts": None, "synthetic": 0, "model": {"field_of_view": "prompt"}}, "slice where"),
    ],
)
def test_bad_settings_are_refused(bad: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build_config(FILES, bad)


def test_parts_share_the_batch() -> None:
    assert build_config(FILES, {"batch": 8, "devices": 2}).part == 4
    assert build_config(FILES, {"batch": 8, "devices": 2, "at_once": 2}).part == 2
