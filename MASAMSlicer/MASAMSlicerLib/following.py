"""The mask follows the box: which moved boxes are segmented again, and when."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .scene.lesions import MOVED
from .session import Session


class Following:
    """One run at a time; boxes that move meanwhile wait for its end.

    Args:
        session: the lesions.
        start: segments lesions by their ids.
    """

    def __init__(self, session: Session, start: Callable[[Sequence[str]], None]) -> None:
        self._session = session
        self._start = start
        self._waiting: list[str] = []

    def boxMoved(self, lesionId: str) -> None:
        """A box has come to rest; its lesion is segmented again if it was and may be."""
        lesion = self._session.lesions.lesion(lesionId)
        if lesion is None or lesion.status != MOVED or lesion.locked:
            return
        if not self._session.busy:
            self._start([lesionId])
        elif lesionId not in self._waiting:
            self._waiting.append(lesionId)

    def runEnded(self) -> None:
        """A run has ended well: go on with the boxes that have moved since."""
        if self._waiting:
            self.boxMoved(self._waiting.pop(0))

    def forget(self) -> None:
        """The user has cancelled: nothing starts by itself."""
        self._waiting.clear()
