"""Fields around lesions: what the corrector is trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from masam_core.inference.patch import LESION_PIXELS, Patch
from masam_core.training.prepared import PreparedCase
from masam_core.training.sources import Sources

FIELD = (24, 96, 96)
PIXEL_RANGE = (0.65, 1.7)  # times the pixel that shows the lesion as inference does
SHIFT = 0.25  # of the lesion's length, each way
THICK = 0.25  # of the fields with every second to fourth slice only


@dataclass
class Fields:
    """A batch: ``image`` (B, D, H, W) float32, ``truth`` (B, D, H, W) bool, ``z_px`` (B,)."""

    image: Tensor
    truth: Tensor
    z_px: Tensor

    def to(self, device: torch.device) -> Fields:
        """Move to a device."""
        moved = (t.to(device, non_blocking=True) for t in (self.image, self.truth, self.z_px))
        return Fields(*moved)


def draw_fields(sources: Sources, seeds: Sequence[tuple[int, ...]]) -> Fields:
    """Draw a batch, one field a seed; the same seed gives the same field."""
    drawn = [_draw(sources, seed) for seed in seeds]
    image, truth, z_px = zip(*drawn, strict=True)
    return Fields(torch.stack(image), torch.stack(truth), torch.tensor(z_px))


def _draw(sources: Sources, seed: tuple[int, ...]) -> tuple[Tensor, Tensor, float]:
    rng = np.random.default_rng(seed)
    while True:
        chosen = sources.draw(rng)
        if chosen is None:
            continue
        image, truth, z_px = field_of(chosen, rng)
        if bool(truth.any()):
            return image, truth, z_px


def field_of(
    prepared: PreparedCase, rng: np.random.Generator | None
) -> tuple[Tensor, Tensor, float]:
    """Image (D, H, W), truth (D, H, W) and ``z_px`` of a field around a lesion.

    Args:
        prepared: the lesion.
        rng: for size and place; None takes the middle, as inference does.
    """
    x0, y0, z0, x1, y1, z1 = prepared.box
    mm = np.array(prepared.frame.spacing)
    low, high = np.array([z0, y0, x0]), np.array([z1, y1, x1])
    length = high - low + 1
    pixel = max((length * mm)[1:].max() / LESION_PIXELS, 0.5 * mm[1:].min())
    centre, slices = (low + high) / 2, mm[0]
    if rng is not None:
        pixel *= np.exp(rng.uniform(*np.log(PIXEL_RANGE)))
        slices *= int(rng.integers(2, 5)) if rng.random() < THICK else 1
        centre = centre + rng.uniform(-SHIFT, SHIFT, 3) * length
        beyond = length[0] - FIELD[0] * max(slices, pixel) / mm[0]
        if beyond > 0:  # a part of a long lesion
            centre[0] += rng.uniform(-0.5, 0.5) * beyond
    slices = max(slices, pixel)
    centre = np.clip(centre, 0, np.array(prepared.slices.shape) - 1)
    if slices == mm[0]:
        centre[0] = np.floor(centre[0]) + 0.5
    patch = Patch(centre, np.array([slices, pixel, pixel]) / mm, float(slices / pixel), FIELD)
    image = torch.from_numpy(patch.extract(prepared.slices))
    share = torch.from_numpy(patch.extract(prepared.mask > 0))
    return image, share >= 0.5, patch.z_px
