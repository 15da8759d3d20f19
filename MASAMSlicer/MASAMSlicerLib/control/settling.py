"""Boxes that are being dragged, and the moment at which they have come to rest."""

from __future__ import annotations

from collections.abc import Callable

from .front import Later

SETTLED_MS = 500  # without a change after which a box counts as moved, if no mouse said so


class Settling:
    """Waits for boxes; each has a time of its own.

    Args:
        later: see :meth:`~MASAMSlicerLib.control.front.Front.later`.
        onRest: called with the lesion's id when its box lies still.
    """

    def __init__(self, later: Later, onRest: Callable[[str], None]) -> None:
        self._later, self._onRest = later, onRest
        self._waiting: dict[str, Callable[[], None]] = {}

    def changed(self, lesionId: str) -> None:
        """A box was modified, perhaps in the middle of a drag."""
        self._callOff(lesionId)
        self._waiting[lesionId] = self._later(SETTLED_MS, lambda: self.rest(lesionId))

    def rest(self, lesionId: str) -> None:
        """A box has come to rest: time has passed, a drag has ended, or a button set it."""
        self._callOff(lesionId)
        self._onRest(lesionId)

    def _callOff(self, lesionId: str) -> None:
        callOff = self._waiting.pop(lesionId, None)
        if callOff is not None:
            callOff()
