"""Named models to train."""

from __future__ import annotations

from masam_core.config import ModelConfig
from masam_core.errors import ConfigError

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

PRESETS: dict[str, ModelConfig] = {
    # The bundled model. Its frozen ViT-S/14 was trained on ImageNet-normalised pixels, hence the
    # departure from the paper's mean 0 and std 1.
    "tumour-box-small": ModelConfig(
        name="MASAM ViT-S/14 tumour",
        backbone="vit_s14",
        image_size=168,
        adapter_width=96,
        pixel_mean=IMAGENET_MEAN,
        pixel_std=IMAGENET_STD,
        field_of_view="prompt",
        shape_prior="ellipsoid",
    ),
    # The paper's pancreas tumour model with a tight 3D box (Chen et al. 2024, table 5).
    "tumour-box-vit-h": ModelConfig(name="MA-SAM ViT-H tumour", backbone="vit_h"),
}


def preset(name: str) -> ModelConfig:
    """The model of a preset; ConfigError names the known ones."""
    if name not in PRESETS:
        raise ConfigError(f"Unknown preset '{name}'; expected one of {', '.join(PRESETS)}.")
    return PRESETS[name]
