"""Names of weights: ours, and those of the authors' MA-SAM files."""

from __future__ import annotations

import re

from masam_core.errors import CheckpointError
from masam_core.model.state_files import State

_ADAPTER = re.compile(
    r"image_encoder\.ImageEncoderViT\.blocks\.(\d+)\.Block\."
    r"adapter_(norm|linear_down|conv|linear_up)(_2)?\.(weight|bias)"
)
_AUTHORS_PART = {"norm": "norm", "linear_down": "down", "conv": "conv", "linear_up": "up"}
_OUR_PART = {ours: theirs for theirs, ours in _AUTHORS_PART.items()}
_OUR_ADAPTER = re.compile(
    r"image_encoder\.adapters\.(\d+)\.(before|after)\.(norm|down|conv|up)\.(weight|bias)"
)


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
