"""Box prompts as users draw them, simulated from expert masks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from masam_core.errors import ConfigError

Ends = tuple[int, int]


@dataclass(frozen=True)
class PromptConfig:
    """How boxes are simulated, each amount a fraction of the box's length along the axis.

    Of the boxes, the share ``tight`` is exact and the share ``loose`` has every side moved outwards
    by up to ``loosen``; the others have every side off by up to ``jitter``. The share ``per_slice``
    gives each slice the box of its own mask instead of the same box on all slices.

    Raises:
        ConfigError: a share or an amount outside its range.
    """

    jitter: float = 0.1
    tight: float = 0.3
    loose: float = 0.0
    loosen: float = 0.25
    per_slice: float = 0.0

    def __post_init__(self) -> None:
        for name, most in (("jitter", 0.4), ("loosen", 2), ("tight", 1), ("loose", 1)):
            if not 0 <= getattr(self, name) <= most:
                raise ConfigError(
                    f"Prompts: {name} is {getattr(self, name)}; expected 0 to {most}."
                )
        if not 0 <= self.per_slice <= 1 or self.tight + self.loose > 1:
            raise ConfigError("Prompts: tight + loose and per_slice are shares; expected 0 to 1.")

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
