"""SAM's two-way transformer: prompt tokens and image tokens look at each other."""

from __future__ import annotations

import math
from typing import cast

from torch import Tensor, nn
from torch.nn import functional as F

from masam_core.model.sam.layers import FeedForward, Modules


class CrossAttention(nn.Module):
    """Multi-head attention of tokens to others, in fewer channels where ``shrink`` is above 1."""

    def __init__(self, width: int, heads: int, shrink: int = 1) -> None:
        super().__init__()
        inner = width // shrink
        self.heads = heads
        self.q_proj = nn.Linear(width, inner)
        self.k_proj = nn.Linear(width, inner)
        self.v_proj = nn.Linear(width, inner)
        self.out_proj = nn.Linear(inner, width)

    def forward(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Queries (N, Q, C), keys and values (N, K, C), to (N, Q, C)."""
        q, k, v = (
            self._split(layer(x))
            for layer, x in ((self.q_proj, q), (self.k_proj, k), (self.v_proj, v))
        )
        weights = (q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])).softmax(dim=-1)
        return cast(Tensor, self.out_proj((weights @ v).transpose(1, 2).flatten(2)))

    def _split(self, x: Tensor) -> Tensor:
        """(N, T, C) to (N, heads, T, C / heads)."""
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)


class TwoWayBlock(nn.Module):
    """One round: prompts among themselves, prompts to image, MLP, image to prompts.

    Args:
        width, heads, hidden: channels, attention heads, width of the MLP.
        first: of the first block, whose prompt tokens are their own positions.
    """

    def __init__(self, width: int, heads: int, hidden: int, first: bool) -> None:
        super().__init__()
        self.first = first
        self.self_attn = CrossAttention(width, heads)
        self.norm1 = nn.LayerNorm(width)
        self.cross_attn_token_to_image = CrossAttention(width, heads, shrink=2)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = FeedForward(width, hidden)
        self.norm3 = nn.LayerNorm(width)
        self.norm4 = nn.LayerNorm(width)
        self.cross_attn_image_to_token = CrossAttention(width, heads, shrink=2)

    def forward(
        self, prompts: Tensor, image: Tensor, prompt_positions: Tensor, image_positions: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Prompts (N, P, C) and image (N, T, C) with their positions, to the same shapes."""
        if self.first:
            prompts = self.self_attn(prompts, prompts, prompts)
        else:
            placed = prompts + prompt_positions
            prompts = prompts + self.self_attn(placed, placed, prompts)
        prompts = self.norm1(prompts)
        where = image + image_positions
        seen = self.cross_attn_token_to_image(prompts + prompt_positions, where, image)
        prompts = self.norm2(prompts + seen)
        prompts = self.norm3(prompts + self.mlp.lin2(F.relu(self.mlp.lin1(prompts))))
        told = self.cross_attn_image_to_token(where, prompts + prompt_positions, prompts)
        return prompts, self.norm4(image + told)


class TwoWayTransformer(nn.Module):
    """Rounds of :class:`TwoWayBlock`, and a last look of the prompts at the image."""

    def __init__(self, depth: int, width: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.layers: Modules[TwoWayBlock] = Modules(
            TwoWayBlock(width, heads, hidden, first=number == 0) for number in range(depth)
        )
        self.final_attn_token_to_image = CrossAttention(width, heads, shrink=2)
        self.norm_final_attn = nn.LayerNorm(width)

    def forward(self, image: Tensor, positions: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Let prompt tokens and image look at each other.

        Args:
            image, positions: (N, C, h, w).
            tokens: (N, P, C), also their own positions.

        Returns:
            Prompt tokens (N, P, C) and image tokens (N, h * w, C).
        """
        image = image.flatten(2).transpose(1, 2)
        positions = positions.flatten(2).transpose(1, 2)
        prompts = tokens
        for layer in self.layers.each():
            prompts, image = layer(prompts, image, tokens, positions)
        seen = self.final_attn_token_to_image(prompts + tokens, image + positions, image)
        return self.norm_final_attn(prompts + seen), image
