"""Synthetic lesions: blobs of any contrast in real surroundings.

Expert masks exist for few organs. A blob with a known border, put anywhere into a real volume,
teaches the network to find what differs inside the box, whatever the organ and the contrast.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from masam_core.training.cases import PreparedCase, corners_of

LENGTHS = (8.0, 70.0)  # longest in-plane diameter, voxels
CONTRAST = (0.06, 0.5)  # of the intensity range
CONTEXT_SLICES = 4
TISSUE = 0.05  # darker voxels are air


@dataclass(frozen=True)
class _Blob:
    """Where a blob lies: ``field`` (z, y, x) is below 1 inside; ``corner`` its first voxel."""

    field: NDArray[np.float32]
    corner: tuple[int, int, int]


def synthesise(prepared: PreparedCase, rng: np.random.Generator) -> PreparedCase | None:
    """A copy of part of a case with a synthetic lesion as its only lesion.

    Args:
        prepared: supplies the surroundings.
        rng: random source.

    Returns:
        The slices around the blob, whole in-plane; None where the draw fell outside tissue.
    """
    shape = prepared.slices.shape
    centre = [int(rng.integers(n)) for n in shape]
    if prepared.slices[centre[0], centre[1], centre[2]] <= TISSUE:
        return None
    blob = _draw_blob(shape, centre, prepared.frame.spacing, rng)
    inside = blob.field < 1
    if not inside.any():
        return None
    z0 = max(0, blob.corner[0] - CONTEXT_SLICES)
    z1 = min(shape[0], blob.corner[0] + blob.field.shape[0] + CONTEXT_SLICES)
    slices = prepared.slices[z0:z1].astype(np.float32)
    where = tuple(
        slice(c - offset, c - offset + n)
        for c, offset, n in zip(blob.corner, (z0, 0, 0), blob.field.shape, strict=True)
    )
    slices[where] = _paint(slices[where], blob.field, inside, rng)
    mask = np.zeros(slices.shape, dtype=bool)
    mask[where] = inside
    half = slices.astype(np.float16)
    return PreparedCase(prepared.case, half, mask, prepared.frame, corners_of(mask))


def _draw_blob(
    shape: tuple[int, ...],
    centre: list[int],
    spacing: tuple[float, float, float],
    rng: np.random.Generator,
) -> _Blob:
    """An ellipsoid, turned within the slice, its surface disturbed by smooth noise."""
    half = np.exp(rng.uniform(*np.log(LENGTHS))) / 2
    minor = half * rng.uniform(0.5, 1.0)
    depth = max(0.6, half * spacing[1] / spacing[0] * rng.uniform(0.5, 1.3))
    reach = np.ceil([1.4 * depth, 1.4 * half, 1.4 * half]).astype(int)
    low = [max(0, c - int(r)) for c, r in zip(centre, reach, strict=True)]
    high = [min(n, c + int(r) + 1) for n, c, r in zip(shape, centre, reach, strict=True)]
    z, y, x = np.meshgrid(
        *[np.arange(a, b) - c for a, b, c in zip(low, high, centre, strict=True)], indexing="ij"
    )
    angle = rng.uniform(0, np.pi)
    along = x * np.cos(angle) + y * np.sin(angle)
    across = y * np.cos(angle) - x * np.sin(angle)
    radius = np.sqrt((along / half) ** 2 + (across / minor) ** 2 + (z / depth) ** 2)
    roughness = rng.uniform(0.03, 0.3) * smooth_noise(radius.shape, int(rng.integers(3, 7)), rng)
    return _Blob((radius + roughness).astype(np.float32), (low[0], low[1], low[2]))


def _paint(
    slices: NDArray[np.float32],
    field: NDArray[np.float32],
    inside: NDArray[np.bool_],
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Blend a lesion of one mean and some texture into its surroundings."""
    around = float(slices[inside].mean())
    step = rng.uniform(*CONTRAST)
    # Away from the nearer end of the range, where the contrast would be cut off.
    level = around + step if rng.random() < 1 - around else around - step
    detail = rng.uniform(0.0, 0.6) * (slices - around)
    texture = rng.uniform(0.0, 0.08) * smooth_noise(field.shape, int(rng.integers(5, 16)), rng)
    lesion = level + detail + texture
    kind = rng.random()
    if kind < 0.2:  # a necrotic core
        lesion = np.where(field < 0.55, lesion - rng.uniform(0.05, 0.3), lesion)
    elif kind < 0.4:  # an enhancing rim
        lesion = np.where(field > 0.75, lesion + rng.uniform(0.05, 0.3), lesion)
    edge = rng.uniform(4.0, 25.0)  # how sharp the border is
    share = 1 / (1 + np.exp(-edge * (1 - field)))
    return np.clip(slices * (1 - share) + lesion * share, 0, 1).astype(np.float32)


def smooth_noise(
    shape: tuple[int, ...], knots: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Noise of unit variance at ``knots`` points an axis, trilinear in between; (z, y, x)."""
    coarse = torch.from_numpy(rng.standard_normal((1, 1, min(knots, shape[0] + 1), knots, knots)))
    fine = F.interpolate(coarse.float(), size=shape, mode="trilinear", align_corners=True)
    return np.asarray(fine[0, 0].numpy())
