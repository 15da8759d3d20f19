"""Parameters of SAM's ViT (Li et al. 2022, ViTDet); ``SamImageEncoder`` says how its blocks run."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from masam_core.model.sam.layers import FeedForward, LayerNorm2d, Modules

EPS = 1e-6


class PatchEmbed(nn.Module):
    """Patches of the image as tokens."""

    def __init__(self, patch: int, width: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, width, patch, stride=patch)

    def forward(self, images: Tensor) -> Tensor:
        """(N, 3, S, S) to (N, g, g, C)."""
        tokens: Tensor = self.proj(images)
        return tokens.permute(0, 2, 3, 1)


class ViTAttention(nn.Module):
    """qkv, projection, and relative positions of rows and columns.

    Args:
        width, heads: channels and attention heads.
        side: of the square in which tokens attend to each other: the window, or the whole grid.
    """

    def __init__(self, width: int, heads: int, side: int) -> None:
        super().__init__()
        self.num_heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self.rel_pos_h = nn.Parameter(torch.zeros(2 * side - 1, width // heads))
        self.rel_pos_w = nn.Parameter(torch.zeros(2 * side - 1, width // heads))


class ViTBlock(nn.Module):
    """One block; ``window_size`` 0 is global attention."""

    def __init__(self, width: int, heads: int, window: int, grid: int) -> None:
        super().__init__()
        self.window_size = window
        self.norm1 = nn.LayerNorm(width, eps=EPS)
        self.attn = ViTAttention(width, heads, window or grid)
        self.norm2 = nn.LayerNorm(width, eps=EPS)
        self.mlp = FeedForward(width, 4 * width)


class SamViT(nn.Module):
    """SAM's image encoder: patch embedding, positions, blocks, neck.

    Args:
        image_size, patch: sides of image and patch in pixels.
        width, depth, heads: channels, number of blocks, attention heads.
        window: side of the windows of all blocks but the global ones, in tokens.
        global_blocks: numbers of the blocks whose tokens all attend to each other.
        channels: of the embedding.
    """

    def __init__(
        self,
        image_size: int,
        patch: int,
        width: int,
        depth: int,
        heads: int,
        window: int,
        global_blocks: tuple[int, ...],
        channels: int,
    ) -> None:
        super().__init__()
        grid = image_size // patch
        self.patch_embed = PatchEmbed(patch, width)
        self.pos_embed = nn.Parameter(torch.zeros(1, grid, grid, width))
        self.blocks: Modules[ViTBlock] = Modules(
            ViTBlock(width, heads, 0 if n in global_blocks else window, grid) for n in range(depth)
        )
        self.neck = neck(width, channels)


def neck(width: int, channels: int) -> nn.Sequential:
    """Two convolutions from a backbone's channels to those of the embedding."""
    return nn.Sequential(
        nn.Conv2d(width, channels, 1, bias=False),
        LayerNorm2d(channels),
        nn.Conv2d(channels, channels, 3, padding=1, bias=False),
        LayerNorm2d(channels),
    )
