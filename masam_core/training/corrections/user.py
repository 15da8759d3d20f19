"""A user who looks for the largest mistake and says where it is."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

SIZES = ((1, 3, 3), (3, 7, 7), (5, 15, 15))  # windows in which mistakes are counted
MIDDLE = 0.7  # of the clicks lie in the middle of the largest mistake, the others anywhere in one
SCRIBBLE = 0.25  # of the corrections are lines of up to
REACH = 14  # pixels


def correct(truth: Tensor, mask: Tensor, seed: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Say once where a mask is wrong.

    Args:
        truth: (B, D, H, W) bool.
        mask: (B, D, H, W) bool.
        seed: makes the draw repeatable on one kind of device.

    Returns:
        Positive and negative prompt (B, D, H, W) bool, empty where nothing is wrong; the place
        (B, 3) of the click; whether there was a mistake (B,).
    """
    make = torch.Generator(device=truth.device).manual_seed(seed)
    wrong = truth ^ mask
    score = thickness(truth & ~mask) + thickness(mask & ~truth)
    flat = score.flatten(1)
    found = flat.amax(dim=1) > 0
    anywhere = torch.multinomial(flat.clamp(min=0) + (~found)[:, None], 1, generator=make)[:, 0]
    middle = torch.rand(len(truth), generator=make, device=truth.device) < MIDDLE
    index = torch.where(middle, flat.argmax(dim=1), anywhere)
    rows, cols = truth.shape[2:]
    place = torch.stack([index // (rows * cols), index // cols % rows, index % cols], dim=1)
    said = torch.zeros_like(truth)
    draws = torch.rand(len(truth), generator=make, device=truth.device).tolist()
    for number, (z, y, x) in enumerate(place.tolist()):
        if score[number, z, y, x] == 0:
            continue
        said[number, z, y, x] = True
        if draws[number] < SCRIBBLE:
            alike = wrong[number, z] & (truth[number, z] == truth[number, z, y, x])
            _scribble(said[number, z], alike, y, x, make)
    return said & truth, said & ~truth, place, found


def thickness(wrong: Tensor) -> Tensor:
    """How deep in a mistake each of its voxels lies: (B, D, H, W), 0 elsewhere."""
    count = wrong.float()[:, None]
    total = torch.zeros_like(count)
    for size in SIZES:
        mean = count
        for axis, width in enumerate(size):  # one axis after the other is far less work
            window = [width if a == axis else 1 for a in range(3)]
            padding = [n // 2 for n in window]
            mean = F.avg_pool3d(mean, window, 1, padding, count_include_pad=False)
        total = total + mean
    return (total * count)[:, 0]


def _scribble(said: Tensor, alike: Tensor, y: int, x: int, make: torch.Generator) -> None:
    """Draw a line from a click to another place of the same mistake; ``said`` (H, W) is changed."""
    places = alike.nonzero()
    near = places[((places - places.new_tensor([y, x])).abs() <= REACH).all(dim=1)]
    if not len(near):
        return
    pick = int(torch.randint(len(near), (), generator=make, device=near.device))
    ends = near[pick].tolist()
    steps = max(abs(ends[0] - y), abs(ends[1] - x), 1)
    for step in range(steps + 1):
        row = round(y + (ends[0] - y) * step / steps)
        col = round(x + (ends[1] - x) * step / steps)
        if alike[row, col]:
            said[row, col] = True
