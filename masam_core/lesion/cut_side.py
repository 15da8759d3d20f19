"""The place of the side of a box at which it cuts a lesion off."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from masam_core.lesion.cut import Side
from masam_core.prompts.boxes import CORNER_BITS, BoxPrompt

if TYPE_CHECKING:
    from masam_core.image.geometry import Geometry

_OUTWARDS = {  # LPS
    Side.RIGHT: (-1, 0, 0),
    Side.LEFT: (1, 0, 0),
    Side.FRONT: (0, -1, 0),
    Side.BACK: (0, 1, 0),
    Side.LOWER: (0, 0, -1),
    Side.UPPER: (0, 0, 1),
}
End = tuple[int, int]  # an axis of the box, and 0 or 1 for its low or high end


def end_of(side: Side, box: BoxPrompt, geometry: Geometry) -> End:
    """The end of one of the box's own axes that lies on a side of the patient."""
    return end_of_corners(side, geometry.lps_from_ijk(box.corners_ijk))


def end_of_corners(side: Side, corners_lps: NDArray[np.float64]) -> End:
    """The same for the corners (8, 3) of a box, LPS mm, in the order of BoxPrompt."""
    axes = corners_lps[[1, 2, 4]] - corners_lps[0]
    axes = axes / np.linalg.norm(axes, axis=1, keepdims=True)
    along = axes @ np.array(_OUTWARDS[side], dtype=float)
    axis = int(np.abs(along).argmax())
    return axis, int(along[axis] > 0)


def side_of_corners(side: Side, corners_lps: NDArray[np.float64]) -> NDArray[np.float64]:
    """The corners (4, 3) of one side of a box, LPS mm, one after the other around it."""
    axis, high = end_of_corners(side, corners_lps)
    found = corners_lps[CORNER_BITS[:, axis] == high]
    return np.asarray(found[[0, 1, 3, 2]])
