"""Box prompts as users draw them, simulated from expert masks."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

Ends = tuple[int, int]


def jitter_slices(first: int, last: int, amount: float, rng: np.random.Generator) -> Ends:
    """Move the first and last slice of a box by up to ``amount`` of its length each.

    Returns:
        New first and last slice; at least one slice remains.
    """
    length = last - first + 1
    moves = np.rint(rng.uniform(-amount, amount, size=2) * length).astype(int)
    low, high = first + int(moves[0]), last + int(moves[1])
    return (low, high) if low <= high else (first, last)


def jitter_box(box: Tensor, amount: float, rng: np.random.Generator) -> Tensor:
    """Move each side of an in-plane box by up to ``amount`` of the box's length along that axis.

    Args:
        box: (4,) x0, y0, x1, y1.
        amount: fraction, e.g. 0.1.
        rng: random source.

    Returns:
        (4,) with x0 < x1 and y0 < y1.
    """
    lengths = (box[2:] - box[:2]).repeat(2)
    moves = box.new_tensor(rng.uniform(-amount, amount, size=4)) * lengths
    moved = box + moves
    return moved if bool((moved[2:] > moved[:2]).all()) else box


def box_of_mask(mask: Tensor) -> Tensor | None:
    """x0, y0, x1, y1 of a mask (H, W) in pixel coordinates of its outer edges, or None if empty.

    Pixel centres lie at integers: a mask of the single pixel (3, 5) gives 2.5, 4.5, 3.5, 5.5.
    """
    rows = mask.any(dim=1).nonzero().flatten()
    cols = mask.any(dim=0).nonzero().flatten()
    if len(rows) == 0:
        return None
    edges = (cols[0] - 0.5, rows[0] - 0.5, cols[-1] + 0.5, rows[-1] + 0.5)
    return torch.stack(edges).float()
