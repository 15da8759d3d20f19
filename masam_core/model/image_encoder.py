"""What all image encoders share: a frozen ViT, FacT in its attention, 3D adapters in its blocks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import partial
from pkgutil import resolve_name
from typing import cast

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from masam_core.errors import CheckpointError
from masam_core.model.adapter import BlockAdapters
from masam_core.model.config import EMBEDDING_CHANNELS, ModelConfig
from masam_core.model.detail import DetailEncoder
from masam_core.model.fact import FacT
from masam_core.model.linear import apply
from masam_core.model.sam.layers import Modules
from masam_core.model.sam.vit import neck as sam_neck
from masam_core.model.window_attention import lent_memory


class ImageEncoder(nn.Module, ABC):
    """A backbone with what MA-SAM adds to it: FacT, adapters, folding, skip features.

    ``base`` holds the frozen backbone, ``fact`` and ``adapters`` what is added. A subclass makes
    ``base`` and says how its blocks run. Where nothing else is said, tokens are (N, g, g, C).
    """

    base: nn.Module

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        spec = config.spec
        self.config = config
        self.folded = False
        self.checkpointing = False  # training: keep only the inputs of blocks
        self.fact = self.build_fact() if config.fact_rank else None
        self.adapters: Modules[BlockAdapters] = Modules(
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
            Embedding (B * slices, 256, g, g), g the token grid, and further maps, where the
            config asks for what reads them: for the multiscale decoder three intermediate features
            (B * slices, C, g, g); for the detail branch what :meth:`embed` met on its way.
        """
        with lent_memory():
            return self._run(images, slices)

    def _run(self, images: Tensor, slices: int) -> tuple[Tensor, list[Tensor]]:
        tokens, skips = self.embed(images)
        for index, adapters in enumerate(self.adapters.each()):
            block = partial(self._block, index, adapters, slices)
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
        """Images (N, 3, S, S) to tokens, and the finer maps that its detail branch reads."""

    def adapt(self, adapter: nn.Module, tokens: Tensor, slices: int) -> Tensor:
        """Run a 3D adapter on the patch tokens."""
        return cast(Tensor, adapter(tokens, slices))

    @abstractmethod
    def attention(self, index: int, tokens: Tensor) -> Tensor:
        """The attention branch of a block."""

    @abstractmethod
    def mlp(self, index: int, tokens: Tensor) -> Tensor:
        """The MLP branch of a block."""

    def to_map(self, tokens: Tensor) -> Tensor:
        """Patch tokens as a feature map (N, C, g, g)."""
        return tokens.permute(0, 3, 1, 2)

    @abstractmethod
    def head(self, tokens: Tensor) -> Tensor:
        """Tokens to the embedding (N, 256, g, g)."""

    @abstractmethod
    def qkv_layer(self, index: int) -> nn.Linear:
        """The frozen fused qkv projection of a block."""

    def detail_branch(self) -> nn.Module:
        """A new encoder of pixel detail that goes with this backbone, called as ``DetailEncoder``.

        It becomes a part of the whole model, not of the image encoder.
        """
        return DetailEncoder(self.config.detail_width, 16 * self.config.grid)

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


def neck(width: int) -> nn.Sequential:
    """SAM's neck: from a backbone's channels to those of the embedding."""
    return sam_neck(width, EMBEDDING_CHANNELS)


def build_image_encoder(config: ModelConfig) -> ImageEncoder:
    """The image encoder of a config, with random backbone weights."""
    encoder = cast("type[ImageEncoder]", resolve_name(config.spec.encoder))
    return encoder(config)
