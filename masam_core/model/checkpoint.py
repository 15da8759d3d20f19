"""Checkpoints in and out: SAM, MedSAM, the authors' MA-SAM files, and ours.

Ours are safetensors whose metadata hold ``masam_format``, ``part`` (``whole``, ``delta`` or
``base``), ``config`` (JSON of ModelConfig), and for a delta the name and SHA-256 of its base.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, cast

import torch
from torch import Tensor, nn

import masam_core
from masam_core.digest import sha256_of
from masam_core.errors import CheckpointError
from masam_core.model.config import ModelConfig
from masam_core.model.convert_tiny_vit import is_tiny_vit, tiny_vit_from_lite_medsam
from masam_core.model.empty import empty_model
from masam_core.model.infer_config import (
    LITE_MEDSAM,
    authors_config,
    config_differences,
    sam_config,
)
from masam_core.model.key_maps import (
    BASE,
    from_authors,
    from_sam,
    is_authors,
    sam_backbone,
    to_authors,
)
from masam_core.model.masam import MASAM, is_backbone
from masam_core.model.state_files import (
    State,
    read_state,
    write_safetensors,
    write_torch,
)

FORMAT = "1"
Part = Literal["whole", "delta", "base"]
_TITLES = {
    "sam": "SAM",
    "lite": "LiteMedSAM",
    "authors": "MA-SAM as released by its authors (to be put on top of a SAM file)",
    "whole": "MASAM model, whole",
    "delta": "MASAM model, to be put on top of its backbone file",
    "base": "MASAM backbone",
}


@dataclass(frozen=True)
class CheckpointInfo:
    """What a weight file is. ``kind``: sam, authors, whole, delta or base."""

    kind: str
    summary: str
    backbone: str | None
    config: ModelConfig | None
    parameters: int
    bytes: int
    sha256: str
    details: dict[str, str] = field(default_factory=dict)


def inspect_checkpoint(path: Path) -> CheckpointInfo:
    """Say what a weight file is, reading it whole.

    Raises:
        CheckpointError: missing, damaged, or no file that MASAM can use.
    """
    path = Path(path)
    state, metadata = read_state(path)
    kind = _kind(path, state, metadata)
    config: ModelConfig | None
    if kind == "sam":
        config = sam_config(path, state)
    elif kind == "lite":
        config = LITE_MEDSAM
    elif kind == "authors":
        config = authors_config(path, from_authors(state))
    else:
        config = _saved_config(path, metadata)
    details = {k: v for k, v in metadata.items() if k not in ("config", "masam_format", "part")}
    return CheckpointInfo(
        kind=kind,
        summary=f"{_TITLES[kind]}, backbone {config.backbone}",
        backbone=config.backbone,
        config=config,
        parameters=sum(t.numel() for t in state.values()),
        bytes=path.stat().st_size,
        sha256=sha256_of(path),
        details=details,
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
    path = Path(path)
    state, metadata = read_state(path)
    kind = _kind(path, state, metadata)
    if kind == "base":
        raise CheckpointError(
            f"{path} is only a backbone; choose the model file that goes with it."
        )
    if kind in ("sam", "lite"):
        if base is not None:
            raise CheckpointError(f"{path} is a whole SAM file and takes no backbone file.")
        return _load_sam(path, state, config) if kind == "sam" else _load_lite(path, state, config)
    if kind == "authors":
        return _load_authors(path, from_authors(state), base, config)
    saved = _saved_config(path, metadata)
    _require_same(path, saved, config)
    model = empty_model(saved)
    if kind == "delta":
        base = _find_base(path, metadata, base)
        state = {**_backbone_state(base, saved), **state}
        model.base_file, model.base_sha256 = base.name, metadata.get("base_sha256", "")
    _fill(model, state, path)
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
        raise CheckpointError(_mismatch(base, missing, unexpected, []))
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


@torch.no_grad()
def start_from_sam(model: MASAM, state: State) -> int:
    """Copy prompt encoder and decoder weights whose name and shape agree; returns how many."""
    own = model.state_dict()
    copied = 0
    for name, tensor in state.items():
        if not name.startswith(("prompt_encoder.", "mask_decoder.")):
            continue
        if name in own and own[name].shape == tensor.shape:
            own[name].copy_(tensor)
            copied += 1
        elif name == "mask_decoder.mask_tokens.weight":
            # SAM's first token is its single mask; every token of ours starts from it.
            own[name].copy_(tensor[:1].expand_as(own[name]))
            copied += 1
    return copied


@torch.no_grad()
def silence_mask_prompt(model: MASAM) -> None:
    """Let any mask prompt say at first what no mask says: the shape prior is learnt from there."""
    encoder = model.prompt_encoder
    last = cast(nn.Conv2d, encoder.mask_downscaling[-1])
    last.weight.zero_()
    cast(Tensor, last.bias).copy_(encoder.no_mask_embed.weight[0])


@torch.no_grad()
def start_from_model(model: MASAM, path: Path) -> int:
    """Copy what was trained, wherever name and shape agree, from a MASAM file; returns how many.

    Raises:
        CheckpointError: an unreadable file, or one that holds nothing that fits.
    """
    state, _ = read_state(path)
    own = {n: t for n, t in model.state_dict().items() if not is_backbone(n)}
    fitting = [n for n, t in own.items() if n in state and state[n].shape == t.shape]
    if not fitting:
        raise CheckpointError(f"{path} holds no weights that fit the model to be trained.")
    for name in fitting:
        own[name].copy_(state[name])
    return len(fitting)


def save_model(
    model: MASAM,
    path: Path,
    part: Part = "whole",
    half: bool = False,
    metadata: dict[str, str] | None = None,
) -> None:
    """Save as ``.safetensors``, atomically.

    Args:
        model: unfolded model.
        path: target file.
        part: ``whole``; ``delta`` without the backbone, which must have come from a file;
            ``base`` the backbone alone.
        half: store float16.
        metadata: further entries, e.g. licence and training data.

    Raises:
        CheckpointError: folded model, unknown base, unwritable folder.
    """
    model.require_original()
    state = model.state_dict()
    if part != "whole":
        state = {k: v for k, v in state.items() if is_backbone(k) == (part == "base")}
    if half:
        state = {k: v.half() if v.is_floating_point() else v for k, v in state.items()}
    entries = dict(metadata or {})
    entries |= {
        "masam_format": FORMAT,
        "masam_version": masam_core.__version__,
        "part": part,
        "config": model.config.to_json(),
    }
    if part == "delta":
        if not model.base_sha256:
            raise CheckpointError(
                "This model's backbone did not come from a file of its own, so a delta would have "
                "nothing to stand on; save it whole."
            )
        entries |= {"base_file": model.base_file, "base_sha256": model.base_sha256}
    write_safetensors(path, state, entries)


def save_authors_delta(model: MASAM, path: Path) -> None:
    """Save FacT, adapters, prompt encoder and decoder under the authors' names (``.pth``).

    Raises:
        CheckpointError: the model has parts that their layout can't hold.
    """
    model.require_original()
    config = model.config
    if config.spec.layout != "sam" or config.adapter_position != "both" or not config.fact_rank:
        raise CheckpointError(
            "The authors' layout needs a SAM backbone, FacT, and adapters in both positions."
        )
    delta = {k: v for k, v in model.state_dict().items() if not is_backbone(k)}
    write_torch(path, to_authors(delta))


def _kind(path: Path, state: State, metadata: dict[str, str]) -> str:
    if "masam_format" in metadata:
        if metadata["masam_format"] != FORMAT or metadata.get("part") not in _TITLES:
            raise CheckpointError(
                f"{path} has format {metadata['masam_format']}; this version of MASAM reads "
                f"{FORMAT}. Update MASAM."
            )
        return metadata["part"]
    if is_authors(state):
        return "authors"
    if sam_backbone(state) is not None:
        return "sam"
    if is_tiny_vit(state):
        return "lite"
    shown = ", ".join(list(state)[:3])
    raise CheckpointError(
        f"{path} is not a model that MASAM can use. Expected SAM or MedSAM (ViT-B, L or H), "
        f"MA-SAM of its authors, or a MASAM .safetensors file; found {len(state)} tensors "
        f"named {shown} ..."
    )


def _saved_config(path: Path, metadata: dict[str, str]) -> ModelConfig:
    if "config" not in metadata:
        raise CheckpointError(f"{path} holds no model configuration.")
    return ModelConfig.from_json(metadata["config"])


def _require_same(path: Path, found: ModelConfig, expected: ModelConfig | None) -> None:
    differences = config_differences(found, expected) if expected is not None else []
    if differences:
        raise CheckpointError(f"{path} is another model than expected: {'; '.join(differences)}.")


def _load_sam(path: Path, state: State, config: ModelConfig | None) -> MASAM:
    found = sam_config(path, state)
    if config is None:
        model = empty_model(found)
        _fill(model, from_sam(state, found.grid, found.spec.global_blocks), path)
        return model
    if config.backbone != found.backbone:
        raise CheckpointError(
            f"{path} is a SAM {found.backbone}; the configuration asks for {config.backbone}."
        )
    model = MASAM(config)
    own = model.state_dict()
    mapped = from_sam(state, config.grid, config.spec.global_blocks)
    wanted = [k for k in own if is_backbone(k) or k.startswith("prompt_encoder.")]
    if config.decoder == "sam":
        wanted += [k for k in own if k.startswith("mask_decoder.")]
    _check({k: own[k] for k in wanted}, {k: v for k, v in mapped.items() if k in wanted}, path)
    model.load_state_dict({k: mapped[k] for k in wanted}, strict=False)
    if config.decoder != "sam":
        start_from_sam(model, mapped)
    model.base_file, model.base_sha256 = path.name, sha256_of(path)
    return model.eval()


def _load_lite(path: Path, state: State, config: ModelConfig | None) -> MASAM:
    if config is not None:
        raise CheckpointError(
            f"{path} is a whole LiteMedSAM. To train on it, give it as backbone file and for "
            f"prompt encoder and decoder (masam train --base {path} --decoder-from {path})."
        )
    model = empty_model(LITE_MEDSAM)
    backbone = {f"{BASE}{k}": v for k, v in tiny_vit_from_lite_medsam(state).items()}
    rest = {k: v for k, v in state.items() if not k.startswith("image_encoder.")}
    _fill(model, {**backbone, **rest}, path)
    return model


def _load_authors(path: Path, delta: State, base: Path | None, config: ModelConfig | None) -> MASAM:
    found = authors_config(path, delta)
    if base is None:
        raise CheckpointError(
            f"{path} is an MA-SAM file of the authors: it holds only what was trained. Give the "
            f"SAM {found.backbone} file that it stands on as backbone file."
        )
    if config is not None:
        # Image size and slices leave no trace in the file, so the caller may set them.
        silent = ("name", "image_size", "num_slices", "intensity", "class_names", "threshold")
        found = dataclasses.replace(found, **{k: getattr(config, k) for k in silent})
        _require_same(path, found, config)
    model = empty_model(found)
    state = {**_backbone_state(base, found), **delta}
    _fill(model, state, path)
    model.base_file, model.base_sha256 = Path(base).name, sha256_of(base)
    return model


def _backbone_state(base: Path, config: ModelConfig) -> State:
    """The backbone's tensors, under our names and sized for the config."""
    state, metadata = read_state(base)
    kind = _kind(Path(base), state, metadata)
    if kind in ("sam", "lite"):
        backbone: str | None = sam_backbone(state) if kind == "sam" else LITE_MEDSAM.backbone
    else:
        backbone = _saved_config(base, metadata).backbone if kind in ("base", "whole") else None
    if backbone != config.backbone:
        found = f"a SAM or MASAM backbone {backbone}" if backbone else f"{_TITLES[kind]}"
        raise CheckpointError(
            f"The backbone file {base} holds {found}; this model stands on {config.backbone}."
        )
    if kind == "sam":
        state = from_sam(state, config.grid, config.spec.global_blocks)
    elif kind == "lite":
        state = {f"{BASE}{k}": v for k, v in tiny_vit_from_lite_medsam(state).items()}
    return {k: v for k, v in state.items() if is_backbone(k)}


def _find_base(path: Path, metadata: dict[str, str], base: Path | None) -> Path:
    name, digest = metadata.get("base_file", ""), metadata.get("base_sha256", "")
    candidate = Path(base) if base is not None else path.parent / name
    if not candidate.is_file():
        raise CheckpointError(
            f"{path} stands on the backbone file {name}, which is not beside it. Put it there or "
            "give it as backbone file."
        )
    if sha256_of(candidate) != digest:
        raise CheckpointError(
            f"The backbone file {candidate} is not the one that {path.name} was trained on "
            f"(expected sha256 {digest[:16]}...): it is damaged or another version."
        )
    return candidate


def _fill(model: MASAM, state: State, path: Path) -> None:
    """Put every weight in place, or raise CheckpointError; nothing may be missing or left over."""
    own = model.state_dict()
    _check(own, state, path)
    floats = {k: v.float() if v.is_floating_point() else v for k, v in state.items()}
    model.load_state_dict(floats, strict=True, assign=True)
    model.image_encoder.base.requires_grad_(False)
    model.eval()


def _check(own: State, state: State, path: Path) -> None:
    missing = [name for name in own if name not in state]
    unexpected = [name for name in state if name not in own]
    shapes = [
        f"{name} is {tuple(state[name].shape)} in the file, expected {tuple(own[name].shape)}"
        for name in own
        if name in state and state[name].shape != own[name].shape
    ]
    if missing or unexpected or shapes:
        raise CheckpointError(_mismatch(path, missing, unexpected, shapes))


def _mismatch(
    path: Path, missing: Iterable[str], unexpected: Iterable[str], shapes: Iterable[str]
) -> str:
    parts = []
    for title, names in (("lacks", missing), ("has unknown", unexpected), ("differs:", shapes)):
        names = list(names)
        if names:
            more = f" and {len(names) - 2} more" if len(names) > 2 else ""
            parts.append(f"{title} {', '.join(names[:2])}{more}")
    return f"{path} does not fit the model it should be: it {'; '.join(parts)}."
