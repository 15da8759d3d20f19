"""The training run: it learns, resumes exactly, stops on nonsense, and writes what it says."""

from __future__ import annotations

import csv
import os
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from matplotlib.pyplot import imread

from masam_core import threads
from masam_core.catalog.able import abilities_of_file
from masam_core.data.cases import Target
from masam_core.errors import ConfigError
from masam_core.lesion.organs import terms_of
from masam_core.model.checkpoint import inspect_checkpoint, load_model, save_model
from masam_core.model.config import ModelConfig
from masam_core.model.masam import MASAM
from masam_core.training import train as module
from masam_core.training.prompts import PromptConfig
from masam_core.training.settings import TrainConfig
from masam_core.training.train import learning_rate, train
from Testing.core import tiny

pytest.importorskip("lightning_fabric", reason="the extra 'train' is not installed")


@pytest.fixture
def config(data: Path, tmp_path: Path, tiny_model: ModelConfig) -> TrainConfig:
    torch.manual_seed(0)
    base = tmp_path / "base.safetensors"
    save_model(MASAM(tiny_model), base, kind="base")
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


def test_weights_are_not_chosen_by_cases_without_any_class(config: TrainConfig) -> None:
    automatic = replace(
        config,
        prompts=None,
        synthetic=0.0,
        model=replace(config.model, field_of_view="slice", shape_prior="none"),
        steps=1,
        validate_every=1,
    )
    held_out = config.data / "ball2" / "label.nii.gz"
    sitk.WriteImage(sitk.ReadImage(str(held_out)) * 0, str(held_out))
    with pytest.raises(ConfigError, match="No case with split 'val' holds anything"):
        train(automatic, quiet)
    # One that is trained on is an example of nothing, and told.
    empty = config.data / "ball0" / "label.nii.gz"
    sitk.WriteImage(sitk.ReadImage(str(empty)) * 0, str(empty))
    told: list[str] = []
    train(replace(automatic, out=config.out.with_name("other"), validate_every=0), told.append)
    assert any("hold nothing of what is to be found" in line and "ball0" in line for line in told)
    # Nobody held its confidence against anything.
    able = abilities_of_file(config.out.with_name("other") / "last.safetensors")
    assert able is not None
    assert able.evidence is not None
    assert able.evidence.classes[0].patients == 0
    assert able.evidence.classes[0].volumes_ml is not None
    with pytest.raises(ConfigError, match="No training case holds anything"):
        train(replace(automatic, target=Target(labels=(9,))), quiet)


def test_the_loss_falls(config: TrainConfig) -> None:
    longer = replace(
        config,
        steps=60,
        batch=2,
        lr=3e-3,
        warmup=5,
        power=0.5,
        prompts=PromptConfig(0.0, 1.0),
        synthetic=0.0,
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
    original = module.training_loss

    def loss(*args: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        calls.append(1)
        value, dice = original(*args)
        return value * (float("nan") if len(calls) == 4 else 1.0), dice

    monkeypatch.setattr(module, "training_loss", loss)
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


def test_a_list_without_training_cases_is_refused(config: TrainConfig) -> None:
    index = config.data / "index.csv"
    index.write_text(index.read_text().replace("train", "test"))
    with pytest.raises(ConfigError, match="no case with split 'train'"):
        train(config, quiet)


def losses(out: Path) -> list[float]:
    with (out / "log.csv").open(newline="") as file:
        return [float(row["loss"]) for row in csv.DictReader(file)]


def test_a_batch_in_parts_gives_the_losses_of_the_whole_one(config: TrainConfig) -> None:
    still = replace(config, batch=4, at_once=1)
    # The same random numbers whatever the parts: without dropout only the samples draw any.
    still = replace(still, model=replace(config.model, fact_dropout=0.0))
    train(still, quiet)
    whole = train(replace(still, out=config.out.with_name("whole"), at_once=4), quiet)
    assert losses(still.out) == pytest.approx(losses(whole.parent), abs=2e-4)


def test_two_processes_give_the_losses_of_one(config: TrainConfig, tmp_path: Path) -> None:
    run = replace(config, batch=4, at_once=1, steps=3)
    train(run, quiet)
    two = replace(run, out=tmp_path / "two", devices=2)
    script = tmp_path / "run.py"
    script.write_text(
        "import sys, pickle\n"
        "from masam_core.model.backbones import BACKBONES, BackboneSpec\n"
        f"BACKBONES['{tiny.NAME}'] = {tiny.SPEC!r}\n"
        "from masam_core.training.train import train\n"
        "train(pickle.load(open(sys.argv[1], 'rb')))\n"
    )
    (tmp_path / "run.pickle").write_bytes(pickle.dumps(two))
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += ["--nproc_per_node", "2", str(script), str(tmp_path / "run.pickle")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert losses(two.out) == pytest.approx(losses(run.out), abs=2e-4)
    one, other = (weights(r.out / "last.safetensors", config.base) for r in (run, two))
    assert all(torch.allclose(one[n], other[n], atol=2e-4) for n in one)
    assert done.stdout.count("Training ") == 1  # one process speaks


def test_checkpointing_changes_nothing_but_memory(config: TrainConfig) -> None:
    plain = train(config, quiet)
    saving = train(replace(config, out=config.out.with_name("saving"), checkpointing=True), quiet)
    first, second = weights(plain, config.base), weights(saving, config.base)
    assert all(torch.allclose(first[n], second[n], atol=1e-5) for n in first)


def test_epochs_count_one_window_a_lesion_slice(config: TrainConfig) -> None:
    messages: list[str] = []
    train(replace(config, epochs=2, batch=4), messages.append)
    # Two lesions of 9 slices each: 2 x 18 windows in batches of 4.
    assert len(losses(config.out)) == 9
    assert any("2 epochs are 9 steps" in m for m in messages)


def test_a_model_of_two_classes_trains_without_prompts(
    config: TrainConfig, tiny_model: ModelConfig
) -> None:
    for case in ("ball0", "ball1"):
        path = config.data / case / "label.nii.gz"
        label = sitk.ReadImage(str(path))
        array = sitk.GetArrayFromImage(label)
        array[:, :, 20:] *= 5
        changed = sitk.GetImageFromArray(array)
        changed.CopyInformation(label)
        sitk.WriteImage(changed, str(path))
    names = ("liver", "left kidney")
    model = replace(
        tiny_model, num_classes=2, field_of_view="slice", shape_prior="none", class_names=names
    )
    auto = replace(
        config, model=model, prompts=None, target=Target((1, 5)), synthetic=0.0, steps=40, lr=3e-3
    )
    messages: list[str] = []
    (config.data / "ball2" / "label.nii.gz").write_bytes(
        (config.data / "ball0" / "label.nii.gz").read_bytes()
    )
    auto = replace(auto, batch=2, warmup=5, power=0.5, validate_every=40, save_every=40)
    best = train(auto, messages.append)
    found = losses(auto.out)
    with (auto.out / "validation.csv").open(newline="") as file:
        assert [row["case"] for row in csv.DictReader(file)] == ["ball2", "ball2 (2)"]
    assert any(m.startswith("Step 40: all 0.") and "ellipsoid" not in m for m in messages)
    assert sum(found[-8:]) < sum(found[:8])
    assert inspect_checkpoint(best).config == model
    able = abilities_of_file(best)
    assert able is not None
    assert (able.prompts, able.automatic) == (False, True)
    assert able.classes == terms_of(names)
    # One held-out patient is noted, and too few to say how sure a mask is.
    assert able.evidence is not None
    for own, number in zip(able.evidence.classes, (1, 5), strict=True):
        assert own.patients <= 1
        assert not own.checked
        ml = []
        for name in ("ball0", "ball1"):
            label = sitk.ReadImage(str(config.data / name / "label.nii.gz"))
            count = np.count_nonzero(sitk.GetArrayFromImage(label) == number)
            ml.append(count * float(np.prod(label.GetSpacing())) / 1000)
        assert own.volumes_ml == pytest.approx((min(ml), max(ml)))
    last = abilities_of_file(auto.out / "last.safetensors")
    assert last is not None
    assert last.evidence == able.evidence


def test_training_starts_from_another_models_weights(config: TrainConfig) -> None:
    first = train(config, quiet)
    on = replace(config, out=config.out.with_name("on"), start_from=first, steps=1, lr=1e-12)
    messages: list[str] = []
    second = train(replace(on, warmup=0), messages.append)
    before, after = weights(first, config.base), weights(second, config.base)
    assert all(torch.allclose(before[n], after[n], atol=1e-6) for n in before)
    assert any("tensors over from" in m for m in messages)


def test_a_checkpoint_of_another_model_or_a_damaged_one_is_refused(config: TrainConfig) -> None:
    train(config, quiet)
    other = replace(config, model=replace(config.model, adapter_width=12))
    with pytest.raises(ConfigError, match="another model"):
        train(other, quiet)
    (config.out / "last.ckpt").write_bytes(b"cut off")
    with pytest.raises(ConfigError, match="can't be read"):
        train(config, quiet)


def test_tensorboard_gets_the_losses(config: TrainConfig) -> None:
    pytest.importorskip("tensorboard", reason="the extra 'tensorboard' is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    train(replace(config, tensorboard=True), quiet)
    events = EventAccumulator(str(config.out / "tensorboard"))
    events.Reload()
    logged = [e.value for e in events.Scalars("train/loss")]
    assert logged == pytest.approx(losses(config.out), abs=1e-4)


def test_a_device_that_is_not_there_is_named(config: TrainConfig) -> None:
    if torch.cuda.is_available():
        pytest.skip("This machine has a GPU.")
    with pytest.raises(ConfigError, match="accelerator cuda"):
        train(replace(config, accelerator="cuda"), quiet)


@pytest.mark.gpu
def test_training_runs_on_a_gpu(config: TrainConfig) -> None:
    best = train(replace(config, accelerator="cuda", precision="16-mixed"), quiet)
    assert all(torch.isfinite(t).all() for t in weights(best, config.base).values())


def test_the_preview_shows_what_the_network_sees(config: TrainConfig) -> None:
    from masam_core.training.preview import write_preview

    for name, model in (
        ("one.png", config.model),
        ("three.png", replace(config.model, channels="local")),
    ):
        path = config.data / name
        write_preview(path, replace(config, model=model), quiet)
        pixels = imread(path)
        assert pixels.std() > 0.1
        # Boxes are drawn in gold, which grey images lack.
        assert (pixels[..., 0] - pixels[..., 2] > 0.5).sum() > 100


def test_the_launcher_of_several_processes_divides_the_cores(
    config: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "available_cores", lambda: 6)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    threads.share_processor()
    module._fabric(config)
    assert os.environ["OMP_NUM_THREADS"] == "6"
    module._fabric(replace(config, devices=2, batch=2))
    assert "OMP_NUM_THREADS" not in os.environ  # Fabric sets it where nobody has
