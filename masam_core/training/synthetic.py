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

from masam_core.training.prepared import PreparedCase, corners_of

LENGTHS = (8.0, 70.0)  # longest in-plane diameter, voxels
CONTRAST = (0.06, 0.5)  # of the intensity range
FAINT_FRACTION = 0.2  # lesions of less contrast: where little can be seen, the box must speak
CONTEXT_SLICES = 4
TISSUE = 0.05  # darker voxels are air
AIR_FRACTION = 0.15  # of the draws in air that are kept: nodules in lung
IMAGINED_FRACTION = 0.3  # lesions in surroundings that exist nowhere
DISTRACTOR_FRACTION = 0.25  # samples with a second blob that is not the lesion
REACH = 2.2  # of the half axes, to hold satellites and what leans


@dataclass(frozen=True)
class _Blob:
    """Blob and its place: ``field`` (z, y, x) is below 1 inside; ``corner`` its first voxel."""

    field: NDArray[np.float32]
    corner: tuple[int, int, int]

    def within(self, first_slice: int) -> tuple[slice, ...]:
        """Its place in an array that begins at a slice."""
        starts = (self.corner[0] - first_slice, *self.corner[1:])
        return tuple(slice(a, a + n) for a, n in zip(starts, self.field.shape, strict=True))


def synthesise(prepared: PreparedCase, rng: np.random.Generator) -> PreparedCase | None:
    """A copy of part of a case with a synthetic lesion as its only lesion.

    Args:
        prepared: supplies the surroundings, or (in a part of the draws) only their size.
        rng: random source.

    Returns:
        The slices around the blob, whole in-plane; None where the draw fell outside tissue.
    """
    shape = prepared.slices.shape
    centre = [int(rng.integers(n)) for n in shape]
    imagined = rng.random() < IMAGINED_FRACTION
    in_air = prepared.slices[centre[0], centre[1], centre[2]] <= TISSUE
    if in_air and not imagined and rng.random() >= AIR_FRACTION:
        return None
    blob = _draw_blob(shape, centre, prepared.frame.spacing, rng)
    inside = blob.field < 1
    if not inside.any():
        return None
    z0 = max(0, blob.corner[0] - CONTEXT_SLICES)
    z1 = min(shape[0], blob.corner[0] + blob.field.shape[0] + CONTEXT_SLICES)
    slices = prepared.slices[z0:z1].astype(np.float32)
    if imagined:
        slices = _imagine(slices.shape, rng)
    if rng.random() < DISTRACTOR_FRACTION:
        _distract(slices, blob, z0, prepared.frame.spacing, rng)
    where = blob.within(z0)
    slices[where] = _paint(slices[where], blob.field, inside, rng)
    mask = np.zeros(slices.shape, dtype=bool)
    mask[where] = inside
    half = slices.astype(np.float16)
    return PreparedCase(prepared.case, half, mask, prepared.frame, corners_of(mask))


def _distract(
    slices: NDArray[np.float32],
    blob: _Blob,
    first_slice: int,
    spacing: tuple[float, float, float],
    rng: np.random.Generator,
) -> None:
    """Paint a blob that is not the lesion near it into ``slices``, which begin at a slice.

    The lesion is painted after it, so where they overlap the lesion is in front.
    """
    start = (blob.corner[0] - first_slice, *blob.corner[1:])
    centre = [
        int(np.clip(c + n // 2 + rng.integers(-n, n + 1) // 2, 0, size - 1))
        for c, n, size in zip(start, blob.field.shape, slices.shape, strict=True)
    ]
    other = _draw_blob(slices.shape, centre, spacing, rng)
    inside = other.field < 1
    if inside.any():
        where = other.within(0)
        slices[where] = _paint(slices[where], other.field, inside, rng)


def _draw_blob(
    shape: tuple[int, ...],
    centre: list[int],
    spacing: tuple[float, float, float],
    rng: np.random.Generator,
) -> _Blob:
    """An ellipsoid that leans and bends from slice to slice, with satellites or a bite missing,
    its surface disturbed by smooth noise."""
    half = np.exp(rng.uniform(*np.log(LENGTHS))) / 2
    depth = max(0.6, half * spacing[1] / spacing[0] * rng.uniform(0.5, 1.6))
    reach = np.ceil([1.4 * depth, REACH * half, REACH * half]).astype(int)
    low = [max(0, c - int(r)) for c, r in zip(centre, reach, strict=True)]
    high = [min(n, c + int(r) + 1) for n, c, r in zip(shape, centre, reach, strict=True)]
    axes = [np.arange(a, b) - c for a, b, c in zip(low, high, centre, strict=True)]
    z, y, x = (a.astype(np.float32) for a in np.meshgrid(*axes, indexing="ij"))
    u = z / depth
    scale = rng.uniform(0.55, 1.0)  # leaves room for what is added
    if rng.random() < 0.6:  # oblique, and a little curved; some are tubes across their box
        tube = rng.random() < 0.3
        scale *= 0.6 if tube else 1.0
        lean, bend = rng.normal(0, 1.0 if tube else 0.5, size=(2, 2)) * half
        x = x - lean[0] * u - 0.5 * bend[0] * u**2
        y = y - lean[1] * u - 0.5 * bend[1] * u**2
    field = _ellipsoid(u, y, x, half * scale, rng)
    kind = rng.random()
    if kind < 0.4:  # further parts, joined or apart
        if kind < 0.15:  # or nothing but parts: the middle of the box may hold no lesion
            field = np.full_like(field, np.inf)
        for _ in range(int(rng.integers(2, 5) if kind < 0.15 else rng.integers(1, 4))):
            off = rng.uniform(-1, 1, size=3) * (0.8, 1.1 * half, 1.1 * half)
            part = _ellipsoid(
                (u - off[0]) * rng.uniform(1.2, 2.5),
                y - off[1],
                x - off[2],
                half * rng.uniform(0.25, 0.6),
                rng,
            )
            field = np.minimum(field, part)
    elif kind < 0.55:  # a bite: crescents and dents
        off = rng.uniform(-1, 1, size=3) * (0.5, half, half)
        bite = _ellipsoid(u - off[0], y - off[1], x - off[2], half * rng.uniform(0.4, 0.9), rng)
        field = np.maximum(field, 2 - bite)
    rough = rng.uniform(0.03, 0.3) if rng.random() < 0.75 else rng.uniform(0.3, 0.6)
    noise = smooth_noise(field.shape, int(rng.integers(3, 9)), rng)
    return _Blob((field + rough * noise).astype(np.float32), (low[0], low[1], low[2]))


def _ellipsoid(
    u: NDArray[np.float32],
    y: NDArray[np.float32],
    x: NDArray[np.float32],
    half: float,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Radius of an ellipsoid turned within the slice: 1 on its surface; u is z over its depth."""
    minor = half * rng.uniform(0.45, 1.0)
    angle = rng.uniform(0, np.pi)
    along = x * np.cos(angle) + y * np.sin(angle)
    across = y * np.cos(angle) - x * np.sin(angle)
    return np.asarray(np.sqrt((along / half) ** 2 + (across / minor) ** 2 + u**2))


def _imagine(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float32]:
    """Surroundings of random compartments with random grey values and textures.

    After Billot et al. 2023 (SynthSeg): what never looks alike teaches contrast, not anatomy.
    """
    count = int(rng.integers(2, 7))
    score = np.full(shape, -np.inf, dtype=np.float32)
    image = np.zeros(shape, dtype=np.float32)
    for _ in range(count):
        noise = smooth_noise(shape, int(rng.integers(3, 12)), rng)
        image = np.where(noise > score, np.float32(rng.uniform(0, 1)), image)
        score = np.maximum(score, noise)
    texture = rng.uniform(0, 0.08) * smooth_noise(shape, int(rng.integers(12, 40)), rng)
    grain = rng.uniform(0, 0.05) * rng.standard_normal(shape, dtype=np.float32)
    return np.clip(image + texture + grain, 0, 1).astype(np.float32)


def _paint(
    slices: NDArray[np.float32],
    field: NDArray[np.float32],
    inside: NDArray[np.bool_],
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Blend a lesion of one mean and some texture into its surroundings."""
    around = float(np.clip(slices[inside], 0, 1).mean())
    faint = rng.random() < FAINT_FRACTION
    step = rng.uniform(0, CONTRAST[0]) if faint else rng.uniform(*CONTRAST)
    # Away from the nearer end of the range, where the contrast would be cut off.
    level = around + step if rng.random() < 1 - around else around - step
    detail = rng.uniform(0.0, 0.6) * (np.clip(slices, 0, 1) - around)
    texture = rng.uniform(0.0, 0.08) * smooth_noise(field.shape, int(rng.integers(5, 16)), rng)
    lesion = level + detail + texture
    kind = rng.random()
    if kind < 0.2:  # a necrotic core
        lesion = np.where(field < 0.55, lesion - rng.uniform(0.05, 0.3), lesion)
    elif kind < 0.4:  # an enhancing rim
        lesion = np.where(field > 0.75, lesion + rng.uniform(0.05, 0.3), lesion)
    edge = rng.uniform(4.0, 25.0)  # how sharp the border is
    share = 1 / (1 + np.exp(np.clip(edge * (field - 1), -30, 30)))
    return np.asarray(slices * (1 - share) + lesion * share, dtype=np.float32)


def smooth_noise(
    shape: tuple[int, ...], knots: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Noise of unit variance at ``knots`` points an axis, linear in between; shape (y, x) or
    (z, y, x)."""
    flat = len(shape) == 2
    grid = (knots, knots) if flat else (min(knots, shape[0] + 1), knots, knots)
    coarse = torch.from_numpy(rng.standard_normal((1, 1, *grid))).float()
    mode = "bilinear" if flat else "trilinear"
    fine = F.interpolate(coarse, size=tuple(shape), mode=mode, align_corners=True)
    return np.asarray(fine[0, 0].numpy())
