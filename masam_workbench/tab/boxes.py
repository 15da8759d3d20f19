"""Boxes: drawn and moved in the page, kept in the scene."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from MASAMSlicerLib.scene import ends, placing
from MASAMSlicerLib.scene.lesions import LesionEntry
from MASAMSlicerLib.scene.prompts import cornersInVolume, layRoi
from MASAMSlicerLib.scene.transforms import nodeToWorld
from MASAMSlicerLib.wording import endWords

from masam_core.errors import BoxError, MasamError
from masam_core.image.geometry import LPS_TO_RAS
from masam_core.prompts.boxes import CORNER_BITS
from masam_workbench.tab.context import TabContext

LEAST_MM, MOST_MM = 0.01, 10_000.0
ENDS = {"first": ends.FIRST, "last": ends.LAST, "lower": ends.LOWER, "upper": ends.UPPER}


class Boxes:
    """Lays boxes where the page says.

    Args:
        context: of the tab.
        onRest: called with a lesion's id when its box was changed.
    """

    def __init__(self, context: TabContext, onRest: Callable[[str], None]) -> None:
        self.context = context
        self._onRest = onRest

    def new(self, center: Any, axes: Any, size: Any) -> str:
        """A new lesion with this box; its id.

        Args:
            center: (3,) RAS of the image, mm.
            axes: three unit vectors (3, 3) at right angles.
            size: (3,) mm along them.

        Raises:
            BoxError: no image, or no box.
        """
        context = self.context
        if context.volume is None:
            raise BoxError("Open an image first.")
        corners = cornersOf(center, axes, size)
        session = context.session
        lesion = session.lesions.add(context.volume)
        layRoi(lesion.roi, context.volume, corners)
        session.history.drawn(f"Draw the box of {lesion.name}", lesion.id)
        context.select(lesion.id)
        made = session.lesions.lesion(lesion.id)
        context.say(placing.boxWarning(made) or "Adjust the box until it is tight, then Segment.")
        self._onRest(lesion.id)
        return lesion.id

    def move(self, lesionId: str, center: Any, axes: Any, size: Any) -> None:
        """A drag has ended: the box lies here now.

        Raises:
            BoxError: no box, or a lesion without one.
        """
        lesion = self._lesion(lesionId)
        layRoi(lesion.roi, lesion.volume, cornersOf(center, axes, size))
        self._onRest(lesion.id)
        warning = placing.boxWarning(self.context.session.lesions.lesion(lesionId))
        if warning:
            self.context.say(warning)
        self.context.refreshSoon()

    def setEnd(self, lesionId: str, end: str, position: Any, plane: str | None = None) -> None:
        """Make the slice at a position one end of the box, across the plane of a view.

        Args:
            lesionId: whose; an empty text is the selected one.
            end: ``first``, ``last``, ``lower`` or ``upper``.
            position: (3,) RAS of the image, mm.
            plane: of the view, ``axial``, ``coronal`` or ``sagittal``; None is that of the
                acquisition.

        Raises:
            BoxError: no box, another word, or no position.
        """
        if end not in ENDS:
            raise BoxError(f"The end is {end!r}; expected {', '.join(ENDS)}.")
        if plane and plane not in ends.PLANES:
            raise BoxError(f"The plane is {plane!r}; expected {', '.join(ends.PLANES)}.")
        lesion = self._lesion(lesionId or self.context.chosen)
        own = numbers(position, (3,), "The position")
        point = nodeToWorld(lesion.volume, own)[0]
        found = ends.setEndSlice(lesion.roi, lesion.volume, point, ENDS[end], plane or None)
        self.context.say(endWords(found))
        self._onRest(lesion.id)
        self.context.refreshSoon()

    def _lesion(self, lesionId: str) -> LesionEntry:
        lesion = self.context.session.lesions.lesion(str(lesionId))
        if lesion is None or lesion.roi is None or lesion.volume is None:
            raise BoxError("There is no box to change: it was deleted meanwhile.")
        return lesion


def boxOf(lesion: LesionEntry) -> dict[str, Any] | None:
    """Place of a lesion's box, as the page is told; None where it has none."""
    if lesion.roi is None or lesion.volume is None:
        return None
    try:
        corners = cornersInVolume(lesion.roi, lesion.volume) @ LPS_TO_RAS[:3, :3]
    except MasamError:  # not drawn
        return None
    edges = corners[[1, 2, 4]] - corners[0]
    size = np.linalg.norm(edges, axis=1)
    return {
        "center": _rounded(corners.mean(axis=0), 4),
        "axes": _rounded(edges / size[:, None], 7),
        "size": _rounded(size, 4),
    }


def cornersOf(center: Any, axes: Any, size: Any) -> np.ndarray:
    """Eight corners (8, 3) in LPS, mm, of a box in the page's words.

    Raises:
        BoxError: numbers that make no box.
    """
    middle = numbers(center, (3,), "The box's centre")
    directions = numbers(axes, (3, 3), "The box's axes")
    lengths = numbers(size, (3,), "The box's size")
    if not np.allclose(directions @ directions.T, np.eye(3), atol=1e-3):
        raise BoxError("The box's axes must be at right angles.")
    if not ((lengths >= LEAST_MM) & (lengths <= MOST_MM)).all():
        raise BoxError("The box has no size yet: drag from corner to corner.")
    ras = middle + (CORNER_BITS - 0.5) * lengths @ directions
    return np.asarray(ras @ LPS_TO_RAS[:3, :3])


def numbers(values: Any, shape: tuple[int, ...], what: str) -> np.ndarray:
    """Finite numbers from the page.

    Raises:
        BoxError: something else.
    """
    try:
        found = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        found = np.zeros(0)
    if found.shape != shape or not np.isfinite(found).all():
        raise BoxError(
            f"{what} can't be understood: expected {' times '.join(map(str, shape))} numbers in mm."
        )
    return found


def _rounded(values: Sequence[Any] | np.ndarray, places: int) -> Any:
    return np.round(np.asarray(values, float), places).tolist()
