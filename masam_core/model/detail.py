"""Pixel detail for the decoder: what tokens of 14 pixels can't tell about a border."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def detail_widths(width: int, steps: int = 4) -> tuple[int, ...]:
    """Channels of the maps at full, half and (for more than two decoder steps) quarter size."""
    return (width, 2 * width, 4 * width)[: min(3, steps)]


class DetailEncoder(nn.Module):
    """A small convolutional encoder beside the ViT.

    Not part of MA-SAM. Its maps have the sizes of the last three maps of the progressive decoder,
    16, 8 and 4 times the token grid; at the coarsest one neighbouring slices are mixed.

    Args:
        width: channels at full resolution.
        size: side of the finest map in pixels.
    """

    def __init__(self, width: int, size: int) -> None:
        super().__init__()
        self.size = size
        full, half, quarter = detail_widths(width)
        self.fine = _ConvBlock(3, full, stride=1)
        self.medium = nn.Sequential(_ConvBlock(full, half, stride=2), _ConvBlock(half, half))
        self.coarse = nn.Sequential(
            _ConvBlock(half, quarter, stride=2), _ConvBlock(quarter, quarter)
        )
        self.depth = nn.Conv3d(quarter, quarter, kernel_size=(3, 1, 1), padding=(1, 0, 0))
        self.last = _ConvBlock(quarter, quarter)

    def forward(self, images: Tensor, maps: list[Tensor], slices: int) -> list[Tensor]:
        """Detail maps.

        Args:
            images: (B * slices, 3, S, S), normalised.
            maps: of the backbone; a ViT has none that are finer than its tokens.
            slices: slices per window.

        Returns:
            Maps (B * slices, c, n, n) with n = size, size / 2, size / 4.
        """
        if images.shape[-1] != self.size:
            side = (self.size, self.size)
            images = F.interpolate(images, size=side, mode="bilinear", align_corners=False)
        full = self.fine(images)
        half = self.medium(full)
        quarter = self.coarse(half)
        windows = quarter.unflatten(0, (-1, slices)).transpose(1, 2)
        mixed = self.depth(windows).transpose(1, 2).flatten(0, 1)
        return [full, half, self.last(quarter + mixed)]


class DetailJoin(nn.Module):
    """Adds a correction, computed from a decoder map and a detail map, to the decoder map.

    The last convolution starts at zero, so a fresh join is the identity.
    """

    def __init__(self, decoder_width: int, detail_width: int) -> None:
        super().__init__()
        hidden = 2 * decoder_width
        self.fuse = _ConvBlock(decoder_width + detail_width, hidden)
        self.out = nn.Conv2d(hidden, decoder_width, 3, padding=1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(cast(Tensor, self.out.bias))

    def forward(self, x: Tensor, detail: Tensor) -> Tensor:
        """x (N, c, h, w) and detail (N, d, h, w) to (N, c, h, w)."""
        return x + cast(Tensor, self.out(self.fuse(torch.cat([x, detail], dim=1))))


class _ConvBlock(nn.Sequential):
    def __init__(self, inside: int, outside: int, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(inside, outside, 3, stride=stride, padding=1, bias=False),
            nn.GroupNorm(4, outside),
            nn.GELU(),
        )


class EarlyDetail(nn.Module):
    """Pixel detail where the backbone itself has fine maps: those of TinyViT's first two stages.

    Args:
        width: channels at full resolution.
        early: channels of the backbone's maps at full and half resolution.
    """

    def __init__(self, width: int, early: tuple[int, int]) -> None:
        super().__init__()
        full, half = detail_widths(width, 2)
        self.own = nn.Conv2d(3, full, 3, padding=1)
        self.from_full = nn.Conv2d(early[0], full, 1)
        self.from_half = nn.Conv2d(early[1], half, 1)
        self.fine = _ConvBlock(full, full)
        self.down = _ConvBlock(full, half, stride=2)
        self.depth = nn.Conv3d(half, half, kernel_size=(3, 1, 1), padding=(1, 0, 0))
        self.medium = _ConvBlock(half, half)

    def forward(self, images: Tensor, maps: list[Tensor], slices: int) -> list[Tensor]:
        """Detail maps.

        Args:
            images: (B * slices, 3, S, S), normalised.
            maps: the backbone's first maps (B * slices, c, n, n) with n = S and S / 2.
            slices: slices per window.

        Returns:
            Maps (B * slices, c, n, n) with n = S, S / 2.
        """
        fine = self.fine(self.own(images) + self.from_full(maps[0]))
        half = self.down(fine) + self.from_half(maps[1])
        windows = half.unflatten(0, (-1, slices)).transpose(1, 2)
        mixed = self.depth(windows).transpose(1, 2).flatten(0, 1)
        return [fine, self.medium(half + mixed)]
