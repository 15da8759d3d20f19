"""The corrector's training run, on Lightning Fabric."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from lightning_fabric import Fabric
from safetensors.torch import save_file
from torch import Tensor
from torch.utils.data import Dataset

from masam_core.atomic import atomic_path
from masam_core.data.reading import read_cases
from masam_core.errors import ConfigError
from masam_core.model.corrector import Corrector, load_corrector
from masam_core.training.case_cache import CaseCache
from masam_core.training.corrections.appearance import vary
from masam_core.training.corrections.fields import Fields, draw_fields, field_of
from masam_core.training.corrections.rounds import Session, dice_of, play_round
from masam_core.training.corrections.wrong import wrong_masks
from masam_core.training.feed import feed
from masam_core.training.pack import is_pack
from masam_core.training.precision import settle_precision
from masam_core.training.settings import TrainConfig
from masam_core.training.sources import Sources

Report = Callable[[str], None]


@dataclass(frozen=True)
class CorrectorRun:
    """How a corrector is trained.

    Attributes:
        out: folder for ``corrector.ckpt``, ``corrector.safetensors`` and ``corrector.csv``.
        steps: optimiser steps.
        minutes: where above 0, ends after so many minutes if the steps have not.
        batch: fields a step.
        rounds: corrections a field, at most; each step plays 1 to so many.
        lr, warmup: of AdamW, falling along a cosine.
        average: running mean of the weights, which is what is saved.
        workers: processes that draw fields; 0 draws them in between.
        accelerator, precision: as for Lightning Fabric.
        seed: makes the run repeatable.
        start_from: weights to go on from.
    """

    out: Path
    steps: int = 4000
    minutes: float = 0.0
    batch: int = 8
    rounds: int = 4
    lr: float = 1e-3
    warmup: int = 100
    average: float = 0.995
    workers: int = 0
    accelerator: str = "auto"
    precision: str = "bf16-mixed"
    seed: int = 0
    save_every: int = 200
    start_from: Path | None = None


def held_out_fields(config: TrainConfig) -> Fields | None:
    """Fields around the lesions of the ``val`` split; None for a pack, which holds none.

    Raises:
        ConfigError: unusable data.
    """
    if is_pack(config.data):
        return None
    cases = [case for case in read_cases(config.data) if case.split == "val"]
    cache = CaseCache(config.out / "cache")
    lesions = [each for case in cases for each in cache.case(case, config.model, config.target)]
    drawn = [field for field in (field_of(lesion, None) for lesion in lesions) if field[1].any()]
    if not drawn:
        return None
    image, truth, z_px = zip(*drawn, strict=True)
    return Fields(torch.stack(image), torch.stack(truth), torch.tensor(z_px))


class _Draws(Dataset[Fields]):
    def __init__(self, sources: Sources, run: CorrectorRun, first: int) -> None:
        self.sources, self.run, self.first = sources, run, first

    def __len__(self) -> int:
        return self.run.steps - self.first

    def __getitem__(self, number: int) -> Fields:
        if not 0 <= number < len(self):
            raise IndexError(number)
        seeds = [(self.run.seed, self.first + number, n) for n in range(self.run.batch)]
        return draw_fields(self.sources, seeds)


def train_corrector(
    sources: Sources, run: CorrectorRun, validation: Fields | None = None, report: Report = print
) -> Path:
    """Train, going on where an earlier run stopped.

    Returns:
        Path of the weights.

    Raises:
        ConfigError: a loss that is no number any more, or a checkpoint of another network.
        CheckpointError: ``run.start_from`` is no corrector.
    """
    fabric = Fabric(accelerator=run.accelerator, devices=1, precision=run.precision)  # type: ignore[arg-type]
    fabric.launch()
    if told := settle_precision(fabric):
        report(told)
    fabric.seed_everything(run.seed, verbose=False)
    run.out.mkdir(parents=True, exist_ok=True)
    network = Corrector()
    if run.start_from is not None:
        network.load_state_dict(load_corrector(run.start_from).state_dict())
    optimizer = torch.optim.AdamW(network.parameters(), lr=run.lr, weight_decay=0.01)
    wrapped, optimizer = fabric.setup(network, optimizer)
    mean = {n: t.detach().clone() for n, t in network.state_dict().items()}
    step = _resume(run, network, optimizer, mean)
    if step:
        report(f"Going on from step {step}.")
    start = time.monotonic()
    totals: list[Tensor] = []
    for fields in feed(_Draws(sources, run, step), run.workers):
        elapsed = (time.monotonic() - start) / (60 * run.minutes) if run.minutes else 0.0
        if elapsed >= 1:
            break
        for group in optimizer.param_groups:
            group["lr"] = run.lr * _schedule(run, step, elapsed)
        loss, before, after = _step(fabric, wrapped, optimizer, fields.to(fabric.device), run, step)
        share = max(1 - run.average, 9 / (step + 10))
        with torch.no_grad():
            for name, value in network.state_dict().items():
                mean[name].lerp_(value, share)
        totals.append(torch.stack([loss, before, after]))
        step += 1
        if step % run.save_every == 0 or step == run.steps:
            _note(run, step, totals, report)
            totals = []
            _save(run, network, optimizer, mean, step)
    if totals:
        _note(run, step, totals, report)
        _save(run, network, optimizer, mean, step)
    if validation is not None:
        network.load_state_dict(mean)
        curve = evaluate_rounds(network, validation.to(fabric.device))
        report(
            "Held-out lesions, Dice after each correction: " + " ".join(f"{d:.3f}" for d in curve)
        )
    return run.out / "corrector.safetensors"


@torch.no_grad()
def evaluate_rounds(network: Corrector, fields: Fields, rounds: int = 5) -> list[float]:
    """Mean Dice of wrong masks before and after each correction."""
    network.eval()
    wrong = wrong_masks(fields.image, fields.truth, fields.z_px, 1)
    session = Session.begin(fields, wrong)
    curve = [float(dice_of(session).mean())]
    for number in range(rounds):
        play_round(network, session, number)
        curve.append(float(dice_of(session).mean()))
    return curve


def _step(
    fabric: Fabric,
    network: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    fields: Fields,
    run: CorrectorRun,
    step: int,
) -> tuple[Tensor, Tensor, Tensor]:
    network.train()
    seed = (run.seed * 1_000_003 + step) * 16
    fields = vary(fields, seed)
    with torch.no_grad():
        session = Session.begin(
            fields, wrong_masks(fields.image, fields.truth, fields.z_px, seed + 1)
        )
        before = dice_of(session).mean()
    rounds = 1 + step % run.rounds
    losses = []
    for number in range(rounds):
        loss = play_round(network, session, seed + 2 + number)
        fabric.backward(loss / rounds)
        losses.append(loss.detach())
    fabric.clip_gradients(network, optimizer, max_norm=1.0, error_if_nonfinite=False)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return torch.stack(losses).mean(), before, dice_of(session).mean()


def _schedule(run: CorrectorRun, step: int, elapsed: float) -> float:
    """Warm-up, then a cosine over steps or minutes, whichever is nearer its end."""
    if step < run.warmup:
        return (step + 1) / run.warmup
    done = max((step - run.warmup) / max(1, run.steps - run.warmup), elapsed)
    return 0.5 * (1 + float(torch.cos(torch.tensor(done * torch.pi))))


def _note(run: CorrectorRun, step: int, totals: list[Tensor], report: Report) -> None:
    loss, before, after = torch.stack(totals).mean(dim=0).tolist()
    if loss != loss:
        raise ConfigError(
            f"The loss is no longer a number at step {step}. Lower the learning rate ({run.lr})."
        )
    report(f"Step {step}: loss {loss:.4f}, Dice {before:.3f} to {after:.3f}")
    with (run.out / "corrector.csv").open("a", newline="", encoding="utf-8") as file:
        csv.writer(file).writerow([step, f"{loss:.5f}", f"{before:.4f}", f"{after:.4f}"])


def _save(
    run: CorrectorRun,
    network: Corrector,
    optimizer: torch.optim.Optimizer,
    mean: dict[str, Tensor],
    step: int,
) -> None:
    values = {
        "network": network.state_dict(),
        "mean": mean,
        "optimizer": optimizer.state_dict(),
        "step": step,
    }
    with atomic_path(run.out / "corrector.ckpt") as temporary:
        torch.save(values, temporary)
    weights = {n: t.detach().to("cpu", torch.float16).contiguous() for n, t in mean.items()}
    with atomic_path(run.out / "corrector.safetensors") as temporary:
        save_file(weights, temporary)


def _resume(
    run: CorrectorRun,
    network: Corrector,
    optimizer: torch.optim.Optimizer,
    mean: dict[str, Tensor],
) -> int:
    path = run.out / "corrector.ckpt"
    if not path.exists():
        return 0
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
        network.load_state_dict(saved["network"])
        optimizer.load_state_dict(saved["optimizer"])
    except Exception as error:
        raise ConfigError(f"{path} can't be read ({error}). Move it away to start anew.") from error
    for name, kept in mean.items():
        kept.copy_(saved["mean"][name])
    return int(saved["step"])
