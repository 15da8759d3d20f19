"""TrainConfig: every number of a training run, from a preset, a YAML file, the command line."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from masam_core.config import ModelConfig
from masam_core.errors import ConfigError
from masam_core.training.cases import Target
from masam_core.training.prompts import PromptConfig

PRECISIONS = ("32-true", "bf16-mixed", "16-mixed")


@dataclass(frozen=True)
class TrainConfig:
    """One training run.

    Attributes:
        data: case list, see :func:`masam_core.training.case_lists.read_cases`.
        out: folder for checkpoints and logs.
        base: backbone file.
        decoder_from: file with SAM-layout prompt encoder and decoder weights to start from.
        start_from: MASAM file whose trained weights are taken over where they fit (fine-tuning).
        backgrounds: images without labels, for synthetic lesions.
        model: what is trained.
        prompts: how boxes are simulated; None trains automatic segmentation, without prompts.
        target: which labels count, and whether each separate part is a lesion.
        steps: optimiser steps.
        epochs: where above 0, sets ``steps``: an epoch is one window for each lesion slice.
        batch: windows per step, over all devices.
        at_once: windows a device computes at once; the batch is accumulated from such parts.
            0: as many as a device has to do.
        lr, warmup, power: learning rate, linear warm-up steps, then ``(1 - t / steps) ** power``.
        weight_decay: of AdamW.
        clip: most norm of the gradient.
        average: what is validated and saved is a running mean of the weights over about
            ``1 / (1 - average)`` steps; 0: the weights of the last step.
        synthetic, regions: shares of samples with a synthetic lesion, with a region of the image.
        augment: whether to augment.
        checkpointing: keep only block inputs for the backward pass: less memory, more time.
        seed: makes the run repeatable.
        validate_every, save_every: steps; 0 switches validation off.
        accelerator, devices, nodes: as for Lightning Fabric.
        precision: 32-true, bf16-mixed or 16-mixed.
        tensorboard: also log to TensorBoard.
    """

    data: Path
    out: Path
    base: Path
    decoder_from: Path | None = None
    start_from: Path | None = None
    backgrounds: tuple[Path, ...] = ()
    model: ModelConfig = field(default_factory=ModelConfig)
    prompts: PromptConfig | None = field(default_factory=PromptConfig)
    target: Target = field(default_factory=Target)
    steps: int = 2000
    epochs: int = 0
    batch: int = 2
    at_once: int = 0
    lr: float = 8e-4
    warmup: int = 250
    power: float = 7.0
    weight_decay: float = 0.1
    clip: float = 1.0
    average: float = 0.0
    synthetic: float = 0.3
    regions: float = 0.0
    augment: bool = True
    checkpointing: bool = False
    seed: int = 0
    validate_every: int = 500
    save_every: int = 100
    accelerator: str = "auto"
    devices: int = 1
    nodes: int = 1
    precision: str = "32-true"
    tensorboard: bool = False

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "save_every", "devices", "nodes"):
            _require(getattr(self, name) >= 1, name, getattr(self, name), "1 or more")
        for name in ("epochs", "at_once", "warmup", "validate_every", "weight_decay"):
            _require(getattr(self, name) >= 0, name, getattr(self, name), "0 or more")
        for name in ("lr", "clip"):
            _require(getattr(self, name) > 0, name, getattr(self, name), "a positive number")
        for name in ("synthetic", "regions"):
            _require(0 <= getattr(self, name) <= 1, name, getattr(self, name), "a share, 0 to 1")
        _require(
            self.synthetic + self.regions <= 1,
            "synthetic + regions",
            self.synthetic + self.regions,
            "1 or less",
        )
        _require(0 <= self.average < 1, "average", self.average, "0 (off) to below 1")
        world = self.devices * self.nodes
        _require(
            self.batch % (world * max(1, self.at_once)) == 0,
            "batch",
            self.batch,
            f"a multiple of devices x nodes x at_once = {world * max(1, self.at_once)}",
        )
        _require(self.precision in PRECISIONS, "precision", self.precision, ", ".join(PRECISIONS))
        one_class = self.model.num_classes == 1
        _require(
            one_class or not (self.synthetic or self.regions),
            "synthetic or regions",
            max(self.synthetic, self.regions),
            "0 for a model of several classes",
        )
        _require(
            self.prompts is not None or self.model.field_of_view == "slice",
            "field_of_view",
            self.model.field_of_view,
            "slice where there are no prompts",
        )
        _require(
            self.prompts is not None or not (self.synthetic or self.regions),
            "synthetic or regions",
            max(self.synthetic, self.regions),
            "0 without prompts",
        )

    @property
    def part(self) -> int:
        """Windows that a device computes at once."""
        return self.at_once or self.batch // (self.devices * self.nodes)


def build_config(*layers: Mapping[str, Any]) -> TrainConfig:
    """A run from layers of plain values, later ones winning; ``model``, ``prompts`` and ``target``
    are merged entry by entry.

    Raises:
        ConfigError: an unknown entry or a bad value, named in the message.
    """
    merged: dict[str, Any] = {}
    for layer in layers:
        for name, value in layer.items():
            both = isinstance(merged.get(name), dict) and isinstance(value, Mapping)
            merged[name] = {**merged[name], **value} if both else _plain(value)
    known = {f.name for f in dataclasses.fields(TrainConfig)}
    _refuse_unknown("The training configuration", merged, known)
    missing = [n for n in ("data", "out", "base") if merged.get(n) is None]
    if missing:
        raise ConfigError(f"The training configuration lacks: {', '.join(missing)}.")
    if isinstance(merged.get("model"), dict):
        merged["model"] = ModelConfig.from_dict(merged["model"])
    for name, kind in (("prompts", PromptConfig), ("target", Target)):
        if isinstance(merged.get(name), dict):
            _refuse_unknown(name, merged[name], {f.name for f in dataclasses.fields(kind)})
            merged[name] = kind(**_tuples(merged[name]))
    for name in ("data", "out", "base", "decoder_from", "start_from"):
        if merged.get(name) is not None:
            merged[name] = Path(merged[name])
    if "backgrounds" in merged:
        merged["backgrounds"] = tuple(Path(p) for p in merged["backgrounds"] or ())
    for f in dataclasses.fields(TrainConfig):
        if f.name in merged and f.type in _NUMBERS:
            merged[f.name] = _number(f.name, merged[f.name], str(f.type))
    return TrainConfig(**merged)


def read_yaml(path: Path) -> dict[str, Any]:
    """A configuration file; relative paths in it start from its folder.

    Raises:
        ConfigError: no such file, or not a YAML mapping.
    """
    import yaml

    try:
        values = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"The configuration {path} can't be read: {error.strerror}.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"The configuration {path} is not valid YAML: {error}") from error
    if not isinstance(values, dict):
        raise ConfigError(f"The configuration {path} must be a list of 'name: value' entries.")
    folder = Path(path).parent
    for name in ("data", "out", "base", "decoder_from", "start_from"):
        if isinstance(values.get(name), str):
            values[name] = folder / values[name]
    if isinstance(values.get("backgrounds"), list):
        values["backgrounds"] = [folder / str(p) for p in values["backgrounds"]]
    return values


_NUMBERS = ("int", "float", "bool")


def _number(name: str, value: Any, kind: str) -> Any:
    """YAML reads 4e-4 as text, so text that is a number counts as one."""
    if kind == "bool":
        if isinstance(value, bool):
            return value
        raise ConfigError(f"Training: {name} is {value!r}; expected true or false.")
    try:
        number = float(value) if not isinstance(value, bool) else None
    except (TypeError, ValueError):
        number = None
    if number is None or (kind == "int" and number != int(number)):
        expected = "a whole number" if kind == "int" else "a number"
        raise ConfigError(f"Training: {name} is {value!r}; expected {expected}.")
    return int(number) if kind == "int" else number


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else value


def _tuples(values: Mapping[str, Any]) -> dict[str, Any]:
    return {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}


def _refuse_unknown(title: str, values: Mapping[str, Any], known: set[str]) -> None:
    unknown = sorted(set(values) - known)
    if unknown:
        raise ConfigError(
            f"{title} has unknown entries: {', '.join(unknown)}; known are "
            f"{', '.join(sorted(known))}."
        )


def _require(condition: bool, name: str, value: object, expected: str) -> None:
    if not condition:
        raise ConfigError(f"Training: {name} is {value}; expected {expected}.")
