"""SAM's ViT-B/L/H, and their weights as SAM's own files name them."""

from __future__ import annotations

import re

import torch
from torch import Tensor, nn

from masam_core.model.attention import attend_relative, resize_absolute, resize_relative
from masam_core.model.backbones import BACKBONES, SAM
from masam_core.model.config import EMBEDDING_CHANNELS, ModelConfig
from masam_core.model.image_encoder import ImageEncoder
from masam_core.model.linear import apply, bias_of, mlp
from masam_core.model.sam.vit import SamViT, ViTBlock
from masam_core.model.sam.windows import window_partition, window_unpartition
from masam_core.model.state_files import State
from masam_core.model.window_attention import attention_of


class SamImageEncoder(ImageEncoder):
    """SAM's ViT-B/L/H."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        spec = config.spec
        self.base: SamViT = SamViT(
            image_size=config.image_size,
            patch=spec.patch,
            width=spec.width,
            depth=spec.depth,
            heads=spec.heads,
            window=spec.window,
            global_blocks=tuple(spec.global_blocks),
            channels=EMBEDDING_CHANNELS,
        )

    def embed(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        # A convolution leaves its channels far apart in memory; every norm and sum after it would
        # stride through them.
        tokens: Tensor = self.base.patch_embed(images).contiguous()
        return tokens + self.base.pos_embed, []

    def attention(self, index: int, tokens: Tensor) -> Tensor:
        block = self.base.blocks.at(index)
        x = block.norm1(tokens)
        height, width = x.shape[1:3]
        if not torch.is_grad_enabled():
            return self._attend_fast(block, self.project(index, x))
        if block.window_size:
            # SAM pads with zeros before qkv: padded keys are the bias and do take part.
            x, padded = window_partition(x, block.window_size)
        size = (x.shape[1], x.shape[2])
        attn = block.attn
        out = attend_relative(
            self.project(index, x.flatten(1, 2)),
            attn.num_heads,
            attn.rel_pos_h,
            attn.rel_pos_w,
            size,
        )
        out = attn.proj(out).unflatten(1, size)
        if block.window_size:
            out = window_unpartition(out, block.window_size, padded, (height, width))
        return out

    def _attend_fast(self, block: ViTBlock, qkv: Tensor) -> Tensor:
        """Attention and projection of qkv (N, H, W, 3C), without gradients."""
        attn = block.attn
        grid = (qkv.shape[1], qkv.shape[2])
        kept = attention_of(grid, block.window_size, attn.num_heads)
        bias = bias_of(attn.qkv).to(qkv.dtype)
        out = kept(qkv, bias, attn.rel_pos_h, attn.rel_pos_w)
        return apply(attn.proj, out)

    def mlp(self, index: int, tokens: Tensor) -> Tensor:
        block = self.base.blocks.at(index)
        return mlp(block.norm2(tokens), block.mlp.lin1, block.mlp.lin2)

    def head(self, tokens: Tensor) -> Tensor:
        embedding: Tensor = self.base.neck(self.to_map(tokens))
        return embedding

    def qkv_layer(self, index: int) -> nn.Linear:
        return self.base.blocks.at(index).attn.qkv


def sam_backbone(state: State) -> str | None:
    """The backbone of a SAM-layout state dict (keys as in segment-anything), or None."""
    patch = state.get("image_encoder.patch_embed.proj.weight")
    if patch is None or patch.ndim != 4:
        return None
    for name, spec in BACKBONES.items():
        if spec.encoder == SAM and spec.width == patch.shape[0]:
            return name
    return None


def backbone_from_sam(state: State, config: ModelConfig) -> State:
    """The image encoder of a SAM-layout state dict, as a state dict of its ``base``.

    Positions are interpolated to the config's token grid g: absolute ones bilinearly, relative
    ones of the global blocks linearly to 2g - 1; windowed blocks keep theirs (MA-SAM section 3.4).
    """
    out: State = {}
    for name, tensor in state.items():
        if not name.startswith("image_encoder."):
            continue
        inner = name.removeprefix("image_encoder.")
        if inner == "pos_embed":
            tensor = resize_absolute(tensor, (config.grid, config.grid))
        relative = re.fullmatch(r"blocks\.(\d+)\.attn\.rel_pos_[hw]", inner)
        if relative and int(relative[1]) in config.spec.global_blocks:
            tensor = resize_relative(tensor, config.grid)
        out[inner] = tensor
    return out
