"""The same field seen differently: turned, in other contrasts, with more noise."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from masam_core.model.corrector import contrast
from masam_core.training.corrections.fields import Fields

TURNED = 0.7  # of the fields
CURVED = 0.4


def vary(fields: Fields, seed: int) -> Fields:
    """Turn, scale and mirror fields within their slices, and change their grey values.

    Args:
        fields: a batch.
        seed: makes the draw repeatable on one kind of device.

    Returns:
        A batch with grey values of about 0 to 1.
    """
    image, truth = fields.image, fields.truth
    make = torch.Generator(device=image.device).manual_seed(seed)
    count, depth = image.shape[:2]

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(count, generator=make, device=image.device)

    def chosen(share: float) -> Tensor:
        return uniform(0, 1) < share

    seen = contrast(image)
    angle = torch.where(chosen(TURNED), uniform(-math.pi, math.pi), 0.0)
    size = torch.where(chosen(TURNED), uniform(0.85, 1.2), 1.0)
    mirror = torch.where(chosen(0.5), -1.0, 1.0)
    cos, sin = torch.cos(angle) / size, torch.sin(angle) / size
    nothing = torch.zeros_like(cos)
    rows = [
        torch.stack([cos * mirror, -sin, nothing], 1),
        torch.stack([sin * mirror, cos, nothing], 1),
    ]
    grid = F.affine_grid(torch.stack(rows, 1), [count, 1, *image.shape[2:]], align_corners=False)
    grid = grid.repeat_interleave(depth, dim=0)
    both = torch.stack([seen, truth.float()], dim=2).flatten(0, 1)
    turned = F.grid_sample(both, grid, padding_mode="border", align_corners=False)
    turned = turned.unflatten(0, (count, depth))
    seen, share = turned[:, :, 0], turned[:, :, 1]
    upside = chosen(0.5)[:, None, None, None]
    seen = torch.where(upside, seen.flip(1), seen)
    share = torch.where(upside, share.flip(1), share)

    def wide(values: Tensor) -> Tensor:
        return values[:, None, None, None]

    gamma = wide(torch.exp(uniform(-0.6, 0.6)))
    seen = seen.clamp(0, 1) ** gamma
    phase, waves = wide(uniform(0, 6.3)), wide(uniform(2.0, 6.0))
    curved = 0.5 + 0.5 * torch.sin(seen * waves + phase)
    seen = torch.where(wide(chosen(CURVED * 0.4)), curved, seen)
    seen = torch.where(wide(chosen(0.25)), 1 - seen, seen)
    noise = torch.randn(seen.shape, generator=make, device=seen.device)
    seen = seen + wide(torch.where(chosen(0.4), uniform(0, 0.07), 0.0)) * noise
    return Fields(seen, share >= 0.5, fields.z_px)
