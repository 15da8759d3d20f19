"""TinyViT as in LiteMedSAM, with FacT and adapters in its last blocks."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from masam_core.model.adapter import BlockAdapters
from masam_core.model.attention import attend
from masam_core.model.config import ModelConfig
from masam_core.model.detail import EarlyDetail
from masam_core.model.encoders.tiny_blocks import TinyBackbone, TinyBlock
from masam_core.model.fact import FacT
from masam_core.model.image_encoder import ImageEncoder
from masam_core.model.linear import apply, cache_parts
from masam_core.model.sam.windows import window_partition, window_unpartition


class TinyImageEncoder(ImageEncoder):
    """TinyViT; FacT and adapters in the blocks at the resolution of the embedding.

    What comes before sees each slice by itself; its two maps serve as pixel detail.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self.base: TinyBackbone = TinyBackbone()

    def block_widths(self) -> list[int]:
        _, _, third, fourth = TinyBackbone.WIDTHS
        _, many, few = TinyBackbone.DEPTHS
        return [third] * many + [fourth] * few

    def build_fact(self) -> nn.Module:
        config = self.config
        return nn.ModuleList(
            FacT(width, config.fact_rank, depth, config.fact_scale, config.fact_dropout)
            for width, depth in zip(TinyBackbone.WIDTHS[2:], TinyBackbone.DEPTHS[1:], strict=True)
        )

    def fact_of(self, index: int) -> tuple[FacT, int]:
        facts, many = cast(nn.ModuleList, self.fact), TinyBackbone.DEPTHS[1]
        return cast(FacT, facts[index // many]), index % many

    def detail_branch(self) -> nn.Module:
        return EarlyDetail(self.config.detail_width, TinyBackbone.WIDTHS[:2])

    @torch.no_grad()  # nothing trained comes before the tokens
    def embed(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        # Channels last: the convolutions that follow run about a fifth faster so.
        images = images.contiguous(memory_format=torch.channels_last)
        parts = [self._embed_part(part) for part in cache_parts(images)]
        tokens, full, half = (torch.cat(part) for part in zip(*parts, strict=True))
        return tokens, [full, half] if self.config.detail_width else []

    def _embed_part(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Tokens, and the maps of the first two stages."""
        full = self.base.stem(images)
        half = self.base.merge1(full).permute(0, 2, 3, 1)
        for block in self.base.early:
            half = self._plain(cast(TinyBlock, block), half)
        half = half.permute(0, 3, 1, 2)
        return self.base.merge2(half).permute(0, 2, 3, 1), full, half

    def _plain(self, block: TinyBlock, tokens: Tensor) -> Tensor:
        tokens = tokens + self._attend(
            block, apply(block.qkv, self._windows(block, tokens)), tokens
        )
        tokens = block.convolve(tokens)
        return tokens + block.mlp(block.norm2(tokens))

    def _windows(self, block: TinyBlock, tokens: Tensor) -> Tensor:
        # Padded with zeros before the normalisation: padded keys do take part, as in training.
        windows, _ = window_partition(tokens, block.window)
        normal: Tensor = block.norm1(windows.flatten(1, 2))
        return normal

    def _attend(self, block: TinyBlock, qkv: Tensor, tokens: Tensor) -> Tensor:
        out = apply(block.proj, attend(qkv, block.heads, block.bias().to(qkv.dtype)))
        height, width = tokens.shape[1:3]
        padded = (
            -(-height // block.window) * block.window,
            -(-width // block.window) * block.window,
        )
        windows = out.unflatten(1, (block.window, block.window))
        return window_unpartition(windows, block.window, padded, (height, width))

    def _block(self, index: int, adapters: BlockAdapters, slices: int, tokens: Tensor) -> Tensor:
        if index == TinyBackbone.DEPTHS[1]:
            tokens = self.base.merge3(tokens.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        block = self.base.blocks.at(index)
        if adapters.before is not None:
            tokens = self.adapt(adapters.before, tokens, slices)
        tokens = block.convolve(tokens + self.attention(index, tokens))
        if adapters.after is not None:
            tokens = self.adapt(adapters.after, tokens, slices)
        return tokens + self.mlp(index, tokens)

    def attention(self, index: int, tokens: Tensor) -> Tensor:
        block = self.base.blocks.at(index)
        return self._attend(block, self.project(index, self._windows(block, tokens)), tokens)

    def mlp(self, index: int, tokens: Tensor) -> Tensor:
        block = self.base.blocks.at(index)
        return block.mlp(block.norm2(tokens))

    def head(self, tokens: Tensor) -> Tensor:
        embedding: Tensor = self.base.neck(self.to_map(tokens))
        return embedding

    def qkv_layer(self, index: int) -> nn.Linear:
        return self.base.blocks.at(index).qkv
