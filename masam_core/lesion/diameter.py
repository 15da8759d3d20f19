"""The longest in-plane diameter of a mask and the longest chord across it (RECIST, WHO).

Both are taken on the outline of the pixels, not between their centres: a lesion of one pixel is as
long as the pixel's diagonal, and a row of n pixels of width w is n * w long along the row. In every
slice each region (pixels joined by sides or corners) is measured by itself, so that two
neighbouring nodules are not taken for one long lesion. The chord has both ends on the region's
outer outline too, and is at right angles to the diameter in mm. Like a calliper, either line may
pass over a notch of the outline.

RECIST 1.1: Eisenhauer et al., European Journal of Cancer 45, 2009.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from masam_core.late import sitk
from masam_core.lesion.cleaning import fill_enclosed

# Diameters closer than this (mm) are equal; the region with the larger area is then measured.
_TIE_MM = 1e-6


@dataclass(frozen=True, eq=False)
class Diameter:
    """The two lines. Points are continuous IJK of the mask that was measured, shape (2, 3)."""

    length_mm: float
    perpendicular_mm: float
    slice_index: int
    ends_ijk: NDArray[np.float64]
    perpendicular_ends_ijk: NDArray[np.float64]


def longest_diameter(
    mask: NDArray[np.bool_], spacing: NDArray[np.float64], slice_axis: int
) -> Diameter:
    """Longest in-plane diameter over all slices, and the chord across it.

    Args:
        mask: bool KJI, with at least one voxel set.
        spacing: voxel size in mm along i, j, k.
        slice_axis: voxel axis (0 = i, 1 = j, 2 = k) across the slices.

    Raises:
        ValueError: for an empty mask or an axis other than 0, 1 and 2.
    """
    if slice_axis not in (0, 1, 2):
        raise ValueError(f"slice_axis must be 0, 1 or 2; received {slice_axis}")
    column_axis, row_axis = (axis for axis in (0, 1, 2) if axis != slice_axis)
    slices = np.moveaxis(mask, 2 - slice_axis, 0)
    pixel = np.array([spacing[column_axis], spacing[row_axis]], dtype=np.float64)

    best_mm = -np.inf
    best: tuple[_Region, NDArray[np.float64]] | None = None
    for region in _regions(slices):
        # No line is longer than the diagonal of the region's bounding box.
        if math.hypot(*(region.size * pixel)) <= best_mm:
            continue
        corners = convex_hull(_extreme_corners(region.pixels())) * pixel
        gaps = np.linalg.norm(corners[:, None] - corners[None], axis=2)
        a, b = np.unravel_index(int(np.argmax(gaps)), gaps.shape)
        if gaps[a, b] > best_mm + _TIE_MM:
            best_mm = float(gaps[a, b])
            best = region, corners[[a, b]]
    if best is None:
        raise ValueError("an empty mask has no diameter")

    region, ends = best
    chord = widest_chord(region.pixels(), pixel, ends)

    def to_ijk(points_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        ijk = np.empty((2, 3))
        ijk[:, slice_axis] = region.slice_index
        ijk[:, [column_axis, row_axis]] = points_mm / pixel + region.origin
        return ijk

    return Diameter(
        length_mm=best_mm,
        perpendicular_mm=float(np.linalg.norm(chord[1] - chord[0])),
        slice_index=region.slice_index,
        ends_ijk=to_ijk(ends),
        perpendicular_ends_ijk=to_ijk(chord),
    )


@dataclass(frozen=True, eq=False)
class _Region:
    """One in-plane region: its slice's label image, and its own bounding box (column, row)."""

    slice_index: int
    label: int
    labels: NDArray[np.integer[Any]]
    origin: NDArray[np.int64]
    size: NDArray[np.int64]

    def pixels(self) -> NDArray[np.bool_]:
        (x, y), (width, height) = self.origin, self.size
        return np.asarray(self.labels[y : y + height, x : x + width] == self.label)


def _regions(slices: NDArray[np.bool_]) -> list[_Region]:
    """Every region of (n, rows, columns) slices, largest area first, then by slice."""
    found: list[tuple[int, _Region]] = []
    for index in np.flatnonzero(slices.any(axis=(1, 2))):
        image = sitk.GetImageFromArray(np.ascontiguousarray(slices[index]).astype(np.uint8))
        labels = sitk.GetArrayFromImage(sitk.ConnectedComponent(image, True))
        rows, columns = np.nonzero(labels)
        values = labels[rows, columns]
        areas = np.bincount(values)
        low = np.full((areas.size, 2), max(labels.shape))
        high = np.full((areas.size, 2), -1)
        for axis, place in enumerate((columns, rows)):
            np.minimum.at(low[:, axis], values, place)
            np.maximum.at(high[:, axis], values, place)
        found += [
            (int(areas[label]), _Region(int(index), label, labels, low[label], size))
            for label, size in enumerate(high - low + 1)
            if label > 0
        ]
    # A stable sort: regions of one area stay in the order of their slices.
    return [region for _, region in sorted(found, key=lambda pair: -pair[0])]


def _extreme_corners(pixels: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Outer corners (column, row) of the first and last pixel of every row: enough for a hull."""
    rows = np.flatnonzero(pixels.any(axis=1))
    left = pixels[rows].argmax(axis=1) - 0.5
    right = pixels.shape[1] - 0.5 - pixels[rows, ::-1].argmax(axis=1)
    corners = [(x, rows + half) for x in (left, right) for half in (-0.5, 0.5)]
    return np.concatenate([np.column_stack(pair) for pair in corners])


def convex_hull(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Corners of the convex hull of 2D points (n, 2), counter-clockwise, none on a straight edge.

    Andrew's monotone chain, Information Processing Letters 9, 1979.
    """
    ordered = [(float(x), float(y)) for x, y in np.unique(points, axis=0)]
    if len(ordered) <= 2:
        return np.array(ordered)

    def chain(sequence: list[tuple[float, float]]) -> list[tuple[float, float]]:
        kept: list[tuple[float, float]] = []
        for x, y in sequence:
            while len(kept) >= 2:
                (ax, ay), (bx, by) = kept[-2], kept[-1]
                if (bx - ax) * (y - ay) - (by - ay) * (x - ax) > 0:
                    break
                kept.pop()
            kept.append((x, y))
        return kept[:-1]

    return np.array(chain(ordered) + chain(ordered[::-1]))


def widest_chord(
    pixels: NDArray[np.bool_], pixel_mm: NDArray[np.float64], ends_mm: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Longest chord of a region at right angles to a line, exact for the outline of its pixels.

    Along the line, both sides of the outline are piecewise linear, so the widest place is at a
    corner of the outline: only there is the width computed.

    Args:
        pixels: (rows, columns) bool, one region.
        pixel_mm: width and height of a pixel.
        ends_mm: (2, 2) ends of the line, (column, row) in mm.

    Returns:
        (2, 2) ends of the chord, (column, row) in mm.
    """
    along = (ends_mm[1] - ends_mm[0]) / np.linalg.norm(ends_mm[1] - ends_mm[0])
    across = np.array([-along[1], along[0]])
    edges = _outline(fill_enclosed(pixels[None])[0]) * pixel_mm
    # Corners at the same place along the line must compare equal, so drop the rounding noise.
    place = np.round(edges @ along, 9)
    height = edges @ across
    backwards = place[:, 0] > place[:, 1]
    place[backwards] = place[backwards, ::-1]
    height[backwards] = height[backwards, ::-1]

    stops = np.unique(place)
    first = np.searchsorted(stops, place[:, 0], side="left")
    count = np.searchsorted(stops, place[:, 1], side="right") - first
    edge = np.repeat(np.arange(len(edges)), count)
    within = np.arange(edge.size) - np.repeat(np.cumsum(count) - count, count)
    stop = first[edge] + within
    span = place[edge, 1] - place[edge, 0]
    upright = span == 0
    part = np.where(upright, 0.0, (stops[stop] - place[edge, 0]) / np.where(upright, 1.0, span))
    at_stop = height[edge, 0] + part * (height[edge, 1] - height[edge, 0])
    top = np.full(stops.size, -np.inf)
    bottom = np.full(stops.size, np.inf)
    np.maximum.at(top, stop, np.where(upright, height[edge].max(axis=1), at_stop))
    np.minimum.at(bottom, stop, np.where(upright, height[edge].min(axis=1), at_stop))

    width = top - bottom
    widest = np.flatnonzero(width >= width.max() - _TIE_MM)
    middle = (ends_mm @ along).mean()
    best = widest[np.argmin(np.abs(stops[widest] - middle))]
    return np.array([stops[best] * along + v * across for v in (bottom[best], top[best])])


def _outline(pixels: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Pixel sides between inside and outside: (n, 2 ends, (column, row)) continuous indices."""
    padded = np.pad(pixels, 1).astype(np.int8)
    rows, columns = np.nonzero(np.diff(padded, axis=1)[1:-1])
    x = columns - 0.5
    upright = np.stack([np.column_stack([x, rows + half]) for half in (-0.5, 0.5)], axis=1)
    rows, columns = np.nonzero(np.diff(padded, axis=0)[:, 1:-1])
    y = rows - 0.5
    level = np.stack([np.column_stack([columns + half, y]) for half in (-0.5, 0.5)], axis=1)
    return np.concatenate([upright, level])
