"""Start of a training: weights taken over from a file, wherever they fit."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from masam_core.errors import CheckpointError
from masam_core.model.masam import MASAM, is_backbone
from masam_core.model.state_files import State, read_state


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
    last = encoder.mask_downscaling[-1]
    assert isinstance(last, nn.Conv2d)
    assert last.bias is not None
    last.weight.zero_()
    last.bias.copy_(encoder.no_mask_embed.weight[0])


@torch.no_grad()
def start_from_model(model: MASAM, path: Path, backbone: bool = False) -> int:
    """Copy what was trained, wherever name and shape agree, from a MASAM file; returns how many.

    Args:
        model: that is to be trained.
        path: the file.
        backbone: whether the file's own backbone is copied, too, where it holds one.

    Raises:
        CheckpointError: an unreadable file, or one that holds nothing that fits.
    """
    state, _ = read_state(path)
    own = {n: t for n, t in model.state_dict().items() if backbone or not is_backbone(n)}
    fitting = [n for n, t in own.items() if n in state and state[n].shape == t.shape]
    if not fitting:
        raise CheckpointError(f"{path} holds no weights that fit the model to be trained.")
    for name in fitting:
        own[name].copy_(state[name])
    return len(fitting)
