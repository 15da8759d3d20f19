"""SAM's and MedSAM's files (``.pth``), whose tensors have the names of segment-anything."""

from __future__ import annotations

from pathlib import Path

from masam_core.digest import sha256_of
from masam_core.errors import CheckpointError
from masam_core.model.abilities import BOX
from masam_core.model.backbones import BACKBONES
from masam_core.model.config import SAM_PIXEL_MEAN, SAM_PIXEL_STD, ModelConfig
from masam_core.model.encoders.sam import backbone_from_sam, sam_backbone
from masam_core.model.filling import require_fit
from masam_core.model.formats.format import BaseFile, CheckpointFormat, WeightFile
from masam_core.model.masam import BACKBONE, MASAM
from masam_core.model.start import start_from_sam
from masam_core.model.state_files import State


class SamFormat(CheckpointFormat):
    """SAM (Kirillov et al. 2023), and MedSAM (Ma et al. 2024), whose files have the same names."""

    kind = "sam"
    title = "SAM"
    called = "SAM or MedSAM (ViT-B, L or H)"

    def recognise(self, file: WeightFile) -> bool:
        return (
            "mask_decoder.mask_tokens.weight" in file.state and sam_backbone(file.state) is not None
        )

    def config(self, file: WeightFile) -> ModelConfig:
        """Config of plain SAM or MedSAM.

        MedSAM takes values in [0, 1] without SAM's normalisation; only the file name tells the two
        apart.
        """
        backbone = sam_backbone(file.state)
        positions = file.state.get("image_encoder.pos_embed")
        if backbone is None or positions is None:
            raise CheckpointError(f"{file.path} is no SAM ViT-B, L or H file.")
        medsam = "medsam" in file.path.name.lower()
        return ModelConfig(
            name=f"{'MedSAM' if medsam else 'SAM'} {backbone}",
            backbone=backbone,
            image_size=positions.shape[1] * BACKBONES[backbone].patch,
            num_slices=1,
            decoder="sam",
            fact_rank=0,
            adapter_position="none",
            pixel_mean=(0.0, 0.0, 0.0) if medsam else SAM_PIXEL_MEAN,
            pixel_std=(1.0, 1.0, 1.0) if medsam else SAM_PIXEL_STD,
        )

    def state(self, file: WeightFile, config: ModelConfig) -> State:
        backbone = backbone_from_sam(file.state, config)
        rest = {k: v for k, v in file.state.items() if not k.startswith("image_encoder.")}
        return {**{f"{BACKBONE}{k}": v for k, v in backbone.items()}, **rest}

    def prompting(self, file: WeightFile) -> str:
        return BOX

    def base(self, file: WeightFile, given: Path | None) -> BaseFile | None:
        if given is not None:
            raise CheckpointError(f"{file.path} is a whole SAM file and takes no backbone file.")
        return None

    def start(self, file: WeightFile, config: ModelConfig) -> MASAM:
        """A fresh MA-SAM on SAM: FacT and adapters at identity, and unless the decoder is SAM's
        own, one that takes from SAM what has its shape.

        Raises:
            CheckpointError: another backbone, or a tensor that is missing or of another shape.
        """
        found = self.config(file)
        if config.backbone != found.backbone:
            raise CheckpointError(
                f"{file.path} is a SAM {found.backbone}; the configuration asks for "
                f"{config.backbone}."
            )
        model = MASAM(config)
        own, mapped = model.state_dict(), self.state(file, config)
        parts = [BACKBONE, "prompt_encoder."]
        if config.decoder == "sam":
            parts.append("mask_decoder.")
        wanted = {k: v for k, v in own.items() if k.startswith(tuple(parts))}
        taken = {k: v for k, v in mapped.items() if k in wanted}
        require_fit(wanted, taken, file.path)
        model.load_state_dict(taken, strict=False)
        if config.decoder != "sam":
            start_from_sam(model, mapped)
        model.base_file, model.base_sha256 = file.path.name, sha256_of(file.path)
        return model.eval()
