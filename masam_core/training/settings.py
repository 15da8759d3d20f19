"""TrainConfig: the one statement of what a training run can be told, and its defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from masam_core.data.cases import Target
from masam_core.errors import ConfigError
from masam_core.image.intensity import DEFAULT_INTENSITY
from masam_core.model.config import ModelConfig
from masam_core.schema import check, merged_entries
from masam_core.training.augmentation import Augmentation
from masam_core.training.prompts import PromptConfig

PRECISIONS = ("32-true", "bf16-mixed", "16-mixed")


@dataclass(frozen=True)
class TrainConfig:
    """One training run.

    Presets, YAML files and ``--set`` name these entries; what they may hold is stated here alone.

    Attributes:
        data: case list, see :func:`masam_core.data.reading.read_cases`; or a pack of crops, see
            :mod:`masam_core.training.pack`.
        out: folder for checkpoints and logs.
        base: backbone file.
        decoder_from: file with SAM-layout prompt encoder and decoder weights to start from.
        start_from: MASAM file whose trained weights are taken over where they fit (fine-tuning).
        backgrounds: images without labels, for synthetic lesions.
        model: what is trained.
        parts: which parts of it, see :data:`masam_core.model.parts.PARTS`; empty: everything but
            the backbone.
        prompts: how boxes are simulated; None trains automatic segmentation, without prompts.
        target: which labels count, and whether each separate part is a lesion.
        steps: optimiser steps.
        epochs: where above 0, sets ``steps``: an epoch is one window for each lesion slice.
        minutes: where above 0, ends the run after so many minutes if the steps have not; the
            learning rate falls with whichever is nearer its end. For a machine that is lent by the
            minute; such a run can't be repeated exactly.
        batch: windows per step, over all devices.
        at_once: windows a device computes at once; the batch is accumulated from such parts.
            0: as many as a device has to do.
        lr, warmup, power: learning rate, linear warm-up steps, then ``(1 - t / steps) ** power``.
        weight_decay: of AdamW.
        clip: most norm of the gradient.
        average: what is validated and saved is a running mean of the weights over about
            ``1 / (1 - average)`` steps; 0: the weights of the last step.
        synthetic, regions: shares of samples with a synthetic lesion, with a region of the image.
        foreground: without prompts, share of windows that are laid on a class, each class as often
            as the others: small ones are seen, too. The others lie anywhere.
        augment: whether to augment.
        augmentation: how far, see :class:`~masam_core.training.augmentation.Augmentation`.
        workers: processes that draw samples beside the training; 0 draws them in between.
        full: train the backbone, too (full fine-tuning); what is saved is then a whole model.
        checkpointing: keep only block inputs for the backward pass: less memory, more time.
        seed: makes the run repeatable.
        validate_every, save_every: steps; 0 switches validation off.
        patience: end after so many validations in a row that were no better than the best; 0, or
            where nothing is validated: never. The weights at the start count, too.
        least, sure: what is better must exceed the first validation by so much mean Dice of
            patients, and by so many standard errors over them; 0: any gain will do.
        compare: afterwards compare the model with ``start_from`` on the cases of the split ``val``,
            which serve for nothing else then; see :mod:`masam_core.training.adapting`.
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
    parts: tuple[str, ...] = ()
    prompts: PromptConfig | None = field(default_factory=PromptConfig)
    target: Target = field(default_factory=Target)
    steps: int = 2000
    epochs: int = 0
    minutes: float = 0.0
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
    foreground: float = 0.0
    augment: bool = True
    augmentation: Augmentation = field(default_factory=Augmentation)
    workers: int = 0
    full: bool = False
    checkpointing: bool = False
    seed: int = 0
    validate_every: int = 500
    save_every: int = 100
    patience: int = 0
    least: float = 0.0
    sure: float = 0.0
    compare: bool = False
    accelerator: str = "auto"
    devices: int = 1
    nodes: int = 1
    precision: str = "32-true"
    tensorboard: bool = False

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "save_every", "devices", "nodes"):
            _require(getattr(self, name) >= 1, name, getattr(self, name), "1 or more")
        for name in (
            "epochs",
            "minutes",
            "at_once",
            "warmup",
            "validate_every",
            "patience",
            "least",
            "sure",
            "weight_decay",
            "workers",
        ):
            _require(getattr(self, name) >= 0, name, getattr(self, name), "0 or more")
        for name in ("lr", "clip"):
            _require(getattr(self, name) > 0, name, getattr(self, name), "a positive number")
        for name in ("synthetic", "regions", "foreground"):
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
            self.start_from is not None or not self.compare,
            "compare",
            self.compare,
            "false where there is nothing to compare with (start_from)",
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
        _require(
            not (self.full and self.parts),
            "parts",
            list(self.parts),
            "none where full trains the backbone and everything else",
        )
        _require(
            self.prompts is None or not self.foreground,
            "foreground",
            self.foreground,
            "0 with prompts, which lie on a lesion anyway",
        )
        video = self.model.sees_video
        _require(
            not video or not (self.synthetic or self.regions),
            "synthetic or regions",
            max(self.synthetic, self.regions),
            "0 for videos",
        )
        _require(
            not video or self.prompts is None or not self.validate_every,
            "validate_every",
            self.validate_every,
            "0 for videos with boxes, which are evaluated without boxes alone",
        )

    @property
    def part(self) -> int:
        """Windows that a device computes at once."""
        return self.at_once or self.batch // (self.devices * self.nodes)


# What a run can't do without, and how it is named on the command line.
_LACKING = {
    "data": "the folder of the cases, as first argument",
    "out": "the folder of the run, -o FOLDER",
    "base": "the backbone's weights, --base FILE",
}


def build_config(*layers: Mapping[str, Any]) -> TrainConfig:
    """Build a run from layers of plain values, later ones winning; groups (``model``, ``prompts``,
    ``target``, ``augmentation``) are merged entry by entry. A layer that says ``steps`` and no
    ``epochs`` ends the epochs of those below.

    Raises:
        ConfigError: an unknown entry or a bad value, named in the message.
    """
    merged = merge_layers(*layers)
    missing = [n for n in _LACKING if merged.get(n) is None]
    if missing:
        words = ", ".join(f"{name} ({_LACKING[name]})" for name in missing)
        raise ConfigError(f"The training configuration lacks: {words}.")
    if isinstance(merged.get("model"), dict):
        model = merged["model"]
        if isinstance(model.get("intensity"), dict):
            model["intensity"] = merged_entries(DEFAULT_INTENSITY.to_dict(), model["intensity"])
        merged["model"] = ModelConfig.from_dict(model)
    for name, kind in (
        ("prompts", PromptConfig),
        ("target", Target),
        ("augmentation", Augmentation),
    ):
        if isinstance(merged.get(name), dict):
            merged[name] = kind(**merged[name])
    return TrainConfig(**merged)


def merge_layers(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """Lay layers over each other; see :func:`build_config`, which makes the run of them.

    Raises:
        ConfigError: an unknown entry or a value of a wrong type.
    """
    merged: dict[str, Any] = {}
    for layer in layers:
        checked = check(TrainConfig, layer, "The training configuration")
        if "steps" in checked and "epochs" not in checked:
            checked["epochs"] = 0
        merged = merged_entries(merged, checked)
    return merged


def config_as_yaml(config: TrainConfig) -> str:
    """Every entry of a run as YAML, which :func:`masam_core.training.layers.read_yaml` reads."""
    import yaml

    values = asdict(config)
    values["model"] = config.model.to_dict()
    return str(yaml.safe_dump(_written(values), sort_keys=False, allow_unicode=True))


def _written(value: Any) -> Any:
    """A value in YAML's own types; paths whole, so that they mean the same from any folder."""
    if isinstance(value, Mapping):
        return {name: _written(content) for name, content in value.items()}
    if isinstance(value, (list, tuple)):
        return [_written(content) for content in value]
    return str(value.absolute()) if isinstance(value, Path) else value


def _require(condition: bool, name: str, value: object, expected: str) -> None:
    if not condition:
        raise ConfigError(f"Training: {name} is {value}; expected {expected}.")
