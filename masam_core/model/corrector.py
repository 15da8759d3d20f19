"""The corrector: puts a mask right around prompts, in 3D, whatever model or hand it came from.

MA-SAM decodes slices; a correction has to reach its neighbours as far as the image supports it, and
at once on a processor. A small 3D U-Net (Ronneberger et al. 2015; Cicek et al. 2016) on a patch
around the prompt does that. Prompts and the mask so far are channels of its input, as in
interactive networks since Xu et al. 2016 and Mahadevan et al. 2018.
"""

from __future__ import annotations

import math
from functools import lru_cache
from pathlib import Path
from typing import cast

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from masam_core.errors import CheckpointError

NEAR, WIDE = 1.5, 7.0  # standard deviations of the prompt maps, in-plane pixels
MOST_LOGIT = 4.0  # what the mask so far says at most
WIDTHS = (16, 32, 64, 96)
CHANNELS = 7


class Corrector(nn.Module):
    """A 3D U-Net whose output is added to the logits of the mask so far.

    Slices may lie far apart: how far is an input, and the last level mixes them no more. Inside,
    maps are (B * D, C, H, W): convolutions over three slices are written as 2D ones over the
    channels of three (see :class:`SliceConv`), which every processor computes fast.
    """

    def __init__(self, widths: tuple[int, int, int, int] = WIDTHS) -> None:
        super().__init__()
        one, two, three, four = widths
        self.enter = nn.ModuleList([_Block(CHANNELS, one, reach=0), _Block(one, one)])
        self.down1 = nn.ModuleList([_Block(one, two, halve=True), _Block(two, two)])
        self.down2 = nn.ModuleList(
            [_Block(two, three, halve=True, thin=True), _Block(three, three)]
        )
        self.down3 = nn.ModuleList([_Block(three, four, halve=True, thin=True), _Block(four, four)])
        self.up3 = _Up(four, three, thicken=True)
        self.up2 = _Up(three, two, thicken=True)
        self.up1 = _Up(two, one, thicken=False, reach=0)
        self.out = nn.Conv2d(one, 1, 1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(cast(Tensor, self.out.bias))

    def forward(
        self, image: Tensor, probability: Tensor, positive: Tensor, negative: Tensor, z_px: Tensor
    ) -> Tensor:
        """Correct patches.

        Args:
            image: (B, D, H, W), D a multiple of 4, H and W of 8; see :func:`contrast`.
            probability: (B, D, H, W) of the mask so far, in [0, 1].
            positive: (B, D, H, W) bool, where the user says lesion.
            negative: (B, D, H, W) bool, where the user says no lesion.
            z_px: (B,) distance of slices over that of pixels.

        Returns:
            (B, D, H, W) logits of the corrected mask.
        """
        least = 1 / (1 + math.exp(MOST_LOGIT))
        certain = probability.float().clamp(least, 1 - least)
        before = torch.log(certain / (1 - certain))
        maps = [
            spread(said, z_px, width) for width in (NEAR, WIDE) for said in (positive, negative)
        ]
        apart = z_px.float().log().view(-1, 1, 1, 1).expand_as(image)
        x = torch.stack([image, before / MOST_LOGIT, *maps, apart], dim=2).flatten(0, 1)
        count = len(image)
        levels = []
        for level in (self.enter, self.down1, self.down2, self.down3):
            for block in level:
                x = block(x, count)
            levels.append(x)
        for up, skip in zip((self.up3, self.up2, self.up1), levels[-2::-1], strict=True):
            x = up(x, skip, count)
        return before + cast(Tensor, self.out(x)).float().reshape(before.shape)


def spread(said: Tensor, z_px: Tensor, width: float) -> Tensor:
    """Bumps of height 1 around prompts, as wide across slices as within, in mm.

    Args:
        said: (B, D, H, W) bool.
        z_px: (B,) distance of slices over that of pixels.
        width: standard deviation in pixels.

    Returns:
        (B, D, H, W) in [0, 1].
    """
    depth, rows, cols = said.shape[1:]
    across = _bump(depth, said.device)[None] * z_px.float()[:, None, None] ** 2
    distances = (across, _bump(rows, said.device), _bump(cols, said.device))
    weights = [torch.exp(-apart / (2 * width**2)) for apart in distances]
    out = torch.einsum("bdz,bzyx->bdyx", weights[0], said.float())
    return torch.clamp(weights[1] @ out @ weights[2], max=1.0)


def contrast(image: Tensor) -> Tensor:
    """Scale a patch by what it shows: its 1st and 99th percentile become 0 and 1.

    Args:
        image: (..., D, H, W).

    Returns:
        The same shape, in [0, 1].
    """
    sample = image[..., ::2, ::2].flatten(-3).sort(dim=-1).values
    last = sample.shape[-1] - 1
    low, high = (sample[..., round(p * last), None, None, None] for p in (0.01, 0.99))
    return ((image - low) / (high - low).clamp(min=1e-6)).clamp(0, 1)


@lru_cache(maxsize=4)
def load_corrector(path: Path) -> Corrector:
    """Load a corrector, ready to be used; the same one again for the same path.

    Args:
        path: weights (.safetensors), such as ``catalog.bundled.bundled_corrector_path()``.

    Raises:
        CheckpointError: no such file, or no corrector.
    """
    corrector = Corrector()
    try:
        weights = {name: tensor.float() for name, tensor in load_file(path).items()}
        corrector.load_state_dict(weights)
    except (OSError, RuntimeError, SafetensorError) as error:
        raise CheckpointError(f"{path} is no corrector of MASAM: {error}.") from error
    return corrector.eval().requires_grad_(False)


class SliceConv(nn.Module):
    """A 3 x 3 x 3 convolution with zeros beyond the ends, as a 2D one over three slices' channels.

    PyTorch's own 3D convolution takes 20 to 40 times as long in float32 on a processor.
    """

    def __init__(self, inside: int, outside: int, stride: int = 1) -> None:
        super().__init__()
        self.plane = nn.Conv2d(3 * inside, outside, 3, stride=stride, padding=1, bias=False)

    def forward(self, x: Tensor, count: int, thin: bool = False) -> Tensor:
        """Convolve.

        Args:
            x: (count * D, C, H, W).
            count: patches.
            thin: keep every second slice only, the first one first.

        Returns:
            (count * D, C', H', W'), D halved where ``thin``.
        """
        slices = x.unflatten(0, (count, -1))
        nothing = torch.zeros_like(slices[:, :1])
        below = torch.cat([nothing, slices[:, :-1]], dim=1)
        above = torch.cat([slices[:, 1:], nothing], dim=1)
        step = 2 if thin else 1
        three = torch.cat([part[:, ::step] for part in (below, slices, above)], dim=2)
        return cast(Tensor, self.plane(three.flatten(0, 1)))


class _Block(nn.Module):
    def __init__(
        self, inside: int, outside: int, reach: int = 1, halve: bool = False, thin: bool = False
    ) -> None:
        super().__init__()
        stride = 2 if halve else 1
        self.thin = thin
        self.conv = (
            SliceConv(inside, outside, stride)
            if reach
            else nn.Conv2d(inside, outside, 3, stride=stride, padding=1, bias=False)
        )
        self.norm = nn.GroupNorm(4, outside)

    def forward(self, x: Tensor, count: int) -> Tensor:
        x = self.conv(x, count, self.thin) if isinstance(self.conv, SliceConv) else self.conv(x)
        return F.silu(self.norm(_whole(x, count))).transpose(1, 2).flatten(0, 1)


class _Up(nn.Module):
    def __init__(self, inside: int, outside: int, thicken: bool, reach: int = 1) -> None:
        super().__init__()
        self.thicken = thicken
        self.narrow = nn.Conv2d(inside, outside, 1)
        self.join = _Block(outside, outside, reach)

    def forward(self, x: Tensor, skip: Tensor, count: int) -> Tensor:
        wide = F.interpolate(self.narrow(x), scale_factor=2.0, mode="nearest")
        if self.thicken:
            wide = wide.repeat_interleave(2, dim=0)
        return cast(Tensor, self.join(wide + skip, count))


def _whole(x: Tensor, count: int) -> Tensor:
    """(B * D, C, H, W) as (B, C, D, H, W), over which a patch is normalised."""
    return x.unflatten(0, (count, -1)).transpose(1, 2)


def _bump(count: int, device: torch.device) -> Tensor:
    place = torch.arange(count, device=device, dtype=torch.float32)
    return (place[:, None] - place[None]) ** 2
