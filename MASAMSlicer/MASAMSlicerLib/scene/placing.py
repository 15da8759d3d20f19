"""Placing a box: the lesion that gets it, and what is wrong with it."""

from __future__ import annotations

from typing import Any

import numpy as np

from masam_core.errors import MasamError
from masam_core.prompts.warnings import warnings_before

from . import prompts
from .lesions import LesionEntry, LesionList
from .transforms import worldToNode
from .volumes import geometryOf


def lesionToPlace(
    lesions: LesionList, volumeNode: Any, segmentationNode: Any = None
) -> LesionEntry:
    """The volume's lesion that waits for its box, or a new one."""
    for lesion in lesions.lesions(volumeNode):
        if _waits(lesion):
            return lesion
    return lesions.add(volumeNode, segmentationNode)


def leavePlacing(lesions: LesionList, lesionId: str) -> None:
    """The tool was left; a lesion without a box does not stay behind as an empty row."""
    left = lesions.lesion(lesionId)
    if left is not None and _waits(left):
        lesions.remove(left)


def _waits(lesion: LesionEntry) -> bool:
    """Whether a lesion has nothing yet that it could begin with."""
    begun = lesion.prompts or lesion.segment is not None
    return lesion.roi is not None and not begun and not isDrawn(lesion.roi)


def isDrawn(roi: Any) -> bool:
    """Whether the ROI has a size."""
    return bool(min(roi.GetSize()) > 0)


def boxWarning(lesion: LesionEntry | None) -> str:
    """What is wrong with a lesion's box, or an empty text."""
    if lesion is None or lesion.roi is None or lesion.volume is None or not isDrawn(lesion.roi):
        return ""
    try:
        geometry = geometryOf(lesion.volume)
        box = prompts.boxFromRoi(lesion.roi, lesion.volume, geometry, lesion.name)
        boxes = box.slice_boxes(geometry.canonical_frame())
        return "\n".join(warnings_before(box, boxes))
    except MasamError as error:
        return str(error)


def completeBox(roi: Any, volumeNode: Any, normal: np.ndarray) -> None:
    """Lay a box that was drawn in one slice along the volume's axes, and give it a depth.

    Two corners in a slice say nothing about the third direction. A lesion is taken to be as deep
    as the smaller side of its outline, around the slice that was drawn in; the user sets its ends.

    Args:
        normal: (3,) world RAS, across the slice.
    """
    geometry = geometryOf(volumeNode)
    low, high = prompts.alignedBounds(roi, volumeNode)
    origin = np.array(roi.GetCenter())
    own = worldToNode(volumeNode, np.stack([origin, origin + normal]))
    step = np.diff(geometry.ijk_from_ras(own), axis=0)[0] * geometry.spacing
    across = int(np.abs(step).argmax())
    sides = np.delete((high - low) * geometry.spacing, across)
    half = max(1.0, sides.min() / geometry.spacing[across]) / 2
    middle = round((low[across] + high[across]) / 2)
    low[across], high[across] = middle - half, middle + half
    end = np.array(geometry.size_ijk) - 0.5
    prompts.alignRoi(roi, volumeNode, np.clip(low, -0.5, end - 1), np.clip(high, 0.5, end))
