"""The voxels that brush and eraser touch, as discs in a slice or as balls."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from masam_core.image.geometry import Geometry

from .lesions import LesionEntry
from .segments import Mask, Offset, readSegment

DISC, BALL = "disc", "sphere"
_NEAR_MM = 1e-6  # a voxel at the very rim counts, whatever transforms have rounded


def wholeMask(lesion: LesionEntry, geometry: Geometry) -> Mask:
    """A lesion's segment on its volume's whole grid (KJI); empty where it has none."""
    whole = np.zeros(geometry.shape, dtype=bool)
    if lesion.segment is not None:
        mask, (k, j, i) = readSegment(lesion.segmentation, str(lesion.segmentId), lesion.volume)
        depth, rows, cols = mask.shape
        whole[k : k + depth, j : j + rows, i : i + cols] = mask
    return whole


def touchedBy(
    geometry: Geometry, points: np.ndarray, radius: float, normal: np.ndarray | None
) -> Mask:
    """The voxels (bool KJI, the whole image) that a whole stroke touches.

    Args:
        geometry: of the volume.
        points: (n, 3) RAS of the volume itself, mm, where the brush was, in its order.
        radius: mm.
        normal: (3,) across the slice that is painted in; None paints with a ball.
    """
    out = np.zeros(geometry.shape, dtype=bool)
    path = points if len(points) > 1 else np.vstack([points, points])
    for start, end in pairwise(path):
        where, touched = capsule(geometry, start, end, normal, radius)
        out[where] |= touched
    return out


def capsule(
    geometry: Geometry,
    start: np.ndarray,
    end: np.ndarray,
    normal: np.ndarray | None,
    radius: float,
) -> tuple[tuple[slice, slice, slice], np.ndarray]:
    """Voxels, of a slice or of the volume, that are no further than a radius from a line.

    A voxel belongs to the slice whose plane cuts it along the normal; the voxels nearest to the
    line's ends always count, so that the smallest brush still paints.

    Args:
        start, end: (3,) RAS of the volume itself, mm.
        normal: (3,) across the slice, of any length; None for no slice, but the volume.
        radius: mm.

    Returns:
        A KJI crop of the volume, and a bool array of its shape.
    """
    ends = geometry.ijk_from_ras(np.stack([start, end]))
    reach = radius / geometry.spacing + 1
    size = np.array(geometry.size_ijk)
    low = np.clip(np.floor(ends.min(axis=0) - reach), 0, size).astype(int)
    high = np.clip(np.ceil(ends.max(axis=0) + reach) + 1, low, size).astype(int)
    where = tuple(slice(int(a), int(b)) for a, b in zip(low[::-1], high[::-1], strict=True))
    k, j, i = np.mgrid[where]
    voxels = geometry.ras_from_ijk(np.stack([i, j, k], axis=-1).reshape(-1, 3).astype(float))
    line = end - start
    length = float(line @ line)
    along = np.clip((voxels - start) @ line / length, 0, 1) if length > 0 else np.zeros(len(voxels))
    away = voxels - (start + along[:, None] * line)
    if normal is None:
        inside = np.linalg.norm(away, axis=1) <= radius + _NEAR_MM
    else:
        normal = normal / np.linalg.norm(normal)
        across = away @ normal
        steps = np.abs(geometry.ras_from_ijk(np.eye(3)) - geometry.ras_from_ijk(np.zeros((1, 3))))
        thickness = float((steps @ np.abs(normal)).max())
        inside = np.linalg.norm(away - across[:, None] * normal, axis=1) <= radius + _NEAR_MM
        inside &= np.abs(across) <= thickness / 2 + _NEAR_MM
    for index in np.rint(ends).astype(int):
        if ((index >= low) & (index < high)).all():
            i0, j0, k0 = index - low
            rows, cols = high[1] - low[1], high[0] - low[0]
            inside[(k0 * rows + j0) * cols + i0] = True
    return (where[0], where[1], where[2]), inside.reshape(k.shape)


def cropped(mask: Mask) -> tuple[Mask, Offset]:
    """The tight crop; one empty voxel where nothing is left."""
    found = [np.flatnonzero(mask.any(axis=axes)) for axes in ((1, 2), (0, 2), (0, 1))]
    if not len(found[0]):
        return np.zeros((1, 1, 1), dtype=bool), (0, 0, 0)
    low, high = [int(f[0]) for f in found], [int(f[-1]) + 1 for f in found]
    crop = mask[low[0] : high[0], low[1] : high[1], low[2] : high[2]]
    return crop, (low[0], low[1], low[2])
