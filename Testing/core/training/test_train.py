"""The training run: it learns, resumes exactly, stops on nonsense, and writes what it says."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from masam_core.config import ModelConfig
from masam_core.errors import ConfigError
from masam_core.model.checkpoint import inspect_checkpoint, load_model, save_model
from masam_core.model.masam import MASAM
from masam_core.training import train as module
from masam_core.training.train import TrainConfig, learning_rate, train

pytest.importorskip("lightning_fabric", reason="the extra 'train' is not installed")


@pytest.fixture
def config(data: Path, tmp_path: Path, tiny_model: ModelConfig) -> TrainConfig:
    torch.manual_seed(0)
    base = tmp_path / "base.safetensors"
    save_model(MASAM(tiny_model), base, part="base")
    return TrainConfig(
        data=data,
        out=tmp_path / "run",
        base=base,
        model=tiny_model,
        steps=4,
        batch=1,
        warmup=2,
        validate_every=0,
        save_every=2,
        accelerator="cpu",
    )


def quiet(message: str) -> None:
    """Reports go nowhere."""


def weights(path: Path, base: Path) -> dict[str, torch.Tensor]:
    return load_model(path, base=base).state_dict()


def test_a_resumed_run_ends_with_the_weights_of_an_unbroken_one(config: TrainConfig) -> None:
    whole = train(config, quiet)
    broken = replace(config, out=config.out.with_name("broken"))

    def stop(done: int, total: int, loss: float) -> None:
        if done == 3:  # after the checkpoint of step 2: step 3 is lost and done again
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(broken, quiet, stop)
    resumed = train(broken, quiet)
    first, second = weights(whole, config.base), weights(resumed, config.base)
    assert all(torch.equal(first[name], second[name]) for name in first)
    logs = []
    for run in (config, broken):
        with (run.out / "log.csv").open(newline="") as file:
            logs.append([row[:4] for row in csv.reader(file)])
    assert logs[0] == logs[1]
    assert [row[0] for row in logs[0]] == ["step", "0", "1", "2", "3"]


def test_only_the_delta_changes_and_the_base_is_named(config: TrainConfig) -> None:
    best = train(config, quiet)
    info = inspect_checkpoint(best)
    assert info.kind == "delta"
    assert info.details["base_file"] == "base.safetensors"
    assert info.config == config.model


def test_the_loss_falls(config: TrainConfig) -> None:
    longer = replace(
        config, steps=60, batch=2, lr=3e-3, warmup=5, power=0.5, jitter=0.0, synthetic=0.0
    )
    train(replace(longer, save_every=60), quiet)
    with (longer.out / "log.csv").open(newline="") as file:
        losses = [float(row["loss"]) for row in csv.DictReader(file)]
    assert sum(losses[-10:]) < 0.6 * sum(losses[:10])


def test_validation_keeps_the_best_and_writes_every_case(config: TrainConfig) -> None:
    messages: list[str] = []
    best = train(replace(config, validate_every=2), messages.append)
    assert best.name == "best.safetensors"
    with (config.out / "validation.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["step"], row["case"]) for row in rows] == [("2", "ball2"), ("4", "ball2")]
    assert float(rows[0]["ellipsoid"]) > 0.85  # the lesion is an ellipsoid
    assert any("Step 4" in message for message in messages)


def test_a_loss_that_is_no_number_stops_and_keeps_the_last_state(
    config: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    original = module.segmentation_loss

    def loss(*args: torch.Tensor) -> torch.Tensor:
        calls.append(1)
        return original(*args) * (float("nan") if len(calls) == 4 else 1.0)

    monkeypatch.setattr(module, "segmentation_loss", loss)
    with pytest.raises(ConfigError, match="no longer a number at step 3"):
        train(config, quiet)
    saved = torch.load(config.out / "last.ckpt", weights_only=True)
    assert saved["step"] == 2
    assert all(torch.isfinite(t).all() for t in saved["trained"].values())


def test_the_rate_warms_up_and_decays_as_in_the_paper() -> None:
    here = Path()
    config = TrainConfig(data=here, out=here, base=here, steps=1000)
    assert learning_rate(config, 0) == pytest.approx(8e-4 / 250)
    assert learning_rate(config, 249) == pytest.approx(8e-4)
    assert learning_rate(config, 250) == pytest.approx(8e-4)
    assert learning_rate(config, 625) == pytest.approx(8e-4 * 0.5**7)
    assert learning_rate(config, 1000) == 0.0


@pytest.mark.parametrize("bad", [{"steps": 0}, {"batch": 0}, {"lr": 0.0}])
def test_bad_settings_are_refused(config: TrainConfig, bad: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="expected"):
        replace(config, **bad)


def test_a_list_without_training_cases_is_refused(config: TrainConfig) -> None:
    index = config.data / "index.csv"
    index.write_text(index.read_text().replace("train", "test"))
    with pytest.raises(ConfigError, match="no case with split 'train'"):
        train(config, quiet)
