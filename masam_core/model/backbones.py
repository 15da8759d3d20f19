"""The backbones that a model can stand on; needs no torch, so that a configuration loads at once.

A new backbone is a line in :data:`BACKBONES` and the module that the line names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from masam_core.errors import ConfigError

DecoderKind = Literal["progressive", "multiscale", "sam"]


@dataclass(frozen=True)
class BackboneSpec:
    """The fixed shape of a backbone, and the class that runs it.

    Attributes:
        encoder: ``module:Class`` of its :class:`~masam_core.model.image_encoder.ImageEncoder`,
            imported when a model is built.
        width: channels of its tokens, or of those of its last block where they change.
        depth: blocks that take FacT and adapters.
        heads: attention heads of its last block.
        patch: pixels of a token's side.
        global_blocks: blocks with global attention among windowed ones (SAM).
        window: side of an attention window in tokens (SAM).
        position_grid: side of the stored position embedding in tokens (DINOv2).
        decoders: mask decoders that fit it.
        detail_decoder: the one of them that takes the maps of its detail branch.
        weights: the file that holds its weights, in a user's words.
    """

    encoder: str
    width: int
    depth: int
    heads: int
    patch: int
    global_blocks: tuple[int, ...] = ()
    window: int = 14
    position_grid: int = 64
    decoders: tuple[DecoderKind, ...] = ("progressive", "multiscale", "sam")
    detail_decoder: DecoderKind = "progressive"
    weights: str = "a file of its weights"


SAM = "masam_core.model.encoders.sam:SamImageEncoder"
DINOV2 = "masam_core.model.encoders.dinov2:DinoImageEncoder"
TINY = "masam_core.model.encoders.tiny:TinyImageEncoder"

# SAM: Kirillov et al. 2023, build_sam.py of segment-anything. ViT-S/14: Oquab et al. 2023.
# TinyViT: Wu et al. 2022, with the strides of LiteMedSAM (Ma et al. 2024).
BACKBONES: dict[str, BackboneSpec] = {
    "vit_b": BackboneSpec(SAM, 768, 12, 12, 16, (2, 5, 8, 11), weights="a SAM vit_b file"),
    "vit_l": BackboneSpec(SAM, 1024, 24, 16, 16, (5, 11, 17, 23), weights="a SAM vit_l file"),
    "vit_h": BackboneSpec(SAM, 1280, 32, 16, 16, (7, 15, 23, 31), weights="a SAM vit_h file"),
    "vit_s14": BackboneSpec(
        DINOV2, 384, 12, 6, 14, position_grid=37, weights="the bundled backbone"
    ),
    # Its early maps differ from its tokens in width: the multiscale decoder has nothing to read.
    "tiny_vit": BackboneSpec(
        TINY,
        320,
        8,
        10,
        4,
        decoders=("sam", "progressive"),
        detail_decoder="sam",
        weights="LiteMedSAM's file",
    ),
}


def backbone_spec(name: object) -> BackboneSpec:
    """The backbone of a name; ConfigError, which lists those that are known, if there is none."""
    for known, spec in BACKBONES.items():
        if known == name:
            return spec
    raise ConfigError(f"Unknown backbone '{name}'; expected {', '.join(BACKBONES)}.")
