"""Named training runs, as layers for :func:`masam_core.training.settings.build_config`."""

from __future__ import annotations

from typing import Any

from masam_core.errors import ConfigError

PRESETS: dict[str, dict[str, Any]] = {
    # The bundled model. Its frozen ViT-S/14 was trained on ImageNet-normalised pixels, hence the
    # departure from the paper's mean 0 and std 1.
    "tumour-box-small": {
        "model": {
            "name": "MASAM ViT-S/14 tumour",
            "backbone": "vit_s14",
            "image_size": 168,
            "adapter_width": 96,
            "pixel_mean": [0.485, 0.456, 0.406],
            "pixel_std": [0.229, 0.224, 0.225],
            "field_of_view": "prompt",
            "shape_prior": "ellipsoid",
            "channels": "local",
            "detail_width": 12,
            "confidence": "predicted",
        },
        "steps": 6000,
        "batch": 2,
        "lr": 3e-4,
        "warmup": 100,
        "power": 1.2,
        "synthetic": 0.45,
        "regions": 0.1,
        "validate_every": 1000,
        "save_every": 50,
        "precision": "bf16-mixed",
    },
    # The same on LiteMedSAM's frozen encoder: a third of the size, for medical images from the
    # start. A token is 4 pixels wide there, so SAM's own two upsampling steps reach the input
    # resolution and the pretrained decoder stays whole.
    "tumour-box-lite": {
        "model": {
            "name": "MASAM TinyViT tumour",
            "backbone": "tiny_vit",
            "image_size": 112,
            "decoder": "sam",
            "adapter_width": 96,
            "field_of_view": "prompt",
            "shape_prior": "ellipsoid",
            "channels": "local",
            "detail_width": 12,
            "confidence": "predicted",
        },
        "steps": 3200,
        "batch": 2,
        "lr": 3e-4,
        "warmup": 200,
        "power": 1.2,
        "average": 0.998,
        "synthetic": 0.42,
        "regions": 0.13,
        "validate_every": 800,
        "save_every": 50,
        "precision": "bf16-mixed",
    },
    # The paper's pancreas tumours with a tight 3D box (Chen et al. 2024, sections 4.1 and 4.5):
    # Task07 of the Medical Segmentation Decathlon, label 2 the tumour, no synthetic lesions.
    "pancreas-tumour-box": {
        "model": {"name": "MA-SAM ViT-H pancreas tumour", "backbone": "vit_h", "image_size": 512},
        "target": {"labels": [2]},
        "prompts": {"jitter": 0.0, "tight": 1.0},
        "epochs": 400,
        "batch": 24,
        "lr": 8e-4,
        "warmup": 250,
        "power": 7.0,
        "synthetic": 0.0,
        "validate_every": 2000,
        "save_every": 200,
        "precision": "16-mixed",
        "accelerator": "cuda",
        "at_once": 1,
        "checkpointing": True,
    },
}


def preset(name: str) -> dict[str, Any]:
    """The values of a preset; ConfigError names the known ones."""
    if name not in PRESETS:
        raise ConfigError(f"Unknown preset '{name}'; expected one of {', '.join(PRESETS)}.")
    return PRESETS[name]
