"""The mask follows the box: which moved boxes are segmented again, and when."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from masam_core.errors import BoxError

from .scene.lesions import MOVED, MOVED_MM, LesionEntry
from .scene.prompts import cornersInWorld
from .session import Session


class Following:
    """One run at a time; boxes that move meanwhile wait for its end.

    A ROI says that it was modified for its name and its colour too. Only a box that lies elsewhere
    than when it was last looked at has moved: else a result that the user has taken back would
    return with the next rename.

    Args:
        session: the lesions.
        start: segments lesions by their ids.
    """

    def __init__(self, session: Session, start: Callable[[Sequence[str]], None]) -> None:
        self._session = session
        self._start = start
        self._waiting: list[str] = []
        self._seen: dict[str, np.ndarray] = {}

    def boxMoved(self, lesionId: str, follow: bool = True) -> None:
        """A box has come to rest; its lesion is segmented again if it was and may be.

        Args:
            lesionId: whose box.
            follow: whether the user wants that; if not, where the box lies is noted all the same.
        """
        lesion = self._session.lesions.lesion(lesionId)
        if lesion is not None and self._look(lesion) and follow:
            self._follow(lesionId)

    def rest(self) -> None:
        """A result was taken back or done again: nothing starts before a box moves from now on."""
        self.forget()
        for lesion in self._session.lesions.lesions():
            self._look(lesion)

    def runEnded(self) -> None:
        """A run has ended well: go on with the boxes that have moved since."""
        while self._waiting and not self._session.busy:
            self._follow(self._waiting.pop(0))

    def forget(self) -> None:
        """The user has cancelled: nothing starts by itself."""
        self._waiting.clear()

    def _follow(self, lesionId: str) -> None:
        lesion = self._session.lesions.lesion(lesionId)
        if lesion is None or lesion.status != MOVED or lesion.locked:
            return
        if not self._session.busy:
            self._start([lesionId])
        elif lesionId not in self._waiting:
            self._waiting.append(lesionId)

    def _look(self, lesion: LesionEntry) -> bool:
        """Note where a box lies; whether that is elsewhere than it was."""
        try:
            corners = cornersInWorld(lesion.roi)
        except BoxError:  # there is none, or it is being drawn anew
            return False
        seen = self._seen.get(lesion.id)
        if seen is not None and np.abs(corners - seen).max() <= MOVED_MM:
            return False
        self._seen[lesion.id] = corners
        return True
