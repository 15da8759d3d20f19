"""LiteMedSAM's file (``.pth``): TinyViT with SAM's prompt encoder and decoder."""

from __future__ import annotations

from pathlib import Path

from masam_core.errors import CheckpointError
from masam_core.model.abilities import BOX
from masam_core.model.config import ModelConfig
from masam_core.model.encoders.tiny_weights import is_tiny_vit, tiny_vit_from_lite_medsam
from masam_core.model.formats.format import BaseFile, CheckpointFormat, WeightFile
from masam_core.model.masam import BACKBONE, MASAM
from masam_core.model.state_files import State

# Ma et al. 2024: slice by slice, its own prompt encoder and decoder.
LITE_MEDSAM = ModelConfig(
    name="LiteMedSAM",
    backbone="tiny_vit",
    image_size=256,
    num_slices=1,
    decoder="sam",
    fact_rank=0,
    adapter_position="none",
)


class LiteMedSamFormat(CheckpointFormat):
    """LiteMedSAM (Ma et al. 2024), as its authors save it."""

    kind = "lite"
    title = "LiteMedSAM"
    called = "LiteMedSAM"

    def recognise(self, file: WeightFile) -> bool:
        return is_tiny_vit(file.state)

    def config(self, file: WeightFile) -> ModelConfig:
        return LITE_MEDSAM

    def state(self, file: WeightFile, config: ModelConfig) -> State:
        backbone = tiny_vit_from_lite_medsam(file.state)
        rest = {k: v for k, v in file.state.items() if not k.startswith("image_encoder.")}
        return {**{f"{BACKBONE}{k}": v for k, v in backbone.items()}, **rest}

    def prompting(self, file: WeightFile) -> str:
        return BOX

    def base(self, file: WeightFile, given: Path | None) -> BaseFile | None:
        if given is not None:
            raise CheckpointError(f"{file.path} is a whole SAM file and takes no backbone file.")
        return None

    def start(self, file: WeightFile, config: ModelConfig) -> MASAM:
        raise CheckpointError(
            f"{file.path} is a whole LiteMedSAM. To train on it, give it as backbone file and for "
            f"prompt encoder and decoder (masam train --base {file.path} --decoder-from "
            f"{file.path})."
        )
