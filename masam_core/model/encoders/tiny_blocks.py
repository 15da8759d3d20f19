"""TinyViT with a stride of 4 pixels, as in LiteMedSAM: convolutions, then windowed attention."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from masam_core.model.image_encoder import neck
from masam_core.model.linear import mlp
from masam_core.model.sam.layers import Modules

BAND = 16  # rows: what a band holds at four times the width stays in a processor's cache


class TinyConvBlock(nn.Module):
    """Inverted bottleneck on maps (N, C, h, w): widen, depthwise 3 x 3, narrow, residual.

    On the CPU it runs in bands of rows. At full resolution the widened map of a window is far
    larger than any cache, and to write and read it takes several times as long as to compute it.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.widen = nn.Conv2d(width, 4 * width, 1)
        self.depthwise = nn.Conv2d(4 * width, 4 * width, 3, padding=1, groups=4 * width)
        self.narrow = nn.Conv2d(4 * width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        height = x.shape[2]
        band = BAND if x.device.type == "cpu" else height
        rows = range(0, height, band)
        return torch.cat([self._band(x, top, min(top + band, height)) for top in rows], dim=2)

    def _band(self, x: Tensor, top: int, bottom: int) -> Tensor:
        """The rows from ``top`` to below ``bottom``; the 3 x 3 kernel wants one more on each side,
        and zeros beyond the ends of the map."""
        low, high = max(0, top - 1), min(x.shape[2], bottom + 1)
        wide = F.gelu(self.widen(x[:, :, low:high]))
        wide = F.pad(wide, (1, 1, low - top + 1, bottom + 1 - high))
        kernel = self.depthwise
        hidden = F.conv2d(wide, kernel.weight, kernel.bias, groups=kernel.groups)
        return F.gelu(x[:, :, top:bottom] + self.narrow(F.gelu(hidden)))


class TinyMerge(nn.Module):
    """Step from one stage to the next: another width, and with stride 2 half the resolution."""

    def __init__(self, inside: int, outside: int, stride: int) -> None:
        super().__init__()
        self.enter = nn.Conv2d(inside, outside, 1)
        self.depthwise = nn.Conv2d(outside, outside, 3, stride, padding=1, groups=outside)
        self.leave = nn.Conv2d(outside, outside, 1)

    def forward(self, x: Tensor) -> Tensor:
        return cast(Tensor, self.leave(F.gelu(self.depthwise(F.gelu(self.enter(x))))))


class TinyBlock(nn.Module):
    """A transformer block (Wu et al., ECCV 2022): windowed attention, local convolution, MLP.

    The parts are separate, so that the image encoder can put FacT and adapters between them.
    """

    def __init__(self, width: int, heads: int, window: int) -> None:
        super().__init__()
        self.heads, self.window = heads, window
        self.norm1 = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        # One entry for each pair of absolute offsets (rows, columns) inside a window.
        self.bias_table = nn.Parameter(torch.zeros(heads, window, window))
        self.local = nn.Conv2d(width, width, 3, padding=1, groups=width)
        self.norm2 = nn.LayerNorm(width)
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)

    def bias(self) -> Tensor:
        """Attention bias (heads, window^2, window^2)."""
        place = torch.arange(self.window, device=self.bias_table.device)
        offset = (place[:, None] - place[None, :]).abs()
        full = self.bias_table[:, offset[:, None, :, None], offset[None, :, None, :]]
        return full.flatten(3).flatten(1, 2)

    def convolve(self, x: Tensor) -> Tensor:
        """The local convolution on tokens (N, h, w, C)."""
        return cast(Tensor, self.local(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1))

    def mlp(self, x: Tensor) -> Tensor:
        """The MLP branch of normalised tokens, (N, h, w, C) -> (N, h, w, C)."""
        return mlp(x, self.fc1, self.fc2)


class TinyBackbone(nn.Module):
    """All frozen parts. ``early`` blocks see slices one by one; ``blocks`` take MA-SAM's adapters.

    Batch normalisation is folded into the convolutions when weights are converted.
    """

    WIDTHS = (64, 128, 160, 320)
    HEADS = (4, 5, 10)
    WINDOWS = (7, 14, 7)
    DEPTHS = (2, 6, 2)

    def __init__(self) -> None:
        super().__init__()
        first, second, third, fourth = self.WIDTHS
        self.stem1 = nn.Conv2d(3, first // 2, 1)
        self.stem2 = nn.Conv2d(first // 2, first, 1)
        self.convolutions = nn.Sequential(TinyConvBlock(first), TinyConvBlock(first))
        self.merge1 = TinyMerge(first, second, 2)
        self.early = _stage(0, second)
        self.merge2 = TinyMerge(second, third, 2)
        self.merge3 = TinyMerge(third, fourth, 1)
        self.blocks: Modules[TinyBlock] = Modules(
            [*_stage(1, third).each(), *_stage(2, fourth).each()]
        )
        self.neck = neck(fourth)

    def stem(self, images: Tensor) -> Tensor:
        """Images (N, 3, S, S) to maps (N, 64, S, S)."""
        return cast(Tensor, self.convolutions(self.stem2(F.gelu(self.stem1(images)))))


def _stage(number: int, width: int) -> Modules[TinyBlock]:
    return Modules(
        TinyBlock(width, TinyBackbone.HEADS[number], TinyBackbone.WINDOWS[number])
        for _ in range(TinyBackbone.DEPTHS[number])
    )
