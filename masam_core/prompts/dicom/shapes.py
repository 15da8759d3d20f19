"""Shapes that readers draw on images, as prompts: lines, ellipses, outlines, points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from masam_core.errors import BoxError
from masam_core.image.formats.dicom.origin import grid_of_images
from masam_core.image.geometry import Geometry
from masam_core.prompts.first import (
    SHORTEST_MM,
    LinePrompt,
    OpenPrompt,
    PointPrompt,
    SliceBoxPrompt,
)

Points = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Shape:
    """One drawn shape.

    Attributes:
        kind: DICOM's word: POINT, MULTIPOINT, POLYLINE, POLYGON, INTERPOLATED, CIRCLE, ELLIPSE.
        points: (n, 3) LPS mm, as DICOM orders them.
        role: ``long`` or ``short``, of a lesion's diameters; empty where it is not said.
    """

    kind: str
    points: Points
    role: str = ""


def pixels_to_lps(data: Sequence[float], number: int, geometry: Geometry) -> Points:
    """Positions on an image (column, row; the first pixel's corner is 0) as (n, 3) LPS mm.

    Args:
        data: pairs of numbers, one after the other.
        number: of the slice along k.
        geometry: of the volume.

    Raises:
        BoxError: numbers that are no pairs.
    """
    values = np.array(data, dtype=np.float64)
    if values.size == 0 or values.size % 2 or not np.isfinite(values).all():
        raise BoxError(f"A shape has {values.size} coordinates; expected pairs of finite numbers.")
    pixels = values.reshape(-1, 2) - 0.5
    ijk = np.column_stack([pixels, np.full(len(pixels), number)])
    return grid_of_images(geometry).lps_from_ijk(ijk)


def prompts_of(
    shapes: Sequence[Shape], geometry: Geometry, name: str = "", uid: str = ""
) -> list[OpenPrompt]:
    """The prompts of one measured lesion.

    Diameters come first: a long and a short one make one line prompt, further lines one each; an
    ellipse or a circle gives its two diameters. An outline counts where there is no diameter, a
    point where there is nothing else.

    Args:
        shapes: of the lesion.
        geometry: of the volume.
        name, uid: of the lesion, and by which it is tracked over time.
    """
    lines = _lines(shapes, name, uid)
    if lines:
        return list(lines)
    boxes = [
        SliceBoxPrompt(_rectangle(shape.points, geometry), name, uid)
        for shape in shapes
        if shape.kind in ("POLYLINE", "POLYGON", "INTERPOLATED") and len(shape.points) > 2
    ]
    if boxes:
        return list(boxes)
    return [
        PointPrompt(point, name, uid)
        for shape in shapes
        if shape.kind in ("POINT", "MULTIPOINT")
        for point in shape.points
    ]


def _lines(shapes: Sequence[Shape], name: str, uid: str) -> list[LinePrompt]:
    ends: list[tuple[str, Points]] = []
    found = []
    for shape in shapes:
        points = shape.points
        if shape.kind == "ELLIPSE" and len(points) == 4:  # ends of one axis, then of the other
            axes = sorted((points[:2], points[2:]), key=_length)
            found.append(LinePrompt(axes[1], axes[0], name, uid))
        elif shape.kind == "CIRCLE" and len(points) == 2:  # centre, and a point on it
            found.append(
                LinePrompt(np.array([2 * points[0] - points[1], points[1]]), None, name, uid)
            )
        elif shape.kind in ("POLYLINE", "MULTIPOINT", "INTERPOLATED") and len(points) == 2:
            if shape.kind == "MULTIPOINT" and not shape.role:
                continue
            if not any(np.allclose(points, known) for _, known in ends):
                ends.append((shape.role, points))
    long, short = ([e for role, e in ends if role == wanted] for wanted in ("long", "short"))
    if len(long) == 1 and len(short) == 1 and _length(long[0]) > SHORTEST_MM:
        across = short[0] if _length(short[0]) > SHORTEST_MM else None
        found.append(LinePrompt(long[0], across, name, uid))
        ends = [(role, e) for role, e in ends if not role]
    return [*found, *(LinePrompt(e, None, name, uid) for _, e in ends if _length(e) > SHORTEST_MM)]


def _length(ends: Points) -> float:
    return float(np.linalg.norm(ends[1] - ends[0]))


def _rectangle(points: Points, geometry: Geometry) -> Points:
    """(4, 3) corners of the rectangle along the voxel axes around an outline on a slice, LPS mm."""
    ijk = geometry.ijk_from_lps(points)
    low, high = ijk.min(axis=0), ijk.max(axis=0)
    across = int((high - low).argmin())
    u, v = (axis for axis in range(3) if axis != across)
    corners = np.tile(ijk.mean(axis=0), (4, 1))
    corners[:, u] = [low[u], high[u], high[u], low[u]]
    corners[:, v] = [low[v], low[v], high[v], high[v]]
    return geometry.lps_from_ijk(corners)
