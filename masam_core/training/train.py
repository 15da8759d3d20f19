"""The training run: what to train on, for how long, and the loop on Lightning Fabric."""

from __future__ import annotations

import csv
import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import nn

from masam_core.atomic import atomic_path
from masam_core.config import ModelConfig
from masam_core.errors import ConfigError
from masam_core.evaluation.evaluate import evaluate_cases, summarise
from masam_core.inference.segmenter import Segmenter
from masam_core.model.checkpoint import load_model, new_model, save_model
from masam_core.model.masam import MASAM
from masam_core.training.augment import build_augmentation
from masam_core.training.cases import PreparedCase, prepare_case, read_index
from masam_core.training.losses import segmentation_loss, soft_dice
from masam_core.training.samples import draw_batch

Report = Callable[[str], None]
Progress = Callable[[int, int, float], None]


@dataclass(frozen=True)
class TrainConfig:
    """One training run.

    ``lr`` follows MA-SAM: ``warmup`` linear steps, then ``(1 - t / steps) ** power``. AdamW with
    ``weight_decay``. ``jitter`` is the most by which a simulated box side is off, as a fraction of
    the box; ``synthetic`` the share of samples with a synthetic lesion. ``validate_every`` and
    ``save_every`` count steps; 0 switches validation off.
    """

    data: Path
    out: Path
    base: Path
    decoder_from: Path | None = None
    model: ModelConfig = field(default_factory=ModelConfig)
    steps: int = 2000
    batch: int = 2
    lr: float = 8e-4
    warmup: int = 250
    power: float = 7.0
    weight_decay: float = 0.1
    jitter: float = 0.1
    synthetic: float = 0.3
    seed: int = 0
    validate_every: int = 500
    save_every: int = 100
    accelerator: str = "auto"
    precision: str = "32-true"

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "save_every"):
            if getattr(self, name) < 1:
                raise ConfigError(f"Training: {name} is {getattr(self, name)}; expected 1 or more.")
        if self.lr <= 0:
            raise ConfigError(f"Training: lr is {self.lr}; expected a positive number.")


def learning_rate(config: TrainConfig, step: int) -> float:
    """Learning rate at a step: linear warm-up, then polynomial decay (MA-SAM section 4.1)."""
    if step < config.warmup:
        return config.lr * (step + 1) / config.warmup
    done = (step - config.warmup) / max(1, config.steps - config.warmup)
    return config.lr * (1 - done) ** config.power


def train(config: TrainConfig, report: Report = print, progress: Progress | None = None) -> Path:
    """Train, going on from ``out/last.ckpt`` where an earlier run stopped.

    Writes ``last.ckpt`` (everything needed to go on), ``last.safetensors`` and
    ``best.safetensors`` (deltas; best by mean validation Dice), ``log.csv`` and
    ``validation.csv`` into ``out``.

    Returns:
        Path of the best delta (of the last one, without validation).

    Raises:
        ConfigError: unusable data or settings, or a loss that is no longer finite (the last
            good checkpoint stays).
        CheckpointError: weights that do not fit.
    """
    config.out.mkdir(parents=True, exist_ok=True)
    fabric = Fabric(accelerator=config.accelerator, devices=1, precision=config.precision)  # type: ignore[arg-type]
    fabric.seed_everything(config.seed, verbose=False)
    cases = read_index(config.data)
    training = _prepare(cases, "train", config, report)
    validation = _prepare(cases, "val", config, report) if config.validate_every else []

    model = new_model(config.model, config.base, config.decoder_from)
    trained = list(model.trainable().values())
    report(
        f"Training {sum(p.numel() for p in trained):,} of "
        f"{sum(p.numel() for p in model.parameters()):,} weights."
    )
    optimizer = torch.optim.AdamW(trained, lr=config.lr, weight_decay=config.weight_decay)
    wrapped, optimizer = fabric.setup(model, optimizer)
    state: dict[str, Any] = {
        "trained": model.trainable(),
        "optimizer": optimizer,
        "step": 0,
        "best": -1.0,
    }
    _resume(fabric, config, model, state, report)
    transform = build_augmentation()
    log = _Log(config.out / "log.csv", ("step", "lr", "loss", "dice", "seconds"), state["step"])

    for step in range(int(state["step"]), config.steps):
        began = time.monotonic()
        rate = learning_rate(config, step)
        for group in optimizer.param_groups:
            group["lr"] = rate
        # Seeded by step, dropout too: a resumed run draws what the unbroken one would have drawn.
        torch.manual_seed(config.seed * 1_000_003 + step)
        batch = draw_batch(
            training,
            config.model,
            transform,
            config.jitter,
            config.batch,
            (config.seed, step),
            config.synthetic,
        )
        loss, dice = _step(fabric, wrapped, optimizer, trained, batch)
        if not math.isfinite(loss):
            raise ConfigError(
                f"The loss is no longer a number at step {step}. The last good state is "
                f"{config.out / 'last.ckpt'}; lower the learning rate ({config.lr}) and go on."
            )
        log.add(
            step, f"{rate:.2e}", f"{loss:.4f}", f"{dice:.4f}", f"{time.monotonic() - began:.2f}"
        )
        if progress is not None:
            progress(step + 1, config.steps, loss)
        state["step"] = step + 1
        finished = step + 1 == config.steps
        if validation and (finished or (step + 1) % config.validate_every == 0):
            _validate(config, model, validation, state, report)
        if finished or (step + 1) % config.save_every == 0:
            _save(fabric, config, model, state)
    best = config.out / "best.safetensors"
    return best if best.exists() else config.out / "last.safetensors"


def _step(
    fabric: Fabric, model: Any, optimizer: Any, trained: list[nn.Parameter], batch: Any
) -> tuple[float, float]:
    model.train()
    windows, masks = fabric.to_device(batch.windows), fabric.to_device(batch.masks)
    boxes, inside = fabric.to_device(batch.boxes), fabric.to_device(batch.inside)
    prior = None if batch.prior is None else fabric.to_device(batch.prior)
    logits, _ = model(windows, boxes, prior)
    loss = segmentation_loss(logits, masks, inside)
    fabric.backward(loss)
    torch.nn.utils.clip_grad_norm_(trained, 1.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return float(loss.detach()), float(soft_dice(logits.detach(), masks, inside))


def _prepare(cases: Any, split: str, config: TrainConfig, report: Report) -> list[Any]:
    chosen = [c for c in cases if c.split == split]
    if not chosen:
        raise ConfigError(f"The case list has no case with split '{split}'.")
    report(f"Reading {len(chosen)} {split} cases.")
    if split == "val":
        return chosen
    prepared: list[PreparedCase] = [prepare_case(c, config.model.intensity) for c in chosen]
    return prepared


def _resume(
    fabric: Fabric, config: TrainConfig, model: MASAM, state: dict[str, Any], report: Report
) -> None:
    last = config.out / "last.ckpt"
    if not last.exists():
        return
    saved = fabric.load(last)
    with torch.no_grad():
        for name, parameter in model.trainable().items():
            parameter.copy_(saved["trained"][name])
    state["optimizer"].load_state_dict(saved["optimizer"])
    state["step"], state["best"] = saved["step"], saved["best"]
    report(f"Going on from step {state['step']} ({last}).")


def _save(fabric: Fabric, config: TrainConfig, model: MASAM, state: dict[str, Any]) -> None:
    values = {
        "trained": {n: p.detach() for n, p in model.trainable().items()},
        "optimizer": state["optimizer"].state_dict(),
        "step": state["step"],
        "best": state["best"],
    }
    with atomic_path(config.out / "last.ckpt") as temporary:
        fabric.save(temporary, values)
    save_model(model, config.out / "last.safetensors", part="delta")


def _validate(
    config: TrainConfig, model: MASAM, cases: list[Any], state: dict[str, Any], report: Report
) -> None:
    """Evaluate a copy of the model, so that folding FacT leaves the trained one alone."""
    delta = config.out / "candidate.safetensors"
    save_model(model, delta, part="delta")
    copy = load_model(delta, base=config.base)
    segmenter = Segmenter(copy, device=model.pixel_mean.device)
    scores = evaluate_cases(cases, segmenter, quality="fast")
    mean = sum(s.dice for s in scores) / len(scores)
    log = _Log(config.out / "validation.csv", ("step", "case", "dice", "ellipsoid"), state["step"])
    for score in scores:
        log.add(state["step"], score.case, f"{score.dice:.4f}", f"{score.ellipsoid:.4f}")
    report(f"Step {state['step']}: {summarise(scores)}")
    if mean > state["best"]:
        state["best"] = mean
        os.replace(delta, config.out / "best.safetensors")
    else:
        delta.unlink()


class _Log:
    """A CSV file whose first column is the step; it grows line by line and survives a kill.

    Lines of steps that a resumed run will do again are dropped.
    """

    def __init__(self, path: Path, columns: tuple[str, ...], step: int) -> None:
        self.path = path
        if not path.exists():
            self.add(*columns)
            return
        with path.open(newline="", encoding="utf-8") as file:
            header, *rows = list(csv.reader(file))
        kept = [row for row in rows if row and int(row[0]) < step]
        with atomic_path(path) as temporary, temporary.open("w", newline="") as file:
            csv.writer(file).writerows([header, *kept])

    def add(self, *values: object) -> None:
        with self.path.open("a", newline="", encoding="utf-8") as file:
            csv.writer(file).writerow(values)
