"""Training settings: layers, YAML, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from masam_core.data.cases import Target
from masam_core.errors import ConfigError
from masam_core.image.intensity import DEFAULT_INTENSITY, IntensityPreset
from masam_core.schema import entries
from masam_core.training.layers import read_overrides, read_yaml
from masam_core.training.presets import DEFAULT, PRESETS, preset
from masam_core.training.prompts import PromptConfig
from masam_core.training.settings import TrainConfig, build_config, config_as_yaml

AUTOMATIC = ("automatic-small", "btcv", "endovis18", "pancreas-tumour", "prostate")
FILES: dict[str, Any] = {"data": "d", "out": "o", "base": "b"}


def _start(name: str) -> dict[str, Any]:
    """What a preset that compares old and new starts from."""
    return {"start_from": "s"} if preset(name).get("compare") else {}


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


def test_steps_end_the_epochs_of_the_layers_below() -> None:
    pancreas = preset("pancreas-tumour-box")
    assert build_config(pancreas, FILES).epochs == 400
    assert build_config(pancreas, FILES, {"steps": 7}).epochs == 0
    assert build_config(pancreas, FILES, {"steps": 7, "epochs": 2}).epochs == 2


@pytest.mark.parametrize("name", PRESETS)
def test_presets_make_whole_runs(name: str) -> None:
    run = build_config(preset(name), FILES, _start(name))
    assert (run.prompts is None) == (name in AUTOMATIC)
    assert len(run.model.class_names) in (0, run.model.num_classes)
    assert run.model.num_classes == 1 or len(run.target.labels) == run.model.num_classes


@pytest.mark.parametrize("name", ["btcv", "prostate", "endovis18", "pancreas-tumour"])
def test_the_papers_automatic_presets_have_the_papers_numbers(name: str) -> None:
    run = build_config(preset(name), FILES)
    assert (run.model.backbone, run.model.image_size, run.model.num_slices) == ("vit_h", 512, 5)
    assert (run.model.fact_rank, run.model.adapter_position) == (32, "both")
    assert run.model.decoder == "progressive"
    assert (run.epochs, run.batch, run.lr) == (400, 24, 8e-4)
    assert (run.warmup, run.power, run.weight_decay) == (250, 7.0, 0.1)
    assert run.model.num_classes == {"btcv": 12, "prostate": 1, "endovis18": 11}.get(name, 2)
    on_eight = build_config(preset(name), FILES, {"devices": 8, "at_once": 3})
    assert on_eight.part * on_eight.devices == 24


def test_the_papers_preset_has_the_papers_numbers() -> None:
    run = build_config(preset("pancreas-tumour-box"), FILES)
    assert (run.model.backbone, run.model.image_size, run.model.num_slices) == ("vit_h", 512, 5)
    assert (run.epochs, run.batch, run.lr) == (400, 24, 8e-4)
    assert (run.warmup, run.power, run.weight_decay) == (250, 7.0, 0.1)
    assert run.target.labels == (2,)
    assert run.checkpointing


def test_what_can_not_be_is_refused_where_a_run_stops_early_or_compares() -> None:
    for entry, value, words in (
        ("patience", -1, "patience is -1; expected 0 or more"),
        ("compare", True, "compare is True; expected false where there is nothing"),
        ("sure", -1.0, "sure is -1.0; expected 0 or more"),
    ):
        with pytest.raises(ConfigError, match=words):
            build_config(FILES, {"validate_every": 0, entry: value})


def test_an_unknown_preset_names_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=", ".join(PRESETS)):
        preset("tumor")


def test_the_default_preset_is_one_of_them() -> None:
    assert DEFAULT in PRESETS
    assert len(PRESETS) >= 3


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_names_no_files(name: str) -> None:
    """Paths would start from the package's own folder."""
    assert not {"data", "out", "base", "decoder_from", "start_from", "backgrounds"} & set(
        preset(name)
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("stepz: 3", "no entry 'stepz'; did you mean steps"),
        ("model: {image_sise: 3}", "'model.image_sise'; did you mean model.image_size"),
        ("model: {image_size: big}", "model.image_size is 'big'; expected a whole number"),
        ("model: 7", "model is 7; expected entries"),
        ("model: {pixel_std: [1, 1]}", "model.pixel_std is .*; expected a list of 3"),
        ("model: {pixel_std: [1, 1, x]}", "model.pixel_std is 'x'; expected a number"),
        ("model: {intensity: {CT: {low: cold}}}", "model.intensity.CT.low is 'cold'"),
        ("model: {backbone: 3}", "model.backbone is 3; expected text"),
        ("target: {labels: 2}", "target.labels is 2; expected a list"),
        ("augment: 1", "augment is 1; expected true or false"),
        ("lr: .nan", "lr is nan; expected a number"),
        ("lr: true", "lr is True; expected a number"),
        ("out: 3", "out is 3; expected a path"),
    ],
)
def test_a_wrong_entry_is_named_with_its_file(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "run.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=f"run.yaml: .*{message}"):
        read_yaml(file)


def test_overrides_reach_every_entry_and_keep_its_type() -> None:
    layer = read_overrides(
        [
            "lr=4e-4",
            "steps = 30",
            "model.image_size=512",
            "model.pixel_std=[1, 1, 2]",
            "model.intensity.CT.low=-200",
            "target.labels=[2, 3]",
            "augment=false",
            "backgrounds=[a.nii.gz]",
            "precision=32-true",
        ]
    )
    run = build_config({"model": {"name": "mine"}}, FILES, layer)
    assert (run.lr, run.steps, run.augment, run.precision) == (4e-4, 30, False, "32-true")
    assert (run.model.name, run.model.image_size) == ("mine", 512)
    assert run.model.pixel_std == (1.0, 1.0, 2.0)
    assert run.backgrounds == (Path("a.nii.gz"),)
    assert run.target.labels == (2, 3)
    assert run.model.intensity.presets["CT"] == IntensityPreset("window", -200.0, 240.0)
    assert run.model.intensity.presets["MR"] == DEFAULT_INTENSITY.presets["MR"]
    assert build_config(FILES, read_overrides(["prompts=null", "synthetic=0"])).prompts is None


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["steps"], "--set steps: expected ENTRY=VALUE"),
        (["=3"], "expected ENTRY=VALUE"),
        (["imagesize=3"], "--set: there is no entry 'imagesize'; did you mean model.image_size"),
        (["model.imagesize=3"], "did you mean model.image_size"),
        (["jiter=3"], "did you mean prompts.jitter"),
        (["lr=high"], "--set: lr is 'high'; expected a number"),
        (["lr.peak=1"], "lr is .*; expected a number"),
        (["steps=1", "steps=2"], "--set steps is given twice"),
        (["lr=[1"], r"'\[1' can't be read"),
    ],
)
def test_overrides_that_fit_nothing_are_refused(texts: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_overrides(texts)


@pytest.mark.parametrize("name", PRESETS)
def test_a_run_written_as_yaml_is_the_same_run(name: str, tmp_path: Path) -> None:
    files = {key: str(tmp_path / value) for key, value in FILES.items()}
    start = {key: str(tmp_path / value) for key, value in _start(name).items()}
    more = read_overrides(["backgrounds=[/a.nii.gz]", "model.name=Tümor"])
    # Some presets have none, and then no entries of theirs.
    prompts = {"prompts": {"jitter": 0.1}, "foreground": 0.0}
    run = build_config(preset(name), files, start, prompts, more)
    file = tmp_path / "written" / "run.yaml"
    file.parent.mkdir()
    file.write_text(config_as_yaml(run), encoding="utf-8")
    assert build_config(read_yaml(file)) == run
    written = {line.split(":")[0].strip() for line in file.read_text("utf-8").splitlines()}
    assert {entry.rpartition(".")[2] for entry in entries(TrainConfig)} <= written


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
        ({"stepz": 3}, "no entry 'stepz'; did you mean steps"),
        ({"prompts": {"shake": 1}}, "no entry 'prompts.shake'; known are jitter, tight"),
        ({"model": {"wings": 1}}, "no entry 'model.wings'; known are name, backbone"),
        ({"image_size": 512}, "did you mean model.image_size"),
        ({"data": None}, "data is None; expected a path"),
        ({"steps": "many"}, "a whole number"),
        ({"steps": 2.5}, "a whole number"),
        ({"lr": 0}, "lr is 0.0; expected a positive"),
        ({"checkpointing": 1}, "true or false"),
        ({"precision": "16-true"}, "expected 32-true, bf16-mixed, 16-mixed"),
        ({"synthetic": 0.8, "regions": 0.4}, "1 or less"),
        ({"foreground": 0.3}, "foreground is 0.3; expected 0 with prompts"),
        ({"augmentation": {"zoom": [1.5, 0.5]}}, "augmentation.zoom is"),
        ({"augmentation": {"curves": 2}}, "augmentation.curves is 2.0; expected a share"),
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


def test_a_configuration_of_any_length_is_not_read(tmp_path):
    path = tmp_path / "run.yaml"
    path.write_text("steps: 5\n" + "# x\n" * 100_000)
    with pytest.raises(ConfigError, match=r"run\.yaml has more than 256 kB"):
        read_yaml(path)
