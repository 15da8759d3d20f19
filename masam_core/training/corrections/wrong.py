"""Masks that are wrong in the ways in which masks are wrong."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from masam_core.model.corrector import contrast

EMPTY = 0.06  # of the masks: nothing was found yet
CUT = 0.3  # flat, as by a box that is too small
JUMP = 0.2  # beside the lesion from some slice on
LEAK = 0.55  # into what looks alike
ENDS = 0.3  # too few or too many slices


def wrong_masks(image: Tensor, truth: Tensor, z_px: Tensor, seed: int) -> Tensor:
    """Probabilities of masks that are wrong in one or several ways.

    Args:
        image: (B, D, H, W).
        truth: (B, D, H, W) bool.
        z_px: (B,) distance of slices over that of pixels.
        seed: makes the draw repeatable on one kind of device.

    Returns:
        (B, D, H, W) in [0, 1].
    """
    make = torch.Generator(device=truth.device).manual_seed(seed)
    count = len(truth)

    def uniform(low: float, high: float) -> Tensor:
        drawn = torch.rand(count, generator=make, device=truth.device)
        return (low + (high - low) * drawn)[:, None, None, None]

    def chosen(share: float) -> Tensor:
        return uniform(0, 1) < share

    score = blur(truth.float(), z_px, uniform(1.0, 4.0)) - 0.5
    rough = torch.where(chosen(0.5), _noise(truth, 6, make), _noise(truth, 12, make))
    score = score + uniform(-0.12, 0.12) + uniform(0.0, 0.4) * rough
    score = torch.where(chosen(LEAK), _leak(image, truth, z_px, score, make), score)
    score = torch.where(chosen(ENDS), _ends(truth, score, make), score)
    score = torch.where(chosen(JUMP), _jump(score, make), score)
    score = torch.where(chosen(CUT), _cut(truth, score, make), score)
    probability = torch.sigmoid(uniform(8, 30) * score)
    return torch.where(chosen(EMPTY), 0.02, probability)


def blur(values: Tensor, z_px: Tensor, width: Tensor) -> Tensor:
    """Gaussian mean, as wide across slices as within, in mm.

    Args:
        values: (B, D, H, W).
        z_px: (B,).
        width: (B, 1, 1, 1) standard deviation in pixels.
    """
    out = values
    for axis, scale in ((1, z_px), (2, torch.ones_like(z_px)), (3, torch.ones_like(z_px))):
        place = torch.arange(values.shape[axis], device=values.device, dtype=torch.float32)
        apart = (place[:, None] - place[None])[None] * scale.float()[:, None, None]
        weights = torch.exp(-(apart**2) / (2 * width[:, 0] ** 2))
        weights = weights / weights.sum(dim=2, keepdim=True)
        moved = out.movedim(axis, 1).flatten(2)
        out = torch.bmm(weights, moved).unflatten(2, out.movedim(axis, 1).shape[2:])
        out = out.movedim(1, axis)
    return out


def _noise(like: Tensor, knots: int, make: torch.Generator) -> Tensor:
    shape = (len(like), 1, max(2, knots // 2), knots, knots)
    coarse = torch.randn(shape, generator=make, device=like.device)
    fine = F.interpolate(coarse, size=like.shape[1:], mode="trilinear", align_corners=True)
    return fine[:, 0]


def _leak(
    image: Tensor, truth: Tensor, z_px: Tensor, score: Tensor, make: torch.Generator
) -> Tensor:
    """Spread into places beside the lesion that look like it, and out of what does not."""
    seen = contrast(image)
    size = truth.sum(dim=(1, 2, 3), keepdim=True).clamp(min=1)
    mean = (seen * truth).sum(dim=(1, 2, 3), keepdim=True) / size
    alike = torch.exp(-(((seen - mean) / 0.12) ** 2))
    near = blur(truth.float(), z_px, torch.full_like(mean, 9.0)).mul(3).clamp(max=1)
    where = torch.sigmoid(6 * (_noise(truth, 5, make) - 0.2))
    return score + where * near * (1.1 * alike - 0.35)


def _ends(truth: Tensor, score: Tensor, make: torch.Generator) -> Tensor:
    """Slices at one end lost, or those of the end repeated beyond it."""
    depth = truth.shape[1]
    held = truth.flatten(2).any(dim=2)
    place = torch.arange(depth, device=truth.device)[None]
    last = torch.where(held, place, -1).amax(dim=1, keepdim=True)
    first = torch.where(held, place, depth).amin(dim=1, keepdim=True)
    drawn = torch.rand(len(truth), 2, generator=make, device=truth.device)
    upper = drawn[:, :1] < 0.5
    by = (drawn[:, 1:] * 1.2 - 0.6) * (last - first + 1)  # below 0: slices too many
    end = torch.where(upper, last - by, first + by).round().long().clamp(0, depth - 1)
    source = torch.where(upper, torch.minimum(place, end), torch.maximum(place, end))
    repeated = torch.where(upper, torch.minimum(place, last), torch.maximum(place, first))
    within = torch.where(upper, place <= end, place >= end)
    index = torch.where(by < 0, repeated, source).clamp(0, depth - 1)
    index = index[:, :, None, None].expand_as(score)
    return torch.where(within[:, :, None, None], score.gather(1, index), -0.6)


def _jump(score: Tensor, make: torch.Generator) -> Tensor:
    """Moved within the slice, from some slice on."""
    count, depth, rows, cols = score.shape
    drawn = torch.rand(count, 3, generator=make, device=score.device)
    moved = torch.stack(
        [
            torch.roll(one, (round((a - 0.5) * rows / 2), round((b - 0.5) * cols / 2)), (1, 2))
            for one, a, b in zip(score, drawn[:, 0].tolist(), drawn[:, 1].tolist(), strict=True)
        ]
    )
    start = (drawn[:, 2] * depth)[:, None, None, None]
    place = torch.arange(depth, device=score.device)[None, :, None, None]
    return torch.where(place >= start, moved, score)


def _cut(truth: Tensor, score: Tensor, make: torch.Generator) -> Tensor:
    """Nothing beyond a plane through the lesion."""
    normal = torch.randn(len(truth), 3, generator=make, device=truth.device)
    normal = F.normalize(normal, dim=1)
    axes = [torch.linspace(-1, 1, n, device=truth.device) for n in truth.shape[1:]]
    grid = torch.stack(torch.meshgrid(*axes, indexing="ij"))
    along = torch.einsum("bc,cdhw->bdhw", normal, grid)
    inside = truth.flatten(1)
    values = along.flatten(1)
    low = torch.where(inside, values, 9.0).amin(dim=1)
    high = torch.where(inside, values, -9.0).amax(dim=1)
    share = 0.3 + 0.6 * torch.rand(len(truth), generator=make, device=truth.device)
    limit = (low + share * (high - low))[:, None, None, None]
    return torch.where(along > limit, -0.6, score)
