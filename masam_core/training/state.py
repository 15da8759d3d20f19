"""What a run needs to go on, and its checkpoints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from masam_core.atomic import atomic_path
from masam_core.errors import ConfigError
from masam_core.model.checkpoint import save_model
from masam_core.model.evidence import evidence_of
from masam_core.model.masam import MASAM
from masam_core.training.settings import TrainConfig


class RunState:
    """Weights and their running mean, optimiser, gradient scaler, next step, best validation Dice;
    ``last.ckpt`` on disk.

    Args:
        config: of the run; its ``out`` is the folder.
        model: that is trained.
        optimizer: with ``state_dict`` and ``load_state_dict``.
        scaler: of the gradients, with the same two; None where the precision needs none.
        trained_on: what the weights come from, by a word for it; a run goes on with the same alone.
    """

    def __init__(
        self,
        config: TrainConfig,
        model: MASAM,
        optimizer: Any,
        scaler: Any = None,
        trained_on: Mapping[str, str] | None = None,
    ) -> None:
        self.config = config
        self.trained_on = dict(trained_on or {})
        self.model = model
        self.optimizer = optimizer
        self.scaler = scaler
        self.step = 0
        self.best = -1.0
        self.waited = 0  # validations since the best
        self.first: list[float] | None = None  # validation's patients
        self.path = config.out / "last.ckpt"
        # Of each class, the smallest and largest that is learned from; None for a model that
        # tells nothing of them: one that takes prompts, or of videos.
        self.volumes_ml: list[tuple[float, float] | None] | None = None
        self.mean: dict[str, Tensor] = {}
        if config.average:
            self.mean = {n: p.detach().clone() for n, p in model.trainable().items()}

    @torch.no_grad()
    def advance(self) -> None:
        """Count a step, and take its weights into the mean (the first steps in larger shares).

        What was found out about the weights before holds no longer.
        """
        self.forget_evidence()
        share = max(1 - self.config.average, 9 / (self.step + 10))
        for name, kept in self.mean.items():
            kept.lerp_(self.model.get_parameter(name).detach(), share)
        self.step += 1

    def forget_evidence(self) -> None:
        """Say of the model what is known without held-out patients: the volumes it learns from."""
        known = self.volumes_ml
        self.model.evidence = None if known is None else evidence_of((), known)

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """The model with its mean weights for a while; as it is where none are kept."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    def _swap(self) -> None:
        for name, kept in self.mean.items():
            parameter = self.model.get_parameter(name)
            parameter.data, self.mean[name] = kept, parameter.data

    def take(self, dice: float, patients: Sequence[float]) -> bool:
        """Note a validation; whether it is the best so far.

        Args:
            dice: mean over all lesions.
            patients: mean of each patient, the same ones in the same order every time.
        """
        now = np.array(patients)
        sure = True
        if self.first is None:
            self.first = now.tolist()
        else:
            gains = now - np.array(self.first)
            sure = _surely_higher(gains, self.config.least, self.config.sure)
        better = sure and dice > self.best
        self.best = dice if better else self.best
        self.waited = 0 if better else self.waited + 1
        return better

    def resume(self) -> bool:
        """Take over the last checkpoint, if there is one.

        Raises:
            ConfigError: it is of another model, was trained on something else, or is damaged.
        """
        if not self.path.exists():
            return False
        trained = self.model.trainable()
        try:
            saved = torch.load(self.path, map_location="cpu", weights_only=True)
            shapes = {n: t.shape for n, t in saved["trained"].items()}
        except Exception as error:
            raise ConfigError(
                f"{self.path} can't be read ({error}). Move it away to start anew."
            ) from error
        if shapes != {n: p.shape for n, p in trained.items()}:
            raise ConfigError(
                f"{self.path} belongs to a run of another model. Choose another folder, or move it "
                "away to start anew."
            )
        before = saved.get("trained_on", {})  # not in those of earlier versions
        for what, now in self.trained_on.items():
            if before.get(what, now) != now:
                raise ConfigError(
                    f"{self.path} belongs to a run with another {what}: {before[what]} there, "
                    f"{now} here. Choose another folder, or move it away to start anew."
                )
        with torch.no_grad():
            for name, parameter in trained.items():
                parameter.copy_(saved["trained"][name])
            for name, kept in self.mean.items():
                kept.copy_(saved.get("mean", {}).get(name, saved["trained"][name]))
        fused = self.optimizer.param_groups[0].get("fused")
        self.optimizer.load_state_dict(saved["optimizer"])
        for group in self.optimizer.param_groups:
            group["fused"] = fused  # by this device, not by the one that the run began on
        if self.scaler is not None and saved.get("scaler"):
            self.scaler.load_state_dict(saved["scaler"])
        self.step, self.best = saved["step"], saved["best"]
        # Not in those of earlier versions.
        self.waited, self.first = saved.get("waited", 0), saved.get("first")
        return True

    def save(self) -> None:
        """Write ``last.ckpt`` and ``last.safetensors``, each atomically."""
        values = {
            "trained": {n: p.detach() for n, p in self.model.trainable().items()},
            "mean": self.mean,
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict() if self.scaler is not None else {},
            "step": self.step,
            "best": self.best,
            "waited": self.waited,
            "first": self.first,
            "trained_on": self.trained_on,
        }
        with atomic_path(self.path) as temporary:
            torch.save(values, temporary)
        with self.averaged():
            save_model(self.model, self.config.out / "last.safetensors", kind=self.model.saved_as)


def _surely_higher(gains: NDArray[np.float64], least: float, errors: float) -> bool:
    """Whether the mean gain of patients is at least so much, and more than so many standard errors
    (of one patient there is none); any gain will do where neither is asked for."""
    spread = float(gains.std(ddof=1)) / len(gains) ** 0.5 if len(gains) > 1 else 0.0
    return not (least or errors) or bool(gains.mean() >= least and gains.mean() > errors * spread)
