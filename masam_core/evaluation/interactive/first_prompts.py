"""First prompts as users give them, made from an expert mask."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from masam_core.image.geometry import CanonicalFrame, Geometry
from masam_core.lesion.crops import tight_box
from masam_core.prompts.boxes import BoxPrompt
from masam_core.prompts.first import FirstPrompt, LinePrompt, PointPrompt, SliceBoxPrompt

LOOSE = 0.2  # of the lesion's length, added on every side
HELD = 0.6  # of the lesion's length that a box which cuts keeps, along its longest axis
MOST_POINTS = 400  # of an outline, among which the longest diameter is looked for

Mask = NDArray[np.bool_]


def box(expert: Mask, geometry: Geometry) -> FirstPrompt:
    """The tight 3D box of a mask (KJI)."""
    return BoxPrompt.from_voxels(*tight_box(expert))


def loose_box(expert: Mask, geometry: Geometry) -> FirstPrompt:
    """A 3D box that is larger than the mask by :data:`LOOSE` on every side."""
    ends = np.array(tight_box(expert), np.float64).reshape(3, 2)
    by = np.rint(LOOSE * (ends[:, 1] - ends[:, 0] + 1))
    most = np.array(geometry.size_ijk) - 1
    low, high = np.maximum(ends[:, 0] - by, 0), np.minimum(ends[:, 1] + by, most)
    return BoxPrompt.from_voxels(*np.stack([low, high], axis=1).ravel())


def cutting_box(expert: Mask, geometry: Geometry) -> FirstPrompt:
    """A 3D box that ends within the lesion at one end of its longest side."""
    ends = np.array(tight_box(expert), np.float64).reshape(3, 2)
    length = (ends[:, 1] - ends[:, 0] + 1) * geometry.spacing
    axis = int(length.argmax())
    count = ends[axis, 1] - ends[axis, 0] + 1
    ends[axis, 1] = ends[axis, 0] + max(1.0, np.rint(HELD * count)) - 1
    return BoxPrompt.from_voxels(*ends.ravel())


def line(expert: Mask, geometry: Geometry) -> FirstPrompt:
    """The longest diameter on the slice where it is longest among the largest slices."""
    frame = geometry.canonical_frame()
    on, plane = _largest_slice(expert, frame)
    _, row_mm, col_mm = frame.spacing
    places = np.argwhere(plane & ~ndimage.binary_erosion(plane)).astype(np.float64)
    places = places[:: max(1, len(places) // MOST_POINTS)]
    mm = places * [row_mm, col_mm]
    apart = ((mm[:, None] - mm[None]) ** 2).sum(axis=-1)
    one, other = np.unravel_index(int(apart.argmax()), apart.shape)
    ends = places[[one, other]]
    if one == other:  # a single voxel: its own width
        ends = ends + np.array([[0.0, -0.5], [0.0, 0.5]])
    return LinePrompt(_lps(on, ends, frame))


def slice_box(expert: Mask, geometry: Geometry) -> FirstPrompt:
    """The tight rectangle on the slice where the lesion is largest."""
    frame = geometry.canonical_frame()
    on, plane = _largest_slice(expert, frame)
    rows, cols = (np.flatnonzero(plane.any(axis=axis)) for axis in (1, 0))
    y0, y1, x0, x1 = rows[0] - 0.5, rows[-1] + 0.5, cols[0] - 0.5, cols[-1] + 0.5
    corners = np.array([[y0, x0], [y0, x1], [y1, x1], [y1, x0]])
    return SliceBoxPrompt(_lps(on, corners, frame))


def click(expert: Mask, geometry: Geometry) -> FirstPrompt:
    """The place deepest in the lesion."""
    distance = ndimage.distance_transform_edt(np.pad(expert, 1), geometry.spacing[::-1])
    deepest = np.unravel_index(int(distance.argmax()), distance.shape)
    ijk = np.array(deepest[::-1], np.float64) - 1
    return PointPrompt(geometry.lps_from_ijk(ijk[None])[0])


FIRST_PROMPTS: dict[str, Callable[[Mask, Geometry], FirstPrompt]] = {
    "box": box,
    "loose box": loose_box,
    "cutting box": cutting_box,
    "line": line,
    "2D box": slice_box,
    "click": click,
}


def _largest_slice(expert: Mask, frame: CanonicalFrame) -> tuple[int, Mask]:
    """Number of the slice with the most lesion, and its largest piece of lesion."""
    canonical = frame.to_canonical(expert)
    on = int(canonical.sum(axis=(1, 2)).argmax())
    pieces, count = ndimage.label(canonical[on], np.ones((3, 3)))
    sizes = ndimage.sum_labels(canonical[on], pieces, range(1, count + 1))
    return on, pieces == 1 + int(np.argmax(sizes))


def _lps(on: int, places: NDArray[np.float64], frame: CanonicalFrame) -> NDArray[np.float64]:
    """Rows and columns (n, 2) of a canonical slice in LPS mm (n, 3)."""
    xyz = np.column_stack([places[:, 1], places[:, 0], np.full(len(places), float(on))])
    return frame.geometry.lps_from_ijk(frame.ijk_from_canonical(xyz))
