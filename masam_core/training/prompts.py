"""Box prompts as users draw them, simulated from expert masks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from masam_core.errors import ConfigError
from masam_core.inference.on_slice import SHORT_AXIS

Ends = tuple[int, int]
MOST_POINTS = 300  # of an outline, among which the longest diameter is looked for


@dataclass(frozen=True)
class PromptConfig:
    """How boxes are simulated, each amount a fraction of the box's length along the axis.

    Of the boxes, the share ``tight`` is exact and the share ``loose`` has every side moved outwards
    by up to ``loosen``; the others have every side off by up to ``jitter``. The share ``per_slice``
    gives each slice the box of its own mask instead of the same box on all slices. The share
    ``cut`` cuts the lesion on one or two sides by up to ``cut_by``, and the network is to find what
    lies beyond. The share ``open`` are prompts on one slice (a 2D box, or a line along the longest
    diameter): nobody says on which other slices there is lesion.

    Raises:
        ConfigError: a share or an amount outside its range.
    """

    jitter: float = 0.1
    tight: float = 0.3
    loose: float = 0.0
    loosen: float = 0.25
    per_slice: float = 0.0
    cut: float = 0.0
    cut_by: float = 0.5
    open: float = 0.0

    def __post_init__(self) -> None:
        limits = {"jitter": 0.4, "loosen": 2, "tight": 1, "loose": 1, "cut_by": 0.8}
        for name, most in limits.items():
            if not 0 <= getattr(self, name) <= most:
                raise ConfigError(
                    f"Prompts: {name} is {getattr(self, name)}; expected 0 to {most}."
                )
        shares = (
            self.per_slice,
            self.tight + self.loose,
            self.cut + self.open,
            self.cut,
            self.open,
        )
        if not all(0 <= share <= 1 for share in shares):
            raise ConfigError(
                "Prompts: tight + loose, cut + open and per_slice are shares; expected 0 to 1."
            )

    def draw(self, rng: np.random.Generator) -> Offset:
        """How the sides of one box are off."""
        kind = rng.random()
        if kind < self.tight:
            return Offset(0.0, 0.0)
        if kind < self.tight + self.loose:
            return Offset(0.0, self.loosen)
        return Offset(-self.jitter, self.jitter)


@dataclass(frozen=True)
class Offset:
    """Each side moves outwards by ``low`` to ``high`` of the box's length; negative is inwards."""

    low: float
    high: float

    def move_slices(self, first: int, last: int, rng: np.random.Generator) -> Ends:
        """New first and last slice; at least one slice remains."""
        length = last - first + 1
        moves = np.rint(rng.uniform(self.low, self.high, size=2) * length).astype(int)
        low, high = first - int(moves[0]), last + int(moves[1])
        return (low, high) if low <= high else (first, last)

    def move_box(self, box: Tensor, rng: np.random.Generator) -> Tensor:
        """A box (4,) x0, y0, x1, y1 with its sides moved; x0 < x1 and y0 < y1."""
        lengths = (box[2:] - box[:2]).repeat(2)
        outwards = box.new_tensor([-1.0, -1.0, 1.0, 1.0])
        moved = box + outwards * box.new_tensor(rng.uniform(self.low, self.high, 4)) * lengths
        return moved if bool((moved[2:] > moved[:2]).all()) else box


def cut_box(box: Sequence[int], most: float, rng: np.random.Generator) -> tuple[int, ...]:
    """A voxel box with one or two sides moved inwards.

    Args:
        box: x0, y0, z0, x1, y1, z1, both ends included.
        most: share of its length by which a side moves at most (at least a tenth).
        rng: random source.

    Returns:
        The smaller box; at least one voxel remains along each axis.
    """
    out = list(box)
    for side in rng.choice(6, size=int(rng.integers(1, 3)), replace=False):
        axis, upper = int(side) % 3, side >= 3
        length = out[axis + 3] - out[axis] + 1
        by = min(round(rng.uniform(0.1, most) * length), length - 1)
        out[side] += -by if upper else by
    return tuple(out)


def diameter_box(
    mask: NDArray[np.bool_], rng: np.random.Generator
) -> tuple[float, float, float, float] | None:
    """The box that a reader's line suggests: of an ellipse along the longest diameter.

    Its short axis is the extent across it, as of a perpendicular line, or (half of the time, where
    there is none) :data:`SHORT_AXIS` of the long one.

    Args:
        mask: (H, W).
        rng: random source.

    Returns:
        x0, y0, x1, y1 in pixel coordinates; None for an empty mask.
    """
    edge = mask & ~ndimage.binary_erosion(mask)
    points = np.argwhere(edge).astype(np.float64)
    if len(points) == 0:
        return None
    points = points[rng.permutation(len(points))[:MOST_POINTS]]
    apart = ((points[:, None] - points[None]) ** 2).sum(axis=-1)
    one, other = np.unravel_index(int(apart.argmax()), apart.shape)
    along = points[other] - points[one]
    long = float(np.linalg.norm(along)) + 1.0
    unit = along / max(float(np.linalg.norm(along)), 1e-6)
    across = points @ np.array([-unit[1], unit[0]])
    short = float(np.ptp(across)) + 1.0 if rng.random() < 0.5 else SHORT_AXIS * long
    centre = (points[one] + points[other]) / 2
    half = np.sqrt((long / 2 * unit) ** 2 + (short / 2 * unit[::-1]) ** 2)
    (y0, x0), (y1, x1) = centre - half, centre + half
    return float(x0), float(y0), float(x1), float(y1)


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
