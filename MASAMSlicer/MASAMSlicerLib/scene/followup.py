"""Lesions of one volume as lesions of another: what is carried over, and boxes that come of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from masam_core.errors import BoxError, MasamError

from .history import History
from .keptbox import KeptBox
from .lesions import LesionEntry, LesionList
from .prompts import boxFromRoi, layRoi
from .volumes import geometryOf

FOLLOWS = "MASAM.Follows"  # id of the lesion of the earlier volume


@dataclass(frozen=True, eq=False)
class Place:
    """Place of a lesion in its own volume.

    Attributes:
        lesion: its id.
        name: its name.
        mask: bool KJI crop of the volume: of the segment, or of all voxels of the box.
        offset: index of the crop's first voxel.
    """

    lesion: str
    name: str
    mask: np.ndarray
    offset: tuple[int, int, int]


def placeOf(lesions: LesionList, lesion: LesionEntry) -> Place:
    """The place of a lesion: its segment, or its box where it has none.

    Raises:
        MasamError: neither segment nor box, or no volume.
    """
    if lesion.volume is None:
        raise MasamError(f"The volume of '{lesion.name}' is not in the scene any more.")
    if lesion.segment is not None:
        mask, offset = lesions.maskOf(lesion)
        if mask.any():
            return Place(lesion.id, lesion.name, mask, offset)
    if lesion.roi is None:
        raise BoxError(f"'{lesion.name}' has neither a mask nor a box to carry over.")
    geometry = geometryOf(lesion.volume)
    boxes = boxFromRoi(lesion.roi, lesion.volume, geometry).slice_boxes(geometry.canonical_frame())
    whole = np.zeros(boxes.frame.shape, dtype=bool)
    whole[boxes.first_slice : boxes.last_slice + 1] = boxes.region()
    kji = np.ascontiguousarray(boxes.frame.from_canonical(whole))
    return Place(lesion.id, lesion.name, kji, (0, 0, 0))


def followerOf(lesions: LesionList, lesion: str, volumeNode: Any) -> LesionEntry | None:
    """The lesion of a volume that was carried over from another one, or None."""
    for each in lesions.lesions(volumeNode):
        if each.roi is not None and each.roi.GetAttribute(FOLLOWS) == lesion:
            return each
    return None


def followedBy(lesions: LesionList, volumeNode: Any) -> list[tuple[LesionEntry, LesionEntry]]:
    """Lesions that were carried over to a volume: the earlier one and its follower."""
    every = {lesion.id: lesion for lesion in lesions.lesions()}
    found = []
    for lesion in every.values():
        if lesion.roi is None or lesion.volume is not volumeNode:
            continue
        earlier = every.get(lesion.roi.GetAttribute(FOLLOWS) or "")
        if earlier is not None:
            found.append((earlier, lesion))
    return found


def addCarried(
    history: History,
    lesions: LesionList,
    volumeNode: Any,
    carried: Sequence[tuple[LesionEntry, np.ndarray]],
) -> list[LesionEntry]:
    """Make lesions of a volume, with a box each, in one step that can be undone.

    Name, colour and type are those of the earlier lesion. The box lies under the volume's
    transform, if there is one, so that it keeps its place in the image.

    Args:
        history: where the step is kept.
        lesions: the list.
        volumeNode: the later volume.
        carried: earlier lesions, and corners (8, 3) in the later volume's own LPS, mm.
    """
    names = carried[0][0].name if len(carried) == 1 else f"{len(carried)} lesions"
    made = []
    with history.step(f"Carry over {names}") as touched:
        for earlier, corners in carried:
            new = lesions.add(volumeNode, name=earlier.name)
            touched.boxes.append(KeptBox(new.id, None))  # undone, it is not there
            new.roi.SetAndObserveTransformNodeID(volumeNode.GetTransformNodeID())
            layRoi(new.roi, volumeNode, corners)
            new.roi.SetAttribute(FOLLOWS, earlier.id)
            lesions.setTerminology(new, earlier.terminology)
            lesions.recolor(new, earlier.color)
            made.append(new.id)
    return [lesion for identity in made if (lesion := lesions.lesion(identity)) is not None]
