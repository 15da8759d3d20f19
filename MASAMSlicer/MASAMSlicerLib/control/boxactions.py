"""What can be done with a box: place it, set its ends, fit it to the view."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from masam_core.errors import MasamError

from ..scene import ends, placing, views
from ..scene.lesions import LesionEntry
from ..wording import endWords
from .front import Front


class BoxActions:
    """Changes the box of the selected lesion; errors are said.

    Args:
        front: the front end.
        onRest: called with the lesion's id when its box was changed.
    """

    def __init__(self, front: Front, onRest: Callable[[str], None]) -> None:
        self._front, self._onRest = front, onRest

    def startPlacing(self, segmentationNode: Any = None) -> str:
        """Have the next clicks in a slice view draw a box; the id of its lesion.

        Args:
            segmentationNode: for the new lesion's segment, or None.
        """
        front = self._front
        lesion = placing.lesionToPlace(front.session.lesions, front.volume, segmentationNode)
        front.select(lesion.id)
        views.startPlacing(lesion.roi)
        return lesion.id

    def stopPlacing(self, lesionId: str) -> None:
        """Leave the tool; a lesion that has got no box does not stay."""
        views.stopPlacing(self._front.session.scene)
        if lesionId:
            lesions = self._front.session.lesions
            placing.leavePlacing(lesions, lesionId)
            left = lesions.lesion(lesionId)
            if left is not None:
                self._front.session.history.drawn(f"Draw the box of {left.name}", left.id)
        self._front.refreshSoon()

    def setEnd(self, end: int, point: Any = None, plane: str | None = None) -> None:
        """Make the slice that is shown one end of the box.

        Args:
            end: ``ends.FIRST``, ``ends.LAST``, ``ends.LOWER`` or ``ends.UPPER``.
            point: (3,) world RAS on that slice; None is that of the view across the acquisition.
            plane: of the view, a word of ``ends.PLANES``; None is that of the acquisition.
        """

        def change(lesion: LesionEntry) -> None:
            where = views.currentPoint(lesion.volume) if point is None else point
            found = ends.setEndSlice(lesion.roi, lesion.volume, where, end, plane)
            self._front.say(endWords(found))

        self._change(change)

    def fitToView(self) -> None:
        """Make the box as large as what the slice views show."""
        self._change(lambda lesion: views.fitToView(lesion.roi, lesion.volume))

    def _change(self, change: Callable[[LesionEntry], None]) -> None:
        lesion = self._front.selected
        if lesion is None or lesion.roi is None:
            return
        try:
            change(lesion)
        except (MasamError, ValueError) as error:
            self._front.sayError(error)
        self._onRest(lesion.id)
        self._front.refreshSoon()
