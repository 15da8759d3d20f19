"""Small layers that SAM's networks share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Generic, TypeVar, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

M = TypeVar("M", bound=nn.Module)


class Modules(nn.ModuleList, Generic[M]):
    """List of modules of one kind, known to the type checker; state dicts see an nn.ModuleList."""

    def __init__(self, modules: Iterable[M]) -> None:
        super().__init__(modules)

    def at(self, index: int) -> M:
        """One of them."""
        return cast(M, self[index])

    def each(self) -> Iterator[M]:
        """All of them in their order."""
        return cast("Iterator[M]", iter(self))


class LayerNorm2d(nn.Module):
    """Normalise maps (N, C, H, W) over their channels, pixel by pixel."""

    def __init__(self, channels: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to the same shape."""
        centred = x - x.mean(1, keepdim=True)
        variance = centred.pow(2).mean(1, keepdim=True)
        normal = centred / torch.sqrt(variance + self.eps)
        return self.weight[:, None, None] * normal + self.bias[:, None, None]


class MLP(nn.Module):
    """Linear layers with ReLU between them."""

    def __init__(self, inputs: int, hidden: int, outputs: int, depth: int) -> None:
        super().__init__()
        widths = [inputs, *[hidden] * (depth - 1), outputs]
        self.layers: Modules[nn.Linear] = Modules(nn.Linear(a, b) for a, b in pairwise(widths))

    def forward(self, x: Tensor) -> Tensor:
        """(..., inputs) to (..., outputs)."""
        *first, last = self.layers.each()
        for layer in first:
            x = F.relu(layer(x))
        return cast(Tensor, last(x))


class FeedForward(nn.Module):
    """Parameters of two linear layers; the owner says what is between them."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.lin1 = nn.Linear(width, hidden)
        self.lin2 = nn.Linear(hidden, width)
