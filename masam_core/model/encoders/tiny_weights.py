"""Read LiteMedSAM's TinyViT into our backbone layout, batch normalisation folded away."""

from __future__ import annotations

import torch
from torch import Tensor

from masam_core.errors import CheckpointError
from masam_core.model.encoders.tiny_blocks import TinyBackbone
from masam_core.model.state_files import State

EPSILON = 1e-5  # of the batch normalisations


def is_tiny_vit(state: State) -> bool:
    """Whether a state dict holds LiteMedSAM's image encoder under its own names."""
    return "image_encoder.layers.3.blocks.0.attn.attention_biases" in state


def tiny_vit_from_lite_medsam(state: State) -> State:
    """The image encoder of LiteMedSAM (Ma et al.), as a state dict of :class:`TinyBackbone`.

    Every convolution followed by batch normalisation becomes one convolution; the rows of qkv,
    which lie head by head, are put into the order q, k, v.

    Raises:
        CheckpointError: a tensor is missing or has another shape.
    """
    theirs = {
        k.removeprefix("image_encoder."): v.float()
        for k, v in state.items()
        if k.startswith("image_encoder.")
    }
    out: State = {}
    try:
        _convolution(out, theirs, "stem1", "patch_embed.seq.0")
        _convolution(out, theirs, "stem2", "patch_embed.seq.2")
        for number in range(2):
            names = ("widen", "depthwise", "narrow")
            for place, name in enumerate(names, start=1):
                _convolution(
                    out,
                    theirs,
                    f"convolutions.{number}.{name}",
                    f"layers.0.blocks.{number}.conv{place}",
                )
        for number in range(3):
            for place, name in enumerate(("enter", "depthwise", "leave"), start=1):
                _convolution(
                    out,
                    theirs,
                    f"merge{number + 1}.{name}",
                    f"layers.{number}.downsample.conv{place}",
                )
        done = 0
        for stage, depth in enumerate(TinyBackbone.DEPTHS):
            for number in range(depth):
                ours = f"early.{number}" if stage == 0 else f"blocks.{done + number}"
                _block(out, theirs, ours, f"layers.{stage + 1}.blocks.{number}", stage)
            done += depth if stage else 0
        for name in ("0.weight", "1.weight", "1.bias", "2.weight", "3.weight", "3.bias"):
            out[f"neck.{name}"] = theirs[f"neck.{name}"]
    except KeyError as error:
        raise CheckpointError(f"The file holds no complete TinyViT: {error} is missing.") from error
    except RuntimeError as error:
        raise CheckpointError(f"The file holds another TinyViT than expected: {error}.") from error
    expected = TinyBackbone().state_dict()
    wrong = [k for k, v in expected.items() if out[k].shape != v.shape]
    if wrong:
        raise CheckpointError(f"The file holds another TinyViT: {wrong[0]} has another shape.")
    return out


def _convolution(out: State, theirs: State, ours: str, name: str) -> None:
    scale = theirs[f"{name}.bn.weight"] / (theirs[f"{name}.bn.running_var"] + EPSILON).sqrt()
    out[f"{ours}.weight"] = theirs[f"{name}.c.weight"] * scale[:, None, None, None]
    out[f"{ours}.bias"] = theirs[f"{name}.bn.bias"] - theirs[f"{name}.bn.running_mean"] * scale


def _block(out: State, theirs: State, ours: str, name: str, stage: int) -> None:
    heads, window = TinyBackbone.HEADS[stage], TinyBackbone.WINDOWS[stage]
    pairs = {"norm1": "attn.norm", "proj": "attn.proj", "norm2": "mlp.norm"}
    pairs |= {"fc1": "mlp.fc1", "fc2": "mlp.fc2"}
    for own, other in pairs.items():
        for leaf in ("weight", "bias"):
            out[f"{ours}.{own}.{leaf}"] = theirs[f"{name}.{other}.{leaf}"]
    for leaf in ("weight", "bias"):
        out[f"{ours}.qkv.{leaf}"] = _by_kind(theirs[f"{name}.attn.qkv.{leaf}"], heads)
    # Offsets were numbered in the order in which the first token meets them: row by row.
    table = theirs[f"{name}.attn.attention_biases"]
    out[f"{ours}.bias_table"] = table.reshape(heads, window, window)
    _convolution(out, theirs, f"{ours}.local", f"{name}.local_conv")


def _by_kind(rows: Tensor, heads: int) -> Tensor:
    """Rows ordered head by head (q, k, v of each) to all q, all k, all v."""
    return torch.stack(rows.unflatten(0, (heads, 3, -1)).unbind(1)).flatten(0, 2)
