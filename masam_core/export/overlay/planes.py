"""Axial, coronal and sagittal sections of an image, laid out as a radiologist hangs them.

Everything is in display coordinates: the canonical frame (S, P, L) of the image, voxel centres at
index times spacing, in mm. No voxel is resampled: an oblique scan is shown along its own axes,
named after the nearest anatomical ones.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from masam_core.image.geometry import closest_axes
from masam_core.lesion.diameter import convex_hull
from masam_core.lesion.plane import acquired_across

if TYPE_CHECKING:
    from masam_core.image.geometry import CanonicalFrame, Geometry
    from masam_core.lesion.lesion import Lesion
    from masam_core.prompts.boxes import BoxPrompt


@dataclass(frozen=True)
class Plane:
    """How one orientation is displayed.

    Attributes:
        name: Axial, Coronal or Sagittal.
        normal: array axis across the plane in (S, P, L) order; ``vertical`` and ``horizontal``
            are the array axes that run down and along the picture.
        upwards: whether the vertical axis grows upwards (S) rather than downwards (P).
        letters: anatomical letters at the left, right, top and bottom.
    """

    name: str
    normal: int
    vertical: int
    horizontal: int
    upwards: bool
    letters: tuple[str, str, str, str]


AXIAL = Plane("Axial", 0, 1, 2, False, ("R", "L", "A", "P"))
CORONAL = Plane("Coronal", 1, 0, 2, True, ("R", "L", "S", "I"))
SAGITTAL = Plane("Sagittal", 2, 0, 1, True, ("A", "P", "S", "I"))
PLANES = (AXIAL, CORONAL, SAGITTAL)


def display_frame(geometry: Geometry) -> CanonicalFrame:
    """The canonical frame whose array axes are (S, P, L), whatever the acquisition plane."""
    return geometry.canonical_frame(slice_axis=closest_axes(geometry.direction).index(2))


def planes_of(frame: CanonicalFrame, first: int | None = None) -> tuple[Plane, ...]:
    """The three planes, first that across the voxel axis ``first``; None: that of acquisition."""
    across = acquired_across(frame.geometry) if first is None else first
    return tuple(sorted(PLANES, key=lambda plane: frame.axes[plane.normal] != across))


def section(array: NDArray[Any], plane: Plane, index: int) -> NDArray[Any]:
    """Section of an (S, P, L) array: rows along ``vertical``, columns along ``horizontal``."""
    cut: NDArray[Any] = np.take(array, index, axis=plane.normal)
    return cut


def to_display_mm(points_ijk: NDArray[np.float64], frame: CanonicalFrame) -> NDArray[np.float64]:
    """Continuous IJK (n, 3) to display coordinates (n, 3) in mm, in (S, P, L) order."""
    return np.asarray(frame.canonical_from_ijk(points_ijk)[:, ::-1] * np.asarray(frame.spacing))


def box_outline(
    box: BoxPrompt, frame: CanonicalFrame, plane: Plane, index: int
) -> NDArray[np.float64] | None:
    """Cut of a box with a section: corners (n, 2) in mm as (horizontal, vertical), or None."""
    corners = to_display_mm(np.asarray(box.corners_ijk, dtype=np.float64), frame)
    height = corners[:, plane.normal] - index * frame.spacing[plane.normal]
    cut = []
    # The corners are numbered by the bits of i, j and k, so an edge joins numbers one bit apart.
    for a, b in itertools.combinations(range(8), 2):
        if (a ^ b) in (1, 2, 4) and height[a] * height[b] <= 0 and height[a] != height[b]:
            part = height[a] / (height[a] - height[b])
            cut.append(corners[a] + part * (corners[b] - corners[a]))
    if len(cut) < 3:
        return None
    return convex_hull(np.array(cut)[:, [plane.horizontal, plane.vertical]])


def canonical_crop(
    mask: NDArray[np.bool_], offset_kji: tuple[int, int, int], frame: CanonicalFrame
) -> tuple[NDArray[np.bool_], tuple[int, int, int]]:
    """A KJI crop of the image as an (S, P, L) crop, and the index of its first voxel there."""
    turned = mask.transpose([2 - axis for axis in frame.axes])
    offset = []
    for length, whole, axis, flip in zip(
        turned.shape, frame.shape, frame.axes, frame.flips, strict=True
    ):
        first = offset_kji[2 - axis]
        offset.append(whole - first - length if flip else first)
    s, p, left = offset
    backwards = tuple(slice(None, None, -1 if flip else None) for flip in frame.flips)
    return turned[backwards], (s, p, left)


@dataclass(frozen=True, eq=False)
class View:
    """Places of the three planes, and the cube of mm around the centre that they show.

    Attributes:
        frame: the display frame.
        index: slice of each plane, in (S, P, L) order.
        centre: middle of the cube in display mm.
        side: its edge in mm.
    """

    frame: CanonicalFrame
    index: tuple[int, int, int]
    centre: NDArray[np.float64]
    side: float

    def bounds(self, axis: int) -> tuple[float, float]:
        """First and last mm shown along an axis; within the image where the image is larger."""
        spacing, length = self.frame.spacing[axis], self.frame.shape[axis]
        first, last = -0.5 * spacing, (length - 0.5) * spacing
        low = float(self.centre[axis]) - self.side / 2
        if last - first > self.side:
            low = min(max(low, first), last - self.side)
        return low, low + self.side

    def voxels(self, axis: int) -> slice:
        """Indices of the voxels that are at least partly shown along an axis."""
        spacing, length = self.frame.spacing[axis], self.frame.shape[axis]
        low, high = self.bounds(axis)
        first = min(max(int(np.floor(low / spacing)), 0), length - 1)
        last = min(max(int(np.ceil(high / spacing)), first), length - 1)
        return slice(first, last + 1)

    def position(self, plane: Plane) -> str:
        """Position of a plane in patient coordinates as a viewer shows it: 'S 45.2 mm'."""
        point = self.centre / np.asarray(self.frame.spacing)
        point[plane.normal] = self.index[plane.normal]
        lps = self.frame.xyz_to_lps @ np.append(point[::-1], 1.0)
        toward, away, axis = (("S", "I", 2), ("P", "A", 1), ("L", "R", 0))[plane.normal]
        # Rounded first, so that -0.04 is shown as S 0.0 and not as I 0.0.
        value = round(float(lps[axis]), 1)
        return f"{toward if value >= 0 else away} {abs(value):.1f} mm"


def lesion_view(lesion: Lesion, frame: CanonicalFrame, context: float, least_mm: float) -> View:
    """Planes through a lesion and the cube around its box.

    Across the axis on which the diameter was measured the plane is that of the diameter; across the
    others it is the largest cross-section (of equal ones the one nearest the middle). An empty mask
    is shown through the middle of its box.

    Args:
        lesion: what to show.
        frame: ``display_frame`` of its image.
        context: edge of the cube as a multiple of the largest side of box and lesion.
        least_mm: smallest edge in mm.
    """
    corners = to_display_mm(np.asarray(lesion.box.corners_ijk, dtype=np.float64), frame)
    low, high = corners.min(axis=0), corners.max(axis=0)
    mask, offset = canonical_crop(lesion.mask, lesion.offset_kji, frame)
    found = lesion.measurements
    index = []
    for axis, (length, spacing) in enumerate(zip(frame.shape, frame.spacing, strict=True)):
        areas = mask.sum(axis=tuple({0, 1, 2} - {axis}), dtype=np.int64)
        occupied = np.flatnonzero(areas)
        if occupied.size == 0:
            chosen = round(float(low[axis] + high[axis]) / 2 / spacing)
        elif frame.axes[axis] == found.diameter_axis and found.diameter_slice is not None:
            flipped = length - 1 - found.diameter_slice
            chosen = flipped if frame.flips[axis] else found.diameter_slice
        else:
            largest = np.flatnonzero(areas == areas.max())
            nearest = np.argmin(np.abs(largest - occupied.mean()))
            chosen = int(largest[nearest]) + offset[axis]
        index.append(min(max(chosen, 0), length - 1))
        if occupied.size:
            low[axis] = min(low[axis], (occupied[0] + offset[axis] - 0.5) * spacing)
            high[axis] = max(high[axis], (occupied[-1] + offset[axis] + 0.5) * spacing)
    s, p, left = index
    side = max(context * float((high - low).max()), least_mm)
    # An image smaller than the cube is not shown smaller than it could be.
    side = min(side, float((np.array(frame.shape) * frame.spacing).max()))
    return View(frame, (s, p, left), (low + high) / 2, side)
