"""A small model is adapted: what is trained, what is written, when it goes on or begins anew."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import SimpleITK as sitk
import torch

from masam_core.catalog.resolve import load_by_name, resolve_model
from masam_core.data.cases import Case
from masam_core.data.reading import read_cases
from masam_core.digest import sha256_of
from masam_core.errors import Cancelled, CheckpointError, ConfigError
from masam_core.inference.segmenter import Segmenter
from masam_core.model.checkpoint import inspect_checkpoint, load_model, save_model
from masam_core.model.config import ModelConfig
from masam_core.model.masam import MASAM
from masam_core.model.parts import PARTS, trained_parameters
from masam_core.scoring.evaluate import Score, evaluate_cases
from masam_core.training.adapting import run as module
from masam_core.training.adapting.keep import free_name, keep_model, require_free
from masam_core.training.adapting.outcome import Outcome, paired, read_outcome
from masam_core.training.adapting.run import adapt
from masam_core.training.presets import preset
from masam_core.training.settings import TrainConfig, build_config
from masam_core.training.starting import start_layer

pytest.importorskip("lightning_fabric", reason="the extra 'train' is not installed")


@pytest.fixture
def start(tmp_path: Path, tiny_model: ModelConfig) -> Path:
    """A model to start from: what is trained in one file, its backbone in another beside it."""
    torch.manual_seed(0)
    model = MASAM(replace(tiny_model, detail_width=4, decoder="progressive", name="tiny"))
    base, path = tmp_path / "base.safetensors", tmp_path / "start.safetensors"
    save_model(model, base, kind="base")
    model.base_file, model.base_sha256 = base.name, sha256_of(base)
    save_model(model, path, kind="delta")
    return path


@pytest.fixture
def many(data: Path) -> Path:
    """The data set with the first patient's case four times over, as patients of their own."""
    lines = (data / "index.csv").read_text().splitlines()
    for number in range(3, 6):
        shutil.copytree(data / "ball0", data / f"ball{number}")
        lines.append(f"ball{number},p{number},MR,train")
    (data / "index.csv").write_text("\n".join(lines) + "\n")
    return data


def config_of(start: Path, data: Path, out: Path, **own: object) -> TrainConfig:
    quick = {"steps": 4, "validate_every": 2, "save_every": 2, "batch": 1, "warmup": 1, "lr": 1e-3}
    given = {"data": data, "out": out, "accelerator": "cpu", **quick, **own}
    return build_config(start_layer(str(start)), preset("adapt"), given)


def quiet(message: str) -> None:
    """Reports go nowhere."""


def test_fact_adapters_and_decoder_are_trained_and_nothing_else_changes_by_a_bit(
    start: Path, many: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Every weight that training leaves alone, whatever is the best in the end.
    monkeypatch.setattr(module, "divide", lambda cases, seed: all_train(cases))
    config = config_of(start, many, tmp_path / "run", average=0.0)
    assert config.parts == ("fact", "adapters", "decoder")
    adapt(config, quiet)
    before = load_model(start).state_dict()
    after = load_model(tmp_path / "run" / "last.safetensors", base=config.base).state_dict()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    begins = tuple(PARTS[part] for part in config.parts)
    assert changed
    assert all(name.startswith(begins) for name in changed)
    assert {b for b in begins if any(name.startswith(b) for name in changed)} == set(begins)
    untouched = ("image_encoder.base.", "image_encoder.neck.", "prompt_encoder.", "detail_encoder.")
    for beginning in untouched:
        assert any(name.startswith(beginning) for name in before)


def all_train(cases: list[Case]) -> module.Division:
    train = [case for case in cases if case.split == "train"]
    return module.Division(train, [], [case for case in cases if case.split == "val"])


def test_parts_have_all_there_is_but_the_backbone_and_an_unknown_one_is_refused(
    tiny_model: ModelConfig,
) -> None:
    model = MASAM(replace(tiny_model, detail_width=4))
    own = {n for n, p in model.named_parameters() if n.startswith(tuple(PARTS.values()))}
    assert own == set(model.trainable())
    assert set(trained_parameters(model)) == own
    only = trained_parameters(model, ("fact",))
    assert all(name.startswith("image_encoder.fact.") for name in only)
    assert {n for n, p in model.named_parameters() if p.requires_grad} == set(only)
    with pytest.raises(ConfigError, match="'brain'; expected some of fact"):
        trained_parameters(model, ("brain",))
    with pytest.raises(ConfigError, match="the model has no detail"):
        trained_parameters(MASAM(tiny_model), ("detail",))


def test_old_and_new_are_compared_on_the_held_out_case_alone(
    start: Path, many: Path, tmp_path: Path
) -> None:
    told: list[float] = []
    said: list[str] = []
    config = config_of(start, many, tmp_path / "run")
    outcome = adapt(config, said.append, lambda fraction, words: told.append(fraction))
    assert told == sorted(told)
    assert 0 <= told[0] <= told[-1] <= 1
    (held,) = [case for case in read_cases(many) if case.split == "val"]
    ((name, modality, old, new),) = outcome.lesions
    assert (name, modality) == (held.name, "MR")
    for path, dice in ((start, old), (outcome.model, new)):
        (score,) = evaluate_cases([held], Segmenter(path, "cpu"))
        assert score.dice == pytest.approx(dice, abs=1e-6)
    assert outcome.comparison.difference == pytest.approx(new - old)
    assert (outcome.trained, outcome.stopped, outcome.steps) == (4, 1, 4)
    assert outcome.comparison.p is None
    assert read_outcome(tmp_path / "run" / "comparison.json") == outcome
    table = (tmp_path / "run" / "comparison.md").read_text("utf-8")
    assert f"| ball2 (MR) | {old:.3f} | {new:.3f} | {new - old:+.3f} |" in table
    info = inspect_checkpoint(outcome.model)
    assert (info.kind, info.config.name) == ("whole", "tiny, adapted")
    assert info.details["adapted_parts"] == "fact, adapters, decoder"
    assert not any(str(tmp_path) in value for value in info.details.values())
    # Known again: nothing is computed a second time.
    again = adapt(config, said.append, lambda *_: pytest.fail("it was computed again"))
    assert again == outcome
    assert "done before" in said[-1]


def test_it_ends_early_and_is_the_old_model_where_nothing_better_comes(
    start: Path, many: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The weights at the start are the first candidate, so training can't make it worse there."""
    from masam_core.training import validation

    calls: list[int] = []

    def worse(cases: list[Case], *given: object, **named: object) -> list[Score]:
        calls.append(len(cases))
        return [Score("a", "MR", 0.9 - 0.1 * len(calls), 0.5, 0.5)]

    monkeypatch.setattr(validation, "evaluate_cases", worse)
    config = config_of(start, many, tmp_path / "run", steps=50, validate_every=1, patience=2)
    outcome = adapt(config, quiet)
    assert len(calls) == 3  # at the start, and two that were no better
    assert outcome.steps == 2
    assert not outcome.changed
    assert not outcome.better
    assert "nothing better than the old model" in outcome.verdict
    old, new = load_model(start).state_dict(), load_model(outcome.model).state_dict()
    assert all(torch.equal(old[n].half().float(), new[n]) for n in old)


RESULTS = ("adapted.safetensors", "comparison.json", "comparison.md")


def test_a_run_that_was_stopped_goes_on_and_one_with_other_cases_begins_anew(
    start: Path, many: Path, tmp_path: Path
) -> None:
    config = config_of(start, many, tmp_path / "run", steps=6)

    def stop(fraction: float, words: str) -> None:
        if "step 5" in words:
            raise Cancelled("stop")

    with pytest.raises(Cancelled):
        adapt(config, quiet, stop)
    assert not (tmp_path / "run" / "comparison.json").exists()
    said: list[str] = []
    first = adapt(config, said.append)
    assert any("Going on from step 4" in line for line in said)
    assert first.steps == 6
    labels = sitk.ReadImage(str(many / "ball1" / "label.nii.gz"))
    sitk.WriteImage(sitk.BinaryErode(labels, [1, 1, 0]), str(many / "ball1" / "label.nii.gz"))
    said.clear()
    done = {name: (tmp_path / "run" / name).read_bytes() for name in RESULTS}
    second = adapt(config, said.append)
    assert not any("Going on" in line or "done before" in line for line in said)
    assert second.steps == 6
    # What the first one gave is there, should the second one give less.
    earlier = tmp_path / "run" / "earlier"
    assert {path.name: path.read_bytes() for path in earlier.iterdir()} == done
    assert (tmp_path / "run" / "adapted.safetensors").read_bytes() != done["adapted.safetensors"]


def test_another_run_in_the_folder_is_not_thrown_away(
    start: Path, many: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    out.mkdir()
    (out / "last.ckpt").write_bytes(b"somebody's work")
    with pytest.raises(ConfigError, match="holds another training run"):
        adapt(config_of(start, many, out), quiet)
    assert (out / "last.ckpt").read_bytes() == b"somebody's work"


def test_few_patients_all_train_and_nobody_to_hold_out_is_said(
    start: Path, data: Path, tmp_path: Path
) -> None:
    said: list[str] = []
    outcome = adapt(config_of(start, data, tmp_path / "run", steps=2), said.append)
    assert (outcome.trained, outcome.stopped) == (2, 0)
    assert any("Too few patients to say when to stop" in line for line in said)
    assert "none to say when to stop" in outcome.about()
    index = data / "index.csv"
    index.write_text(index.read_text().replace(",val", ",train"))
    with pytest.raises(ConfigError, match="nothing to compare the old and the new model on"):
        adapt(config_of(start, data, tmp_path / "other"), quiet)


def test_the_new_model_is_found_by_its_name_everywhere_and_replaces_none(
    start: Path, data: Path, tmp_path: Path, masam_home: Path
) -> None:
    from masam_core.worker.models import list_models

    outcome = adapt(config_of(start, data, tmp_path / "run", steps=1), quiet)
    assert not masam_home.exists()
    kept = keep_model(outcome.model, "my-cases")
    assert kept.path.parent == masam_home / "models"
    assert resolve_model("my-cases") == kept.path
    assert load_by_name("my-cases").config.name == "tiny, adapted"  # without its backbone's file
    assert "my-cases" in {row["name"] for row in list_models()}
    assert free_name("my-cases") == "my-cases-2"
    for taken in ("my-cases", "bundled"):
        with pytest.raises(CheckpointError, match="There is a model"):
            require_free(taken)
    # And it can be gone on from.
    layer = start_layer("my-cases")
    assert layer["base"] == layer["start_from"] == kept.path
    again = config_of(Path("my-cases"), data, tmp_path / "again", steps=1)
    assert adapt(again, quiet).new == "tiny, adapted"


def test_a_file_that_is_no_model_of_ours_is_refused(tmp_path: Path) -> None:
    (tmp_path / "sam.pth").write_bytes(b"nonsense")
    with pytest.raises(CheckpointError):
        start_layer(str(tmp_path / "sam.pth"))


def outcome_of(old: list[float], new: list[float], changed: bool = True) -> Outcome:
    scores = [
        [Score(f"c{n}", "CT", d, 0.5, 0.5, patient=f"p{n}") for n, d in enumerate(values)]
        for values in (old, new)
    ]
    lesions, comparison = paired(*scores, ("old", "new"))
    return Outcome("old", "new", Path("m"), lesions, comparison, changed, 1, 1, 0, 0, 9)


def test_the_verdict_says_what_the_numbers_say() -> None:
    better = outcome_of([0.5 + n / 100 for n in range(8)], [0.6 + n / 80 for n in range(8)])
    assert better.better
    assert "is better by 0.1" in better.verdict
    assert "chance" not in better.verdict
    few = outcome_of([0.5, 0.6], [0.6, 0.65])
    assert few.better
    assert "2 patients there is no test" in few.verdict
    worse = outcome_of([0.6, 0.6], [0.5, 0.6])
    assert not worse.better
    assert "keep the old one" in worse.verdict
    unsure = outcome_of([0.5] * 7, [0.6, 0.4, 0.6, 0.45, 0.6, 0.5, 0.5])
    assert unsure.verdict.endswith("It may be chance.")
    assert better.rows()[-1][0] == "Mean of 8"
    assert Outcome.from_dict(json.loads(json.dumps(better.to_dict()))) == better
