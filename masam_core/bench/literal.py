"""MA-SAM written down literally: what the product path is measured against, in speed and result.

Nothing is folded, fused, shared or left out: FacT runs beside qkv, SAM's windows are padded before
qkv, the relative positions are added to the whole score matrix, the adapters are Conv3d, and every
slice of every window is decoded whole. It uses the weights of a model that was not folded and keeps
them as they are. The encoder's blocks share no code with the product; prompt encoder, decoder and
detail encoder, which take a hundredth of the time, are the model's own modules.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from masam_core.errors import ConfigError
from masam_core.model.adapter import Adapter3D
from masam_core.model.attention import resize_absolute
from masam_core.model.encoders.dinov2 import DinoBlock, DinoImageEncoder
from masam_core.model.encoders.sam import SamImageEncoder
from masam_core.model.fact import FacT
from masam_core.model.masam import MASAM, Embedding
from masam_core.model.prompt import NetworkPrompt
from masam_core.model.sam.vit import ViTAttention, ViTBlock
from masam_core.model.sam.windows import window_partition, window_unpartition


class LiteralMASAM:
    """The literal forward pass of a window (Chen et al. 2024, section 3).

    Args:
        model: a MASAM on SAM's ViT or on ViT-S/14, not folded.

    Raises:
        CheckpointError: the model was folded.
        ConfigError: another backbone.
    """

    def __init__(self, model: MASAM) -> None:
        model.require_original()
        if not isinstance(model.image_encoder, (SamImageEncoder, DinoImageEncoder)):
            raise ConfigError(
                f"The literal procedure is written for SAM's ViT and ViT-S/14; this model stands "
                f"on {model.config.backbone}."
            )
        self.model = model
        self.encoder = model.image_encoder

    def encode(self, window: Tensor) -> Embedding:
        """Embed windows, (B, D, S, S) or (B, D, 3, S, S) in [0, 1], as ``MASAM.encode`` does."""
        model, slices = self.model, window.shape[1]
        images = window.flatten(0, 1)
        if window.dim() == 4:
            images = images[:, None].repeat(1, 3, 1, 1)
        images = (images - model.pixel_mean) / model.pixel_std
        skips: list[Tensor] = []
        if isinstance(self.encoder, SamImageEncoder):
            image = self._sam(self.encoder, images, slices, skips)
        else:
            image = self._dino(self.encoder, images, slices, skips)
        if model.detail_encoder is not None:
            skips = model.detail_encoder(images, skips, slices)
        return Embedding(image, skips)

    def decode(self, embedding: Embedding, prompt: NetworkPrompt) -> Tensor:
        """Logits (N, K + 1, h, w) of every slice, whole."""
        model = self.model
        sparse, dense, positions = model.encode_prompt(prompt, embedding)
        logits, _ = model.mask_decoder(embedding.image, positions, sparse, dense, embedding.skips)
        return cast(Tensor, logits)

    def _sam(
        self, encoder: SamImageEncoder, images: Tensor, slices: int, skips: list[Tensor]
    ) -> Tensor:
        base = encoder.base
        x = base.patch_embed(images) + base.pos_embed
        for index, adapters in enumerate(encoder.adapters.each()):
            block = base.blocks.at(index)
            x = self._adapt(adapters.before, x, slices)
            y = block.norm1(x)
            height, width = y.shape[1:3]
            if block.window_size:
                y, padded = window_partition(y, block.window_size)
            y = self._sam_attention(block, index, y)
            if block.window_size:
                y = window_unpartition(y, block.window_size, padded, (height, width))
            x = x + y
            x = self._adapt(adapters.after, x, slices)
            x = x + block.mlp.lin2(F.gelu(block.mlp.lin1(block.norm2(x))))
            self._keep(skips, index, x.permute(0, 3, 1, 2))
        return cast(Tensor, base.neck(x.permute(0, 3, 1, 2)))

    def _sam_attention(self, block: ViTBlock, index: int, x: Tensor) -> Tensor:
        """x (B, h, w, C): the whole score matrix, positions added, softmax, sum over values."""
        attn = block.attn
        batch, height, width, _ = x.shape
        qkv = self._qkv(attn.qkv, index, x).reshape(batch, height * width, 3, attn.num_heads, -1)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).flatten(1, 2).unbind(0)
        scores = (q * q.shape[-1] ** -0.5) @ k.transpose(-2, -1)
        size = (height, width)
        scores = scores + _relative(attn, q, size)
        out = scores.softmax(dim=-1) @ v
        out = out.unflatten(0, (batch, attn.num_heads)).unflatten(2, size)
        return cast(Tensor, attn.proj(out.permute(0, 2, 3, 1, 4).flatten(3)))

    def _dino(
        self, encoder: DinoImageEncoder, images: Tensor, slices: int, skips: list[Tensor]
    ) -> Tensor:
        base = encoder.base
        patches = base.patch_embed(images).permute(0, 2, 3, 1)
        side = patches.shape[1]
        patches = patches + resize_absolute(base.pos_embed, (side, side))
        token = base.class_token.expand(len(images), -1, -1)
        x = torch.cat([token, patches.flatten(1, 2)], dim=1)
        for index, adapters in enumerate(encoder.adapters.each()):
            block = base.blocks.at(index)
            x = self._adapt_patches(adapters.before, x, slices, side)
            x = x + block.scale1 * self._dino_attention(block, index, block.norm1(x))
            x = self._adapt_patches(adapters.after, x, slices, side)
            x = x + block.scale2 * block.fc2(F.gelu(block.fc1(block.norm2(x))))
            self._keep(skips, index, x[:, 1:].transpose(1, 2).unflatten(2, (side, side)))
        maps = base.norm(x)[:, 1:].transpose(1, 2).unflatten(2, (side, side))
        return cast(Tensor, encoder.neck(maps))

    def _dino_attention(self, block: DinoBlock, index: int, x: Tensor) -> Tensor:
        q, k, v = (
            part.unflatten(-1, (block.heads, -1)).transpose(1, 2)
            for part in self._qkv(block.qkv, index, x).chunk(3, dim=-1)
        )
        scores = (q * q.shape[-1] ** -0.5) @ k.transpose(-2, -1)
        return cast(Tensor, block.proj((scores.softmax(dim=-1) @ v).transpose(1, 2).flatten(2)))

    def _qkv(self, layer: nn.Linear, index: int, x: Tensor) -> Tensor:
        out: Tensor = layer(x)
        fact = cast("FacT | None", self.encoder.fact)
        return out if fact is None else out + fact.increment(x, index)

    def _adapt(self, adapter: nn.Module | None, x: Tensor, slices: int) -> Tensor:
        """x (B * slices, h, w, C), with a real Conv3d over the slices."""
        if adapter is None:
            return x
        own = cast(Adapter3D, adapter)
        volume = own.down(own.norm(x)).unflatten(0, (-1, slices)).permute(0, 4, 1, 2, 3)
        mixed = F.gelu(own.conv(volume)).permute(0, 2, 3, 4, 1).flatten(0, 1)
        return cast(Tensor, x + own.up(mixed))

    def _adapt_patches(
        self, adapter: nn.Module | None, x: Tensor, slices: int, side: int
    ) -> Tensor:
        patches = self._adapt(adapter, x[:, 1:].unflatten(1, (side, side)), slices)
        return torch.cat([x[:, :1], patches.flatten(1, 2)], dim=1)

    def _keep(self, skips: list[Tensor], index: int, maps: Tensor) -> None:
        if self.model.config.decoder == "multiscale" and index in self.encoder.skip_blocks:
            skips.append(maps)


def _relative(attn: ViTAttention, q: Tensor, size: tuple[int, int]) -> Tensor:
    """What rows and columns add to the scores (N, h * w, h * w) of queries (N, h * w, c)."""
    height, width = size
    grid = q.unflatten(1, size)
    rows = torch.einsum("nhwc,hkc->nhwk", grid, attn.rel_pos_h[_offsets(height)])
    columns = torch.einsum("nhwc,wkc->nhwk", grid, attn.rel_pos_w[_offsets(width)])
    return (rows[..., :, None] + columns[..., None, :]).flatten(3).flatten(1, 2)


def _offsets(side: int) -> Tensor:
    """Entry of a relative position for each pair of rows, (side, side)."""
    place = torch.arange(side)
    return place[:, None] - place[None, :] + side - 1
