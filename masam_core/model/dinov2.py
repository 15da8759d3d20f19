"""ViT-S/14 in the DINOv2 layout: class token, LayerScale, global attention."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from masam_core.model.config import BackboneSpec
from masam_core.model.linear import mlp


class DinoBlock(nn.Module):
    """Parameters of one DINOv2 block (Oquab et al. 2023); ImageEncoder runs it."""

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
        self.blocks = nn.ModuleList(DinoBlock(spec.width, spec.heads) for _ in range(spec.depth))
        self.norm = nn.LayerNorm(spec.width, eps=1e-6)
