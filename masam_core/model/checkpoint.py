"""Checkpoints in and out, in any format of :mod:`masam_core.model.formats`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from masam_core.digest import sha256_of
from masam_core.errors import CheckpointError
from masam_core.model.abilities import classes_from_metadata
from masam_core.model.config import ModelConfig
from masam_core.model.empty import empty_model
from masam_core.model.evidence import evidence_from_metadata
from masam_core.model.filling import fill, mismatch
from masam_core.model.formats.format import WeightFile
from masam_core.model.formats.registry import format_of, writable
from masam_core.model.masam import MASAM, is_backbone
from masam_core.model.start import silence_mask_prompt, start_from_sam
from masam_core.model.state_files import State, read_state


@dataclass(frozen=True)
class CheckpointInfo:
    """What a weight file is. ``kind``: of its format, e.g. sam, lite, authors, whole, delta."""

    kind: str
    summary: str
    backbone: str
    config: ModelConfig
    parameters: int
    bytes: int
    sha256: str
    details: dict[str, str] = field(default_factory=dict)


def inspect_checkpoint(path: Path) -> CheckpointInfo:
    """Say what a weight file is, reading it whole.

    Raises:
        CheckpointError: missing, damaged, or no file that MASAM can use.
    """
    file = WeightFile.read(path)
    known = format_of(file)
    config = known.config(file)
    shown = ("config", "masam_format", "part")
    return CheckpointInfo(
        kind=known.kind,
        summary=f"{known.title}, backbone {config.backbone}",
        backbone=config.backbone,
        config=config,
        parameters=sum(t.numel() for t in file.state.values()),
        bytes=file.path.stat().st_size,
        sha256=sha256_of(file.path),
        details={k: v for k, v in file.metadata.items() if k not in shown},
    )


def load_model(path: Path, base: Path | None = None, config: ModelConfig | None = None) -> MASAM:
    """Load a model from any file that MASAM knows; weights are float32 on the CPU.

    Args:
        path: SAM, MedSAM or LiteMedSAM ``.pth``, MA-SAM ``.pth`` of the authors, or
            ``.safetensors`` of ours.
        base: backbone file for the authors' files and our deltas; for our deltas the file named
            in the metadata, lying beside the delta, is found by itself.
        config: for SAM files, the MA-SAM to start on it (fresh FacT, adapters and, unless it is
            ``sam``, a decoder that takes from SAM what has its shape). For other files, what is
            expected of them: a difference is an error.

    Raises:
        CheckpointError: the file is damaged, is something else, or does not fit; the message
            names backbone, rank or classes found and expected.
    """
    file = WeightFile.read(path)
    known = format_of(file)
    stands_on = known.base(file, base)
    started = known.start(file, config) if config is not None else None
    if started is not None:
        return started
    built = known.expect(file, config)
    model, state = empty_model(built), known.state(file, built)
    if stands_on is not None:
        state = {**_backbone_state(stands_on.path, built), **state}
        model.base_file, model.base_sha256 = stands_on.path.name, stands_on.sha256
    fill(model, state, file.path)
    model.prompting = known.prompting(file)
    model.classes = classes_from_metadata(file.metadata, built)
    model.evidence = evidence_from_metadata(file.metadata, built.num_classes)
    return model


def new_model(config: ModelConfig, base: Path, prompt_and_decoder: Path | None = None) -> MASAM:
    """A fresh MA-SAM to be trained: FacT and adapters at identity.

    Args:
        config: the model.
        base: backbone file (SAM or LiteMedSAM ``.pth``, or our base ``.safetensors``).
        prompt_and_decoder: a file with SAM-layout ``prompt_encoder.*`` and ``mask_decoder.*``
            (SAM, MedSAM, LiteMedSAM); every tensor whose name and shape agree is taken over.

    Raises:
        CheckpointError: a file that does not fit.
    """
    model = MASAM(config)
    missing, unexpected = model.load_state_dict(_backbone_state(base, config), strict=False)
    missing = [name for name in missing if is_backbone(name)]
    if missing or unexpected:
        raise CheckpointError(mismatch(base, missing, unexpected))
    model.base_file, model.base_sha256 = Path(base).name, sha256_of(base)
    if prompt_and_decoder is not None:
        state, _ = read_state(prompt_and_decoder)
        if start_from_sam(model, state) == 0:
            raise CheckpointError(
                f"{prompt_and_decoder} holds no prompt encoder or mask decoder in SAM's layout."
            )
        if config.shape_prior != "none":
            silence_mask_prompt(model)
    return model


def save_model(
    model: MASAM,
    path: Path,
    kind: str = "whole",
    half: bool = False,
    metadata: dict[str, str] | None = None,
) -> None:
    """Save a model, atomically.

    Args:
        model: unfolded model.
        path: target file.
        kind: as ``.safetensors`` ``whole``; ``delta`` without the backbone, which must have come
            from a file; ``base`` the backbone alone; or ``authors``, what was trained under the
            names of MA-SAM's authors (``.pth``).
        half: store float16 (``.safetensors`` alone).
        metadata: further entries, e.g. licence and training data (``.safetensors`` alone).

    Raises:
        CheckpointError: an unknown kind, folded model, unknown base, parts that the format has no
            place for, unwritable folder.
    """
    writer = writable(kind)
    model.require_original()
    writer.write(model, path, half, metadata)


def _backbone_state(path: Path, config: ModelConfig) -> State:
    """The backbone's tensors in a file, under our names and sized for the config."""
    file = WeightFile.read(path)
    known = format_of(file)
    backbone = known.backbone(file)
    if backbone != config.backbone:
        found = f"a SAM or MASAM backbone {backbone}" if backbone else known.title
        raise CheckpointError(
            f"The backbone file {path} holds {found}; this model stands on {config.backbone}."
        )
    return {k: v for k, v in known.state(file, config).items() if is_backbone(k)}
