"""Work out a ModelConfig from the tensors of files that carry none."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from masam_core.errors import CheckpointError
from masam_core.model.config import (
    BACKBONES,
    SAM_PIXEL_MEAN,
    SAM_PIXEL_STD,
    AdapterPosition,
    Backbone,
    ModelConfig,
)
from masam_core.model.key_maps import sam_backbone
from masam_core.model.state_files import State

# LiteMedSAM (Ma et al. 2024): slice by slice, its own prompt encoder and decoder.
LITE_MEDSAM = ModelConfig(
    name="LiteMedSAM",
    backbone="tiny_vit",
    image_size=256,
    num_slices=1,
    decoder="sam",
    fact_rank=0,
    adapter_position="none",
)

# The fields that decide which tensors a model has, in a user's words.
_SHAPING = {
    "backbone": "backbone",
    "decoder": "decoder",
    "num_classes": "classes",
    "fact_rank": "FacT rank",
    "adapter_position": "adapter position",
    "adapter_width": "adapter width",
    "num_slices": "slices per window",
    "image_size": "image size",
}


def sam_config(path: Path, state: State) -> ModelConfig:
    """Config of plain SAM, or of MedSAM, whose files have the same keys.

    MedSAM (Ma et al. 2024) takes values in [0, 1] without SAM's normalisation; only the file name
    tells the two apart.

    Raises:
        CheckpointError: no SAM image encoder of a known size.
    """
    backbone = sam_backbone(state)
    positions = state.get("image_encoder.pos_embed")
    if backbone is None or positions is None:
        raise CheckpointError(f"{path} is no SAM ViT-B, L or H file.")
    medsam = "medsam" in Path(path).name.lower()
    return ModelConfig(
        name=f"{'MedSAM' if medsam else 'SAM'} {backbone}",
        backbone=cast(Backbone, backbone),
        image_size=positions.shape[1] * BACKBONES[backbone].patch,
        num_slices=1,
        decoder="sam",
        fact_rank=0,
        adapter_position="none",
        pixel_mean=(0.0, 0.0, 0.0) if medsam else SAM_PIXEL_MEAN,
        pixel_std=(1.0, 1.0, 1.0) if medsam else SAM_PIXEL_STD,
    )


def authors_config(path: Path, delta: State) -> ModelConfig:
    """Config of an authors' MA-SAM file, from its tensors under our names.

    Slices per window and image size leave no trace in the file; the paper's 5 and 512 are taken.

    Raises:
        CheckpointError: the tensors contradict one another or no known backbone fits.
    """
    try:
        rank, width = delta["image_encoder.fact.u.weight"].shape
        classes = delta["mask_decoder.mask_tokens.weight"].shape[0] - 1
        adapter = delta["image_encoder.adapters.0.before.down.weight"].shape[0]
    except KeyError as error:
        raise CheckpointError(f"{path} is an incomplete MA-SAM file: {error} is missing.") from None
    depth = sum(1 for name in delta if name.startswith("image_encoder.fact.q."))
    fits = [n for n, s in BACKBONES.items() if (s.width, s.depth) == (width, depth)]
    if not fits:
        raise CheckpointError(
            f"{path} was trained on a backbone of width {width} and {depth} blocks; known are "
            + ", ".join(f"{n} ({s.width}, {s.depth})" for n, s in BACKBONES.items())
        )
    position = "both" if "image_encoder.adapters.0.after.down.weight" in delta else "before"
    return ModelConfig(
        name=f"MA-SAM {fits[0]}, {classes} classes",
        backbone=cast(Backbone, fits[0]),
        num_classes=classes,
        fact_rank=rank,
        adapter_width=adapter,
        adapter_position=cast(AdapterPosition, position),
    )


def config_differences(found: ModelConfig, expected: ModelConfig) -> list[str]:
    """The shaping differences of two configs, each as a phrase for a message."""
    return [
        f"{title} {getattr(found, name)} found, {getattr(expected, name)} expected"
        for name, title in _SHAPING.items()
        if getattr(found, name) != getattr(expected, name)
    ]
