"""3D adapter: a bottleneck that mixes neighbouring slices at every token position."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from masam_core.model.linear import apply, linear


class Adapter3D(nn.Module):
    """LayerNorm, down projection, convolution over slices, GELU, up projection, residual.

    MA-SAM section 3.2: the convolution has kernel (3, 1, 1) and 'same' padding, so each token
    sees the token at the same place in the slice above and below. The up projection starts at
    zero, so a fresh adapter is the identity.
    """

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.down = nn.Linear(width, hidden, bias=False)
        self.conv = nn.Conv3d(hidden, hidden, kernel_size=(3, 1, 1), padding=(1, 0, 0))
        self.up = nn.Linear(hidden, width, bias=False)
        nn.init.zeros_(self.up.weight)

    def forward(self, x: Tensor, slices: int) -> Tensor:
        """Mix slices.

        Args:
            x: tokens (B * slices, ..., C); the slices of a window lie next to each other.
            slices: slices per window.

        Returns:
            Tokens of the same shape.
        """
        h = apply(self.down, self.norm(x))
        windows = h.reshape(-1, slices, h[0].numel() // h.shape[-1], h.shape[-1])
        padded = F.pad(windows, (0, 0, 0, 0, 1, 1))
        # A (3, 1, 1) convolution is one matrix product over the three neighbours' channels.
        neighbours = torch.cat([padded[:, :-2], padded[:, 1:-1], padded[:, 2:]], dim=-1)
        weight = self.conv.weight[..., 0, 0].transpose(1, 2).flatten(1)  # (hidden, 3 * hidden)
        mixed = linear(neighbours, weight, self.conv.bias)
        return x + apply(self.up, F.gelu(mixed.reshape(h.shape)))


class BlockAdapters(nn.Module):
    """The up to two adapters of one transformer block."""

    def __init__(self, width: int, hidden: int, position: str) -> None:
        super().__init__()
        self.before = Adapter3D(width, hidden) if position in ("before", "both") else None
        self.after = Adapter3D(width, hidden) if position in ("after", "both") else None
