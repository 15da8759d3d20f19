"""The two ends of a box across a plane, set from the slice that is shown, in any order.

Each end that was set leaves a mark on the ROI (a slice), and the box runs from one mark to the
other. A mark counts only as long as the box is the one that was left then, and for its own plane: a
drag forgets both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from masam_core.image.geometry import closest_axes

from . import prompts
from .transforms import worldToNode
from .volumes import geometryOf

FIRST, LAST, LOWER, UPPER = 0, 1, 2, 3
# Voxels of a plane lie across this axis of the patient (LPS): left, back, up.
PLANES = ("sagittal", "coronal", "axial")
_UP = (-1.0, -1.0, 1.0)  # the upper end: right, front, up
MARKS = "MASAM.EndSlices"  # attribute of the ROI: first mark, last mark, the box's ends, the axis
SET, PAIRED, BEYOND = "set", "paired", "beyond"
_NEAR = 1e-3  # of a slice
_NONE = "-"

Marks = tuple["int | None", "int | None"]


@dataclass(frozen=True)
class Ends:
    """What has become of a box.

    Attributes:
        slices: how many it holds.
        how: SET (one end was moved), PAIRED (from one marked slice to the other) or BEYOND (the
            slice lies beyond the other end: the box reaches from it to the end that is farther).
    """

    slices: int
    how: str


def setEndSlice(
    roiNode: Any, volumeNode: Any, pointWorld: np.ndarray, end: int, plane: str | None = None
) -> Ends:
    """Make the slice at a world position one end of the ROI across a plane.

    The slice itself belongs to the box, and becomes one of its two outermost slices. If the other
    end was marked just before, the box runs between the two slices, whichever of them is higher.
    Otherwise the other end stays; where the slice lies beyond it, the box reaches from the slice to
    its farther end, so that nothing that was in it is cut off. It is a single slice only where both
    ends were set to the same one, or it was a single slice before. The ROI is laid along the
    volume's axes, around what it was.

    Args:
        pointWorld: (3,) RAS.
        end: FIRST or LAST, in the order in which the canonical frame counts slices; UPPER or LOWER
            of the patient: in sagittal slices that is right or left, in coronal ones front or back.
        plane: a word of PLANES; None is the plane of acquisition.

    Raises:
        BoxError: a ROI that has not been drawn.
    """
    geometry = geometryOf(volumeNode)
    frame = geometry.canonical_frame()
    axis = frame.axes[0]
    if plane is not None:
        axis = closest_axes(geometry.direction).index(PLANES.index(plane))
    ijk = geometry.ijk_from_ras(worldToNode(volumeNode, pointWorld))[0]
    index = int(np.clip(round(ijk[axis]), 0, geometry.size_ijk[axis] - 1))
    low, high = prompts.alignedBounds(roiNode, volumeNode)
    span = (float(low[axis]), float(high[axis]))
    # Whether the higher index is the one to set.
    if end in (LOWER, UPPER):
        towards = closest_axes(geometry.direction)[axis]
        upper = (end == UPPER) == (geometry.direction[towards, axis] * _UP[towards] > 0)
    else:
        upper = (end == LAST) != frame.flips[list(frame.axes).index(axis)]
    own = LAST if end in (LAST, UPPER) else FIRST
    span, marks, how = moveEnd(span, _readMarks(roiNode, span, axis), index, own, upper)
    low[axis], high[axis] = span
    prompts.alignRoi(roiNode, volumeNode, low, high)
    words = [_NONE if mark is None else str(mark) for mark in marks]
    edges = [f"{edge:.3f}" for edge in span]
    roiNode.SetAttribute(MARKS, " ".join([*words, *edges, str(axis)]))
    return Ends(round(span[1] - span[0]), how)


def moveEnd(
    span: tuple[float, float], marks: Marks, index: int, end: int, upper: bool
) -> tuple[tuple[float, float], Marks, str]:
    """Compute the span of a box after one of its ends was set.

    Args:
        span: continuous index of its two faces; whole slices ``a`` to ``b`` are ``a - 0.5`` to
            ``b + 0.5``.
        marks: slices that FIRST and LAST have marked.
        index: the slice.
        end: FIRST or LAST.
        upper: whether this end is the one with the higher index.

    Returns:
        The span, the marks, and how it came about (see Ends).
    """
    own, other = marks[end], marks[1 - end]
    if other is not None and (own is None or _sameSide(own, index, other)):
        return _between(index, other), _put(end, index, other), PAIRED
    if other is not None and own is not None:  # beyond the other mark, which takes the old place
        return _between(index, own), _put(end, index, own), BEYOND
    low, high = span
    moved = (low, index + 0.5) if upper else (index - 0.5, high)
    if moved[1] - moved[0] > 1 + _NEAR or (high - low <= 1 + _NEAR and low < index < high):
        return moved, _put(end, index, None), SET
    farther = (index - 0.5, high) if upper else (low, index + 0.5)
    return farther, _put(end, index, None), BEYOND


def _sameSide(own: int, index: int, other: int) -> bool:
    return (own - other) * (index - other) > 0


def _between(first: int, second: int) -> tuple[float, float]:
    return min(first, second) - 0.5, max(first, second) + 0.5


def _put(end: int, index: int, other: int | None) -> Marks:
    return (index, other) if end == FIRST else (other, index)


def _readMarks(roiNode: Any, span: tuple[float, float], axis: int) -> Marks:
    """The marks; none where the box is not the one that they were left with, or of another axis."""
    try:
        first, last, low, high, along = (roiNode.GetAttribute(MARKS) or "").split()
        edges = (low, high)
        if int(along) != axis or not np.allclose(
            [float(edge) for edge in edges], span, atol=2 * _NEAR
        ):
            return None, None
        values = [None if word == _NONE else int(word) for word in (first, last)]
    except ValueError:  # none yet, or damaged
        return None, None
    return values[0], values[1]
