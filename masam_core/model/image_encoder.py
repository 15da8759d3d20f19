"""Image encoder: a frozen ViT with FacT in its attention and 3D adapters in its blocks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import partial
from typing import cast

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from masam_core.errors import CheckpointError
from masam_core.model.adapter import BlockAdapters
from masam_core.model.attention import attend, attend_relative, resize_absolute
from masam_core.model.config import EMBEDDING_CHANNELS, ModelConfig
from masam_core.model.dinov2 import DinoBackbone, DinoBlock
from masam_core.model.fact import FacT
from masam_core.model.linear import apply, bias_of, cache_parts, mlp
from masam_core.model.sam_parts import (
    Block,
    ImageEncoderViT,
    LayerNorm2d,
    window_partition,
    window_unpartition,
)
from masam_core.model.tiny_vit import TinyBackbone, TinyBlock
from masam_core.model.window_attention import attention_of, lent_memory


class ImageEncoder(nn.Module, ABC):
    """What the two layouts share: FacT, adapters, folding, skip features.

    ``base`` holds the frozen backbone, ``fact`` and ``adapters`` what MA-SAM adds.
    """

    base: nn.Module

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        spec = config.spec
        self.config = config
        self.folded = False
        self.checkpointing = False  # training: keep only the inputs of blocks
        self.fact = self.build_fact() if config.fact_rank else None
        self.adapters = nn.ModuleList(
            BlockAdapters(width, config.adapter_width, config.adapter_position)
            for width in self.block_widths()
        )
        # Blocks whose output the multiscale decoder reads: the ends of the first three quarters.
        self.skip_blocks = tuple(spec.depth * quarter // 4 - 1 for quarter in (1, 2, 3))

    def block_widths(self) -> list[int]:
        """Width of each block that takes FacT and adapters."""
        return [self.config.spec.width] * self.config.spec.depth

    def build_fact(self) -> nn.Module:
        """FacT for all blocks."""
        config, widths = self.config, self.block_widths()
        return FacT(
            widths[0], config.fact_rank, len(widths), config.fact_scale, config.fact_dropout
        )

    def fact_of(self, index: int) -> tuple[FacT, int]:
        """The FacT of a block, and the block's number in it."""
        return cast(FacT, self.fact), index

    def forward(self, images: Tensor, slices: int) -> tuple[Tensor, list[Tensor]]:
        """Embed windows of slices.

        Args:
            images: (B * slices, 3, S, S), normalised.
            slices: slices per window.

        Returns:
            Embedding (B * slices, 256, g, g), g the token grid, and further maps: for the
            multiscale decoder three intermediate features (B * slices, C, g, g); of TinyViT those
            of its first two stages (B * slices, C, S, S) and (B * slices, C, S / 2, S / 2).
        """
        with lent_memory():
            return self._run(images, slices)

    def _run(self, images: Tensor, slices: int) -> tuple[Tensor, list[Tensor]]:
        tokens, skips = self.embed(images)
        for index, adapters in enumerate(self.adapters):
            block = partial(self._block, index, cast(BlockAdapters, adapters), slices)
            if self.checkpointing and self.training:
                tokens = checkpoint(block, tokens, use_reentrant=False)
            else:
                tokens = block(tokens)
            if self.config.decoder == "multiscale" and index in self.skip_blocks:
                skips.append(self.to_map(tokens))
        return self.head(tokens), skips

    def _block(self, index: int, adapters: BlockAdapters, slices: int, tokens: Tensor) -> Tensor:
        if adapters.before is not None:
            tokens = self.adapt(adapters.before, tokens, slices)
        tokens = tokens + self.attention(index, tokens)
        if adapters.after is not None:
            tokens = self.adapt(adapters.after, tokens, slices)
        return tokens + self.mlp(index, tokens)

    @abstractmethod
    def embed(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Images (N, 3, S, S) to tokens, and the finer maps that were passed on the way."""

    @abstractmethod
    def adapt(self, adapter: nn.Module, tokens: Tensor, slices: int) -> Tensor:
        """Run a 3D adapter on the patch tokens."""

    @abstractmethod
    def attention(self, index: int, tokens: Tensor) -> Tensor:
        """The attention branch of a block."""

    @abstractmethod
    def mlp(self, index: int, tokens: Tensor) -> Tensor:
        """The MLP branch of a block."""

    @abstractmethod
    def to_map(self, tokens: Tensor) -> Tensor:
        """Patch tokens as a feature map (N, C, g, g)."""

    @abstractmethod
    def head(self, tokens: Tensor) -> Tensor:
        """Tokens to the embedding (N, 256, g, g)."""

    @abstractmethod
    def qkv_layer(self, index: int) -> nn.Linear:
        """The frozen fused qkv projection of a block."""

    def project(self, index: int, x: Tensor) -> Tensor:
        """qkv of normalised tokens (..., C) -> (..., 3C), with the FacT increment."""
        qkv = apply(self.qkv_layer(index), x)
        if self.fact is None or self.folded:
            return qkv
        fact, block = self.fact_of(index)
        return qkv + fact.increment(x, block)

    @torch.no_grad()
    def fold(self) -> None:
        """Add FacT to the qkv weights, for inference; the model can't be trained or saved after."""
        if self.fact is None or self.folded:
            return
        for index in range(len(self.adapters)):
            weight = self.qkv_layer(index).weight
            fact, block = self.fact_of(index)
            weight += fact.weight_increment(block).to(weight.dtype)
        self.folded = True

    def require_unfolded(self) -> None:
        """Raise CheckpointError after :meth:`fold`: the original weights are gone."""
        if self.folded:
            raise CheckpointError(
                "This model was prepared for inference (FacT folded into the backbone), so its "
                "original weights can't be saved. Load the checkpoint again to convert or save it."
            )


class SamImageEncoder(ImageEncoder):
    """SAM's ViT-B/L/H from segment-anything's own modules."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        spec = config.spec
        self.base: ImageEncoderViT = ImageEncoderViT(
            img_size=config.image_size,
            patch_size=spec.patch,
            embed_dim=spec.width,
            depth=spec.depth,
            num_heads=spec.heads,
            norm_layer=partial(nn.LayerNorm, eps=1e-6),
            use_rel_pos=True,
            window_size=spec.window,
            global_attn_indexes=spec.global_blocks,
            out_chans=EMBEDDING_CHANNELS,
        )

    def embed(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        # A convolution leaves its channels far apart in memory; every norm and sum after it would
        # stride through them.
        tokens: Tensor = self.base.patch_embed(images).contiguous()
        return tokens + self.base.pos_embed, []

    def adapt(self, adapter: nn.Module, tokens: Tensor, slices: int) -> Tensor:
        return cast(Tensor, adapter(tokens, slices))

    def attention(self, index: int, tokens: Tensor) -> Tensor:
        block = cast(Block, self.base.blocks[index])
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
        return cast(Tensor, out)

    def _attend_fast(self, block: Block, qkv: Tensor) -> Tensor:
        """Attention and projection of qkv (N, H, W, 3C), without gradients."""
        attn = block.attn
        grid = (qkv.shape[1], qkv.shape[2])
        kept = attention_of(grid, block.window_size, attn.num_heads)
        bias = bias_of(attn.qkv).to(qkv.dtype)
        out = kept(qkv, bias, attn.rel_pos_h, attn.rel_pos_w)
        return apply(attn.proj, out)

    def mlp(self, index: int, tokens: Tensor) -> Tensor:
        block = cast(Block, self.base.blocks[index])
        return mlp(block.norm2(tokens), block.mlp.lin1, block.mlp.lin2)

    def to_map(self, tokens: Tensor) -> Tensor:
        return tokens.permute(0, 3, 1, 2)

    def head(self, tokens: Tensor) -> Tensor:
        return cast(Tensor, self.base.neck(self.to_map(tokens)))

    def qkv_layer(self, index: int) -> nn.Linear:
        return cast(nn.Linear, cast(Block, self.base.blocks[index]).attn.qkv)


class DinoImageEncoder(ImageEncoder):
    """ViT-S/14; the neck to SAM's 256 channels has no pretrained weights and is trained."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        spec = config.spec
        self.base: DinoBackbone = DinoBackbone(spec)
        self.neck = nn.Sequential(
            nn.Conv2d(spec.width, EMBEDDING_CHANNELS, 1, bias=False),
            LayerNorm2d(EMBEDDING_CHANNELS),
            nn.Conv2d(EMBEDDING_CHANNELS, EMBEDDING_CHANNELS, 3, padding=1, bias=False),
            LayerNorm2d(EMBEDDING_CHANNELS),
        )

    def embed(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        patches = self.base.patch_embed(images).permute(0, 2, 3, 1)
        patches = patches + resize_absolute(self.base.pos_embed, patches.shape[1:3])
        token = self.base.class_token.expand(len(images), -1, -1)
        return torch.cat([token, patches.flatten(1, 2)], dim=1), []

    def adapt(self, adapter: nn.Module, tokens: Tensor, slices: int) -> Tensor:
        # The class token belongs to no place in the slice, so no neighbour is mixed into it.
        return torch.cat([tokens[:, :1], adapter(tokens[:, 1:], slices)], dim=1)

    def attention(self, index: int, tokens: Tensor) -> Tensor:
        block = cast(DinoBlock, self.base.blocks[index])
        out = attend(self.project(index, block.norm1(tokens)), block.heads)
        return block.scale1 * apply(block.proj, out)

    def mlp(self, index: int, tokens: Tensor) -> Tensor:
        block = cast(DinoBlock, self.base.blocks[index])
        return block.mlp(block.norm2(tokens))

    def to_map(self, tokens: Tensor) -> Tensor:
        side = self.config.grid
        return tokens[:, 1:].transpose(1, 2).unflatten(2, (side, side))

    def head(self, tokens: Tensor) -> Tensor:
        return cast(Tensor, self.neck(self.to_map(self.base.norm(tokens))))

    def qkv_layer(self, index: int) -> nn.Linear:
        return cast(DinoBlock, self.base.blocks[index]).qkv


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

    @torch.no_grad()  # nothing trained comes before the tokens
    def embed(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        # Channels last: the convolutions that follow run about a fifth faster so.
        images = images.contiguous(memory_format=torch.channels_last)
        parts = [self._embed_part(part) for part in cache_parts(images)]
        tokens, full, half = (torch.cat(part) for part in zip(*parts, strict=True))
        return tokens, [full, half]

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
        return cast(Tensor, block.norm1(windows.flatten(1, 2)))

    def _attend(self, block: TinyBlock, qkv: Tensor, tokens: Tensor) -> Tensor:
        out = apply(block.proj, attend(qkv, block.heads, block.bias().to(qkv.dtype)))
        height, width = tokens.shape[1:3]
        padded = (
            -(-height // block.window) * block.window,
            -(-width // block.window) * block.window,
        )
        windows = out.unflatten(1, (block.window, block.window))
        return cast(Tensor, window_unpartition(windows, block.window, padded, (height, width)))

    def _block(self, index: int, adapters: BlockAdapters, slices: int, tokens: Tensor) -> Tensor:
        if index == TinyBackbone.DEPTHS[1]:
            tokens = self.base.merge3(tokens.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        block = cast(TinyBlock, self.base.blocks[index])
        if adapters.before is not None:
            tokens = self.adapt(adapters.before, tokens, slices)
        tokens = block.convolve(tokens + self.attention(index, tokens))
        if adapters.after is not None:
            tokens = self.adapt(adapters.after, tokens, slices)
        return tokens + self.mlp(index, tokens)

    def adapt(self, adapter: nn.Module, tokens: Tensor, slices: int) -> Tensor:
        return cast(Tensor, adapter(tokens, slices))

    def attention(self, index: int, tokens: Tensor) -> Tensor:
        block = cast(TinyBlock, self.base.blocks[index])
        return self._attend(block, self.project(index, self._windows(block, tokens)), tokens)

    def mlp(self, index: int, tokens: Tensor) -> Tensor:
        block = cast(TinyBlock, self.base.blocks[index])
        return block.mlp(block.norm2(tokens))

    def to_map(self, tokens: Tensor) -> Tensor:
        return tokens.permute(0, 3, 1, 2)

    def head(self, tokens: Tensor) -> Tensor:
        return cast(Tensor, self.base.neck(self.to_map(tokens)))

    def qkv_layer(self, index: int) -> nn.Linear:
        return cast(TinyBlock, self.base.blocks[index]).qkv


_LAYOUTS: dict[str, type[ImageEncoder]] = {
    "sam": SamImageEncoder,
    "dinov2": DinoImageEncoder,
    "tiny": TinyImageEncoder,
}


def build_image_encoder(config: ModelConfig) -> ImageEncoder:
    """The image encoder of a config, with random backbone weights."""
    return _LAYOUTS[config.spec.layout](config)
