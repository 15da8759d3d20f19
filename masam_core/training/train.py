"""The training run on Lightning Fabric: CPU, one GPU, several, several machines."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from lightning_fabric import Fabric
from lightning_fabric.strategies import DDPStrategy
from torch import Tensor, nn

from masam_core.data.cases import Case
from masam_core.data.reading import read_cases
from masam_core.digest import sha256_of
from masam_core.errors import ConfigError
from masam_core.model.abilities import BOX, NONE, class_names
from masam_core.model.checkpoint import new_model
from masam_core.model.parts import trained_parameters
from masam_core.model.start import start_from_model
from masam_core.targets import require_folder
from masam_core.threads import leave_number_to_launcher
from masam_core.training.augment import build_augmentation
from masam_core.training.case_cache import CaseCache
from masam_core.training.feed import Parts, feed
from masam_core.training.learned_volumes import learned_volumes
from masam_core.training.logs import Logs
from masam_core.training.losses import training_loss
from masam_core.training.pack import is_pack, read_pack
from masam_core.training.precision import settle_precision
from masam_core.training.prepared import PreparedCase
from masam_core.training.regions import kept_regions
from masam_core.training.samples import Batch
from masam_core.training.settings import TrainConfig
from masam_core.training.sources import Sources
from masam_core.training.state import RunState
from masam_core.training.validation import confidence_words, validate

Report = Callable[[str], None]
Progress = Callable[[int, int, float], None]


def learning_rate(config: TrainConfig, step: int, elapsed: float = 0.0) -> float:
    """Learning rate at a step: linear warm-up, then polynomial decay (MA-SAM section 4.1).

    Args:
        config: of the run.
        step: that begins.
        elapsed: share of ``config.minutes`` that is over.
    """
    if step < config.warmup:
        return config.lr * (step + 1) / config.warmup
    done = max((step - config.warmup) / max(1, config.steps - config.warmup), min(elapsed, 1.0))
    return float(config.lr * (1 - done) ** config.power)


def train(config: TrainConfig, report: Report = print, progress: Progress | None = None) -> Path:
    """Train, going on from ``out/last.ckpt`` where an earlier run stopped.

    Writes ``last.ckpt`` (everything needed to go on), ``last.safetensors`` and
    ``best.safetensors`` (deltas; best by mean validation Dice), ``log.csv`` and
    ``validation.csv`` into ``out``. With several processes only the first writes and reports; all
    together they draw the samples that one process would have drawn.

    Returns:
        Path of the best delta (of the last one, without validation).

    Raises:
        ConfigError: unusable data or settings, or a loss that is no longer finite (the last
            good checkpoint stays).
        CheckpointError: weights that do not fit.
    """
    fabric = _fabric(config)
    fabric.launch()
    say = report if fabric.is_global_zero else _silent
    if told := settle_precision(fabric):
        say(told)
    require_folder(config.out, ConfigError)
    fabric.seed_everything(config.seed, verbose=False)
    sources = training_sources(config, say)
    validation = []
    if config.validate_every and is_pack(config.data):
        say("A pack holds no cases to validate on: the last weights are kept, not the best.")
    if config.validate_every and not is_pack(config.data):
        validation = split_cases(read_cases(config.data), "val")
    if config.epochs:
        config = replace(config, steps=_steps_of(config, sources))
        say(f"{config.epochs} epochs are {config.steps} steps of {config.batch} windows.")

    model = new_model(config.model, config.base, config.decoder_from)
    if config.start_from is not None:
        copied = start_from_model(model, config.start_from, backbone=config.full)
        say(f"Took {copied} tensors over from {config.start_from}.")
    model.prompting = NONE if config.prompts is None else BOX
    if config.full:
        model.unfreeze()
    model.image_encoder.checkpointing = config.checkpointing
    trained = trained_parameters(model, config.parts)
    say(
        f"Training {sum(p.numel() for p in trained.values()):,} of "
        f"{sum(p.numel() for p in model.parameters()):,} weights."
    )
    optimizer = torch.optim.AdamW(
        list(trained.values()),
        lr=config.lr,
        weight_decay=config.weight_decay,
        # All weights in one call; on a GPU it can't be had with scaled losses that are clipped.
        fused=fabric.device.type == "cpu" or None,
    )
    wrapped, optimizer = fabric.setup(model, optimizer)
    # Half precision scales its losses; the scale is part of the state.
    scaler = getattr(fabric.strategy.precision, "scaler", None)
    state = RunState(config, model, optimizer, scaler, _trained_on(config, sources))
    if state.resume():
        say(f"Going on from step {state.step} ({state.path}).")
    automatic = config.prompts is None and not config.model.sees_video
    if automatic and fabric.is_global_zero:  # who alone writes
        state.volumes_ml = learned_volumes(sources.cases, config.model.num_classes)
        state.forget_evidence()
    logs = Logs(config.out, state.step, config.tensorboard) if fabric.is_global_zero else None
    transform = build_augmentation(config.augmentation) if config.augment else None
    own = range(fabric.global_rank, config.batch // config.part, fabric.world_size)
    batches = feed(Parts(sources, config, transform, own, state.step), config.workers)
    start, over = time.monotonic(), False
    if config.patience and validation and logs is not None and state.step == 0:
        # What the run starts from stays the best until something is better.
        say(f"Before: {validate(config, model, validation, state, logs)}")

    while state.step < config.steps and not over:
        began = time.monotonic()
        elapsed = (began - start) / (60 * config.minutes) if config.minutes else 0.0
        rate = learning_rate(config, state.step, elapsed)
        for group in optimizer.param_groups:
            group["lr"] = rate
        loss, dice = _step(fabric, wrapped, optimizer, batches, own, config, state.step)
        if not math.isfinite(loss):
            raise ConfigError(
                f"The loss is no longer a number at step {state.step}. The last good state is "
                f"{state.path}; lower the learning rate ({config.lr}) and go on."
            )
        if logs is not None:
            logs.step(state.step, rate, loss, dice, time.monotonic() - began)
        state.advance()
        if progress is not None and fabric.is_global_zero:
            progress(state.step, config.steps, loss)
        over = config.minutes > 0 and bool(fabric.broadcast(elapsed >= 1))
        finished = over or state.step == config.steps
        due = finished or (config.validate_every and state.step % config.validate_every == 0)
        if logs is not None and validation and due:
            say(f"Step {state.step}: {validate(config, model, validation, state, logs)}")
        if config.patience and not finished:
            over = finished = bool(fabric.broadcast(state.waited >= config.patience))
            if over:
                say(f"Nothing better came in {config.patience} validations: this is the end.")
        if logs is not None and (finished or state.step % config.save_every == 0):
            state.save()
        fabric.barrier()
    if logs is not None:
        logs.close()
    if state.volumes_ml is not None:
        say(confidence_words(model.evidence, class_names(config.model)))
    best = config.out / "best.safetensors"
    return best if best.exists() else config.out / "last.safetensors"


def training_sources(config: TrainConfig, report: Report = print) -> Sources:
    """What a run draws its samples from: a data set's training cases, or a pack.

    Raises:
        ConfigError: unusable data.
    """
    if is_pack(config.data):
        return packed_sources(config, report)
    return load_sources(split_cases(read_cases(config.data), "train"), config, report)


def load_sources(cases: list[Case], config: TrainConfig, report: Report = print) -> Sources:
    """Prepare training cases and backgrounds, through the cache in ``out``."""
    images, grounds = prepare_images(cases, config, report)
    return Sources(
        [lesion for lesions in images for lesion in lesions],
        [ground for (ground,) in grounds],
        config.synthetic,
        config.regions,
        config.foreground,
    )


def prepare_images(
    cases: list[Case], config: TrainConfig, report: Report = print
) -> tuple[list[list[PreparedCase]], list[list[PreparedCase]]]:
    """The lesions of each training image, and each background, with regions if the run wants
    them."""
    folder = config.out / "cache"
    cache = CaseCache(folder)
    report(f"Reading {len(cases)} training cases.")
    automatic = config.prompts is None
    images = [cache.case(c, config.model, config.target, nothing=automatic) for c in cases]
    empty = [own[0].case.name for own in images if not any(lesion.mask.any() for lesion in own)]
    if len(empty) == len(images):
        raise ConfigError("No training case holds anything of what is to be found.")
    if empty:
        report(f"These hold nothing of what is to be found, and train on that: {', '.join(empty)}.")
    grounds = [[cache.background(path, config.model)] for path in config.backgrounds]
    if config.regions:
        report(f"Finding regions in {len(images) + len(grounds)} images (slow the first time).")
        images = [_with_regions(lesions, folder) for lesions in images]
        grounds = [_with_regions(lesions, folder) for lesions in grounds]
    return images, grounds


def packed_sources(config: TrainConfig, report: Report = print) -> Sources:
    """Read a pack; it brings its regions along."""
    images = read_pack(config.data)
    report(f"Read {len(images)} images with {sum(map(len, images))} lesions from {config.data}.")
    lesions = [lesion for image in images for lesion in image]
    return Sources(lesions, [], config.synthetic, config.regions)


def _step(
    fabric: Fabric,
    model: Any,
    optimizer: Any,
    batches: Iterator[Batch],
    own: range,
    config: TrainConfig,
    step: int,
) -> tuple[float, float]:
    """One optimiser step over this process's parts of the batch; mean loss and Dice of all."""
    model.train()
    totals = torch.zeros(2, device=fabric.device)
    for number, part in enumerate(own):
        # Seeded by step and part, dropout too: a resumed run, or one on other devices, draws what
        # the unbroken one on one device would have drawn.
        torch.manual_seed((config.seed * 1_000_003 + step) * 4096 + part)
        batch = next(batches)
        last = number == len(own) - 1
        with _accumulating(fabric, model, not last):
            loss, dice = _forward(fabric, model, batch)
            fabric.backward(loss / len(own))
        totals += torch.stack([loss.detach(), dice.detach()]) / len(own)
    fabric.clip_gradients(model, optimizer, max_norm=config.clip, error_if_nonfinite=False)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    mean = cast(Tensor, fabric.all_reduce(totals, reduce_op="mean"))
    return float(mean[0]), float(mean[1])


def _forward(fabric: Fabric, model: Any, batch: Batch) -> tuple[Tensor, Tensor]:
    windows, masks, inside = (
        fabric.to_device(t) for t in (batch.windows, batch.masks, batch.inside)
    )
    logits, quality = model(windows, batch.prompt.map(fabric.to_device))
    return training_loss(logits, quality, masks, inside)


def _accumulating(fabric: Fabric, model: nn.Module, more: bool) -> AbstractContextManager[None]:
    """Leaves the exchange of gradients between processes to the last part of a step."""
    return fabric.no_backward_sync(model, enabled=more)  # type: ignore[arg-type]


def _fabric(config: TrainConfig) -> Fabric:
    several = config.devices * config.nodes > 1
    if several:
        leave_number_to_launcher()
    # The prompt encoder's point embeddings get no gradient from boxes.
    # The others wait while the first one validates, which may take long.
    strategy = (
        DDPStrategy(find_unused_parameters=True, timeout=timedelta(hours=12)) if several else "auto"
    )
    try:
        fabric = Fabric(
            accelerator=config.accelerator,
            devices=config.devices,
            num_nodes=config.nodes,
            strategy=strategy,
            precision=config.precision,  # type: ignore[arg-type]
        )
    except (ValueError, RuntimeError, TypeError) as error:
        raise ConfigError(
            f"Training can't run with accelerator {config.accelerator}, {config.devices} device(s) "
            f"and precision {config.precision}: {error}"
        ) from error
    return fabric


def split_cases(cases: list[Case], split: str) -> list[Case]:
    """The cases of a split; ConfigError if there are none."""
    chosen = [c for c in cases if c.split == split]
    if not chosen:
        advice = ""
        if split == "val":
            advice = (
                " Hold some patients out (masam prepare --val 0.2, or the list's column split), or "
                "set validate_every=0 to keep the weights of the last step."
            )
        raise ConfigError(f"The case list has no case with split '{split}'.{advice}")
    return chosen


def _with_regions(lesions: list[PreparedCase], folder: Path) -> list[PreparedCase]:
    """The lesions of one image with its regions, which keep clear of all of them."""
    every = np.any([lesion.mask for lesion in lesions], axis=0)
    regions = kept_regions(replace(lesions[0], mask=every), folder)
    return [replace(lesion, regions=regions) for lesion in lesions]


def _trained_on(config: TrainConfig, sources: Sources) -> dict[str, str]:
    """What must be the same for a run to go on, in words without a case's name.

    A folder may be named twice by mistake, and weights of one hospital's cases would go on with
    another's.
    """
    names = sorted({c.case.name for c in sources.cases})
    digest = hashlib.sha256("\n".join(names).encode("utf-8", "backslashreplace")).hexdigest()
    start = "none" if config.start_from is None else sha256_of(config.start_from)[:8]
    return {
        "set of training cases": f"{len(names)} (list {digest[:8]})",
        "choice of labels": str(config.target.labels or "all"),
        "model to start from": start,
    }


def _steps_of(config: TrainConfig, sources: Sources) -> int:
    windows = sum(int((c.mask > 0).any(axis=(1, 2)).sum()) for c in sources.cases)
    return max(1, math.ceil(config.epochs * windows / config.batch))


def _silent(message: str) -> None:
    """Only the first process reports."""
