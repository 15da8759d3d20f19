"""The state of a run survives a round trip, and keeps a running mean of its weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import load_file

from masam_core.model.checkpoint import load_model, save_model
from masam_core.model.config import ModelConfig
from masam_core.model.masam import MASAM
from masam_core.training.settings import TrainConfig
from masam_core.training.state import RunState


def state(config: TrainConfig, fused: bool | None = None) -> RunState:
    model = load_model(config.base.with_name("whole.safetensors"), config=config.model)
    model.base_file, model.base_sha256 = "base.safetensors", "0" * 64
    parameters = list(model.trainable().values())
    optimizer = torch.optim.AdamW(parameters, lr=0.1, fused=fused)
    sum(p.square().sum() for p in parameters).backward()  # type: ignore[union-attr]
    optimizer.step()
    scaler = torch.amp.GradScaler("cpu", init_scale=64.0)
    scaler.scale(torch.ones(1))  # makes its state come into being
    return RunState(config, model, optimizer, scaler)


def test_everything_comes_back(tmp_path: Path, tiny_model: ModelConfig) -> None:
    torch.manual_seed(0)
    save_model(MASAM(tiny_model), tmp_path / "whole.safetensors")
    config = TrainConfig(tmp_path, tmp_path, tmp_path / "base.safetensors", model=tiny_model)
    first = state(config)
    assert not first.resume()  # nothing there yet
    first.step, first.best = 17, 0.75
    first.scaler.update(8.0)
    first.save()
    second = state(config)
    with torch.no_grad():
        for parameter in second.model.trainable().values():
            parameter.zero_()
    assert second.resume()
    assert (second.step, second.best) == (17, 0.75)
    assert second.scaler.get_scale() == 8.0
    ours, theirs = first.model.trainable(), second.model.trainable()
    assert all(torch.equal(ours[n], theirs[n]) for n in ours)
    one, other = first.optimizer.state_dict(), second.optimizer.state_dict()
    assert one["param_groups"] == other["param_groups"]
    for number, entry in one["state"].items():
        assert all(torch.equal(v, other["state"][number][k]) for k, v in entry.items())


def test_weights_are_updated_as_this_device_can_and_not_as_the_last_one_did(
    tmp_path: Path, tiny_model: ModelConfig
) -> None:
    save_model(MASAM(tiny_model), tmp_path / "whole.safetensors")
    config = TrainConfig(tmp_path, tmp_path, tmp_path / "base.safetensors", model=tiny_model)
    state(config, fused=True).save()
    second = state(config)
    assert second.resume()
    assert [group["fused"] for group in second.optimizer.param_groups] == [None]
    second.optimizer.step()


def averaging(tmp_path: Path, tiny_model: ModelConfig, average: float) -> RunState:
    torch.manual_seed(0)
    save_model(MASAM(tiny_model), tmp_path / "whole.safetensors")
    return state(
        TrainConfig(
            tmp_path, tmp_path, tmp_path / "base.safetensors", model=tiny_model, average=average
        )
    )


def test_what_is_saved_is_the_mean_and_training_goes_on_from_the_last_weights(
    tmp_path: Path, tiny_model: ModelConfig
) -> None:
    run = averaging(tmp_path, tiny_model, 0.9)
    name, parameter = next(iter(run.model.trainable().items()))
    expected = parameter.detach().clone()
    for step in range(200):
        with torch.no_grad():
            parameter.fill_(float(step))
        # early steps count more: the first weights are soon forgotten
        share = max(0.1, 9 / (step + 10))
        expected = (1 - share) * expected + share * step
        run.advance()
    with run.averaged():
        assert torch.allclose(run.model.get_parameter(name), expected, atol=1e-3)
    assert torch.equal(parameter, torch.full_like(parameter, 199.0))
    # a mean over about ten steps lies about ten steps behind
    assert 185 < float(expected.flatten()[0]) < 195

    run.save()
    saved = load_file(tmp_path / "last.safetensors")
    assert torch.allclose(saved[name].float(), expected, atol=1e-3)
    again = averaging(tmp_path, tiny_model, 0.9)
    assert again.resume()
    assert again.step == 200
    assert torch.equal(again.model.get_parameter(name), parameter)
    assert torch.equal(again.mean[name], run.mean[name])


def test_without_a_mean_the_last_weights_are_saved(tmp_path: Path, tiny_model: ModelConfig) -> None:
    run = averaging(tmp_path, tiny_model, 0.0)
    run.advance()
    assert (run.step, run.mean) == (1, {})
    run.save()
    saved = load_file(tmp_path / "last.safetensors")
    assert all(torch.equal(saved[n], p) for n, p in run.model.trainable().items())


def test_a_validation_is_the_best_only_where_its_gain_is_no_chance(
    tmp_path: Path, tiny_model: ModelConfig
) -> None:
    """Gains of 0.01, 0.02, 0.03: mean 0.02, standard error 0.01 / sqrt(3)."""
    held = averaging(tmp_path, tiny_model, 0.0)
    first = [0.80, 0.70, 0.60]
    for errors, taken in ((0.0, True), (3.4, True), (3.5, False)):
        held.config = replace(held.config, sure=errors)
        held.best, held.waited, held.first = -1.0, 0, None
        assert held.take(0.70, first)  # whatever is first
        now = [dice + gain for dice, gain in zip(first, (0.01, 0.02, 0.03), strict=True)]
        assert held.take(0.72, now) is taken
        assert (held.best, held.waited) == ((0.72, 0) if taken else (0.70, 1))
    assert not held.take(0.60, [0.7, 0.6, 0.5])
    assert held.waited == 2
    held.save()
    again = averaging(tmp_path, tiny_model, 0.0)
    assert again.resume()
    assert (again.waited, again.first, again.best) == (2, first, 0.70)


def test_a_gain_must_be_worth_it_also_of_one_patient_alone(
    tmp_path: Path, tiny_model: ModelConfig
) -> None:
    held = averaging(tmp_path, tiny_model, 0.0)
    held.config = replace(held.config, least=0.02, sure=1.0)
    assert held.take(0.7, [0.7])
    assert not held.take(0.715, [0.715])
    assert held.take(0.73, [0.73])
    held.first, held.best = [0.7, 0.7, 0.7], 0.7
    assert not held.take(0.71, [0.71, 0.71, 0.71])  # sure, and not worth it
    assert not held.take(0.73, [0.79, 0.7, 0.7])  # worth it, and not sure: 0.03 is one error
    assert held.take(0.74, [0.77, 0.74, 0.71])
