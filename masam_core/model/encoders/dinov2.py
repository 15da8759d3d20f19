"""ViT-S/14 in the DINOv2 layout: class token, LayerScale, global attention."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from masam_core.model.attention import attend, resize_absolute
from masam_core.model.backbones import BackboneSpec
from masam_core.model.config import ModelConfig
from masam_core.model.image_encoder import ImageEncoder, neck
from masam_core.model.linear import apply, mlp
from masam_core.model.sam.layers import Modules


class DinoBlock(nn.Module):
    """Parameters of one DINOv2 block (Oquab et al. 2023); the image encoder runs it."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self.scale1 = nn.Parameter(torch.ones(width))
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)
        self.scale2 = nn.Parameter(torch.ones(width))

    def mlp(self, x: Tensor) -> Tensor:
        """The scaled MLP branch of normalised tokens, (..., C) -> (..., C)."""
        return self.scale2 * mlp(x, self.fc1, self.fc2)


class DinoBackbone(nn.Module):
    """Patch embedding, positions, class token and blocks, all frozen in MA-SAM."""

    def __init__(self, spec: BackboneSpec) -> None:
        super().__init__()
        n = spec.position_grid
        self.patch_embed = nn.Conv2d(3, spec.width, spec.patch, stride=spec.patch)
        self.pos_embed = nn.Parameter(torch.zeros(1, n, n, spec.width))
        # The class token with its own position already added.
        self.class_token = nn.Parameter(torch.zeros(1, 1, spec.width))
        self.blocks: Modules[DinoBlock] = Modules(
            DinoBlock(spec.width, spec.heads) for _ in range(spec.depth)
        )
        self.norm = nn.LayerNorm(spec.width, eps=1e-6)


class DinoImageEncoder(ImageEncoder):
    """ViT-S/14; the neck to SAM's 256 channels has no pretrained weights and is trained."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        spec = config.spec
        self.base: DinoBackbone = DinoBackbone(spec)
        self.neck = neck(spec.width)

    def embed(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        patches = self.base.patch_embed(images).permute(0, 2, 3, 1)
        patches = patches + resize_absolute(self.base.pos_embed, patches.shape[1:3])
        token = self.base.class_token.expand(len(images), -1, -1)
        return torch.cat([token, patches.flatten(1, 2)], dim=1), []

    def adapt(self, adapter: nn.Module, tokens: Tensor, slices: int) -> Tensor:
        # The class token belongs to no place in the slice, so no neighbour is mixed into it.
        return torch.cat([tokens[:, :1], adapter(tokens[:, 1:], slices)], dim=1)

    def attention(self, index: int, tokens: Tensor) -> Tensor:
        block = self.base.blocks.at(index)
        out = attend(self.project(index, block.norm1(tokens)), block.heads)
        return block.scale1 * apply(block.proj, out)

    def mlp(self, index: int, tokens: Tensor) -> Tensor:
        block = self.base.blocks.at(index)
        return block.mlp(block.norm2(tokens))

    def to_map(self, tokens: Tensor) -> Tensor:
        side = self.config.grid
        return tokens[:, 1:].transpose(1, 2).unflatten(2, (side, side))

    def head(self, tokens: Tensor) -> Tensor:
        embedding: Tensor = self.neck(self.to_map(self.base.norm(tokens)))
        return embedding

    def qkv_layer(self, index: int) -> nn.Linear:
        return self.base.blocks.at(index).qkv
