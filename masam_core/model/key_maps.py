"""Names of weights: ours, SAM's, and those of the authors' MA-SAM files."""

from __future__ import annotations

import re

from masam_core.errors import CheckpointError
from masam_core.model.attention import resize_absolute, resize_relative
from masam_core.model.config import BACKBONES
from masam_core.model.state_files import State

BASE = "image_encoder.base."
_ADAPTER = re.compile(
    r"image_encoder\.ImageEncoderViT\.blocks\.(\d+)\.Block\."
    r"adapter_(norm|linear_down|conv|linear_up)(_2)?\.(weight|bias)"
)
_AUTHORS_PART = {"norm": "norm", "linear_down": "down", "conv": "conv", "linear_up": "up"}
_OUR_PART = {ours: theirs for theirs, ours in _AUTHORS_PART.items()}
_OUR_ADAPTER = re.compile(
    r"image_encoder\.adapters\.(\d+)\.(before|after)\.(norm|down|conv|up)\.(weight|bias)"
)


def sam_backbone(state: State) -> str | None:
    """The backbone of a SAM-layout state dict (keys as in segment-anything), or None."""
    patch = state.get("image_encoder.patch_embed.proj.weight")
    if patch is None or patch.ndim != 4 or "mask_decoder.mask_tokens.weight" not in state:
        return None
    for name, spec in BACKBONES.items():
        if spec.layout == "sam" and spec.width == patch.shape[0]:
            return name
    return None


def from_sam(state: State, grid: int, global_blocks: tuple[int, ...]) -> State:
    """SAM's names to ours, positions interpolated to a ``grid`` x ``grid`` token grid.

    Absolute positions bilinearly, relative ones of the global blocks linearly to 2 * grid - 1;
    windowed blocks keep theirs (MA-SAM section 3.4).
    """
    out: State = {}
    for name, tensor in state.items():
        if not name.startswith("image_encoder."):
            out[name] = tensor
            continue
        inner = name.removeprefix("image_encoder.")
        if inner == "pos_embed":
            tensor = resize_absolute(tensor, (grid, grid))
        relative = re.fullmatch(r"blocks\.(\d+)\.attn\.rel_pos_[hw]", inner)
        if relative and int(relative[1]) in global_blocks:
            tensor = resize_relative(tensor, grid)
        out[BASE + inner] = tensor
    return out


def is_authors(state: State) -> bool:
    """Whether the names are those of the authors' MA-SAM files."""
    return "q_FacTs_000" in state and "image_encoder.FacTu.weight" in state


def from_authors(state: State) -> State:
    """The authors' names to ours.

    Raises:
        CheckpointError: a name that fits neither.
    """
    out: State = {}
    for name, tensor in state.items():
        factor = re.fullmatch(r"([qv])_FacTs_(\d+)", name)
        adapter = _ADAPTER.fullmatch(name)
        if factor:
            kind = {"q": "q", "v": "w"}[factor[1]]
            out[f"image_encoder.fact.{kind}.{int(factor[2])}.weight"] = tensor
        elif name in ("image_encoder.FacTu.weight", "image_encoder.FacTv.weight"):
            out[f"image_encoder.fact.{name[-8].lower()}.weight"] = tensor
        elif adapter:
            block, part, second, leaf = adapter.groups()
            place = "after" if second else "before"
            ours = f"image_encoder.adapters.{block}.{place}.{_AUTHORS_PART[part]}.{leaf}"
            out[ours] = tensor
        elif name.startswith(("prompt_encoder.", "mask_decoder.")):
            out[name] = tensor
        else:
            raise CheckpointError(f"The MA-SAM file holds an unknown entry: {name}.")
    return out


def to_authors(state: State) -> State:
    """Our delta's names to the authors'; the inverse of :func:`from_authors`.

    Raises:
        CheckpointError: an entry that the authors' layout has no name for.
    """
    out: State = {}
    for name, tensor in state.items():
        factor = re.fullmatch(r"image_encoder\.fact\.([qw])\.(\d+)\.weight", name)
        shared = re.fullmatch(r"image_encoder\.fact\.([uv])\.weight", name)
        adapter = _OUR_ADAPTER.fullmatch(name)
        if factor:
            out[f"{'q' if factor[1] == 'q' else 'v'}_FacTs_{int(factor[2]):03d}"] = tensor
        elif shared:
            out[f"image_encoder.FacT{shared[1]}.weight"] = tensor
        elif adapter:
            block, place, part, leaf = adapter.groups()
            second = "_2" if place == "after" else ""
            prefix = f"image_encoder.ImageEncoderViT.blocks.{block}.Block"
            out[f"{prefix}.adapter_{_OUR_PART[part]}{second}.{leaf}"] = tensor
        elif name.startswith(("prompt_encoder.", "mask_decoder.")):
            out[name] = tensor
        else:
            raise CheckpointError(f"The authors' file layout has no place for {name}.")
    return out
