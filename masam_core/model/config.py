"""ModelConfig: every number that shapes a model, saved inside its checkpoint."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from masam_core.errors import ConfigError
from masam_core.image.intensity import DEFAULT_INTENSITY, IntensityConfig
from masam_core.model.backbones import BACKBONES, BackboneSpec, DecoderKind
from masam_core.schema import check

AdapterPosition = Literal["none", "before", "after", "both"]
FieldOfView = Literal["slice", "prompt"]
ShapePrior = Literal["none", "ellipsoid"]
Channels = Literal["repeat", "local", "rgb"]
Confidence = Literal["probability", "predicted"]


SAM_PIXEL_MEAN = (123.675 / 255, 116.28 / 255, 103.53 / 255)
SAM_PIXEL_STD = (58.395 / 255, 57.12 / 255, 57.375 / 255)
EMBEDDING_CHANNELS = 256  # width of SAM's prompt encoder and mask decoder


@dataclass(frozen=True)
class ModelConfig:
    """Everything needed to rebuild a MA-SAM model and to feed it (Chen et al. 2024, section 3).

    Attributes:
        name: short name shown to users.
        backbone: key of :data:`~masam_core.model.backbones.BACKBONES`.
        image_size: side of the square network input, pixels; a multiple of the patch size.
        num_slices: consecutive slices in one window (the paper's 5).
        num_classes: foreground classes; the decoder has ``num_classes + 1`` mask tokens.
        decoder: ``progressive``, ``multiscale`` or ``sam`` (SAM's own, one class).
        fact_rank: rank r of FacT; 0 switches FacT off.
        fact_scale: factor s of the FacT increment.
        fact_dropout: dropout between the two FacT factors, training only.
        adapter_width: channels inside a 3D adapter.
        adapter_position: where the two adapters of a block stand.
        pixel_mean, pixel_std: normalisation of the three input channels, for values in [0, 1].
        field_of_view: ``slice`` feeds the whole slice; ``prompt`` a square crop around the box.
        crop_scale: side of the ``prompt`` crop over the longest in-plane side of the box.
        shape_prior: ``ellipsoid`` also feeds the ellipsoid inscribed in the 3D box as SAM's mask
            prompt, so that a slice knows how far it lies from the ends of the box.
        channels: ``repeat`` gives each slice to all three input channels, as in the paper;
            ``local`` gives the second and third channel the contrast of the crop and of its middle;
            ``rgb`` is for videos, whose frames bring three of their own.
        detail_width: channels of a convolutional branch that brings pixel detail to the decoder's
            finest maps; 0 switches it off, as in the paper.
        confidence: how sure the model is of a mask: ``probability`` takes the Dice that its
            probabilities lead one to expect; ``predicted`` what its quality head says.
        intensity: presets that map image values to [0, 1].
        class_names: one name per foreground class.
        threshold: probability above which a voxel belongs to the lesion.
    """

    name: str = "masam"
    backbone: str = "vit_b"
    image_size: int = 512
    num_slices: int = 5
    num_classes: int = 1
    decoder: DecoderKind = "progressive"
    fact_rank: int = 32
    fact_scale: float = 1.0
    fact_dropout: float = 0.1
    adapter_width: int = 384
    adapter_position: AdapterPosition = "both"
    pixel_mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    pixel_std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    field_of_view: FieldOfView = "slice"
    crop_scale: float = 1.5
    shape_prior: ShapePrior = "none"
    channels: Channels = "repeat"
    detail_width: int = 0
    confidence: Confidence = "probability"
    intensity: IntensityConfig = DEFAULT_INTENSITY
    class_names: tuple[str, ...] = field(default=())
    threshold: float = 0.5

    def __post_init__(self) -> None:
        _require(self.backbone in BACKBONES, "backbone", self.backbone, ", ".join(BACKBONES))
        for attribute, choices in _CHOICES.items():
            value = getattr(self, attribute)
            _require(value in choices, attribute, value, ", ".join(choices))
        patch = self.spec.patch
        _require(
            self.image_size >= patch and self.image_size % patch == 0,
            "image_size",
            self.image_size,
            f"a positive multiple of {patch}, the patch size of {self.backbone}",
        )
        for attribute, (low, high) in _LIMITS.items():
            size = getattr(self, attribute)
            _require(low <= size <= high, attribute, size, f"{low} to {high}")
        _require(0 <= self.fact_dropout < 1, "fact_dropout", self.fact_dropout, "0 to below 1")
        _require(
            self.decoder in self.spec.decoders,
            "decoder",
            self.decoder,
            f"{' or '.join(self.spec.decoders)} on {self.backbone}",
        )
        _require(
            not self.detail_width or self.decoder == self.spec.detail_decoder,
            "decoder",
            self.decoder,
            f"{self.spec.detail_decoder} where detail_width is set",
        )
        _require(0 < self.threshold < 1, "threshold", self.threshold, "between 0 and 1")
        _require(all(s > 0 for s in self.pixel_std), "pixel_std", self.pixel_std, "positive values")
        if self.channels == "rgb":
            whole = self.field_of_view == "slice" and self.shape_prior == "none"
            _require(
                whole,
                "channels",
                self.channels,
                "field_of_view slice and shape_prior none beside rgb",
            )
        if self.decoder == "sam":
            _require(
                self.num_classes == 1, "num_classes", self.num_classes, "1 with the sam decoder"
            )
        _require(
            len(self.class_names) in (0, self.num_classes),
            "class_names",
            self.class_names,
            f"{self.num_classes} names, or none",
        )

    @property
    def spec(self) -> BackboneSpec:
        """Shape of the backbone."""
        return BACKBONES[self.backbone]

    @property
    def cuts_intensity(self) -> bool:
        """Whether values beyond the intensity limits are lost before the crop is looked at."""
        return self.channels == "repeat"

    @property
    def sees_video(self) -> bool:
        """Whether the model takes frames in colours instead of grey slices."""
        return self.channels == "rgb"

    @property
    def grid(self) -> int:
        """Side of the token grid."""
        return self.image_size // self.spec.patch

    @property
    def logits_side(self) -> int:
        """Side of the decoder's output: 16 times the token grid, 4 times with SAM's own decoder."""
        return self.grid * (4 if self.decoder == "sam" else 16)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON-able values, the inverse of :meth:`from_dict`."""
        values = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        values["intensity"] = self.intensity.to_dict()
        return {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> ModelConfig:
        """Rebuild a config.

        Raises:
            ConfigError: an unknown or ill-typed entry, named in the message.
        """
        known = {f.name for f in dataclasses.fields(cls)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise ConfigError(
                f"The model configuration has unknown entries: {', '.join(unknown)}. It may come "
                "from a newer version of MASAM."
            )
        given = {k: v for k, v in values.items() if not isinstance(v, IntensityConfig)}
        tidy = {**values, **check(cls, given, "The model configuration")}
        if not isinstance(tidy.get("intensity", DEFAULT_INTENSITY), IntensityConfig):
            tidy["intensity"] = IntensityConfig.from_dict(tidy["intensity"])
        return cls(**tidy)

    def to_json(self) -> str:
        """One line of JSON, for checkpoint metadata."""
        return json.dumps(self.to_dict(), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> ModelConfig:
        """Inverse of :meth:`to_json`; raises ConfigError."""
        try:
            values = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ConfigError(f"The model configuration is not valid JSON: {error}.") from error
        if not isinstance(values, dict):
            raise ConfigError("The model configuration must be a JSON object.")
        return cls.from_dict(values)


# A file of a few hundred bytes must not ask for all memory; far beyond what was ever trained.
_LIMITS: dict[str, tuple[int, int]] = {
    "image_size": (1, 4096),
    "num_slices": (1, 64),
    "num_classes": (1, 255),
    "fact_rank": (0, 4096),
    "fact_scale": (-1000, 1000),
    "adapter_width": (1, 8192),
    "detail_width": (0, 4096),
    "crop_scale": (1, 100),
}
_CHOICES: dict[str, tuple[str, ...]] = {
    "decoder": get_args(DecoderKind),
    "adapter_position": get_args(AdapterPosition),
    "field_of_view": get_args(FieldOfView),
    "shape_prior": get_args(ShapePrior),
    "channels": get_args(Channels),
    "confidence": get_args(Confidence),
}


def _require(condition: bool, name: str, value: object, expected: str) -> None:
    if not condition:
        raise ConfigError(f"Model configuration: {name} is {value!r}; expected {expected}.")
