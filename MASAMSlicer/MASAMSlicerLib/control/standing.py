"""How long a message stands: it belongs to a state, and goes when the state goes."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

from ..session.session import Session


class Standing:
    """Whether what was said last is still so.

    Without a condition of its own a message stands as long as the situation in which it was said.
    That is taken at the first look after it, when all that came with the message is done.

    Args:
        situation: what messages are about, as it is now.

    >>> place = ["here"]
    >>> standing = Standing(lambda: place[0])
    >>> standing.said()
    >>> standing.over(), standing.over()
    (False, False)
    >>> place[0] = "there"
    >>> standing.over(), standing.over()
    (True, False)
    """

    def __init__(self, situation: Callable[[], Hashable]) -> None:
        self._situation = situation
        self._holds: Callable[[], bool] | None = None

    def said(self, holds: Callable[[], bool] | None = None) -> None:
        """Something was said; ``holds`` is its condition, None means the situation."""
        self._holds = holds or self._whileItIsSo()

    def over(self) -> bool:
        """Whether the message must go now; said once."""
        if self._holds is None or self._holds():
            return False
        self._holds = None
        return True

    def _whileItIsSo(self) -> Callable[[], bool]:
        seen: list[Hashable] = []

        def holds() -> bool:
            now = self._situation()
            if not seen:
                seen.append(now)
            return seen[0] == now

        return holds


def situationOf(session: Session, volumeNode: Any) -> Hashable:
    """The lesions of a volume with their states, and what can be undone."""
    lesions = session.lesions.lesions(volumeNode) if volumeNode is not None else []
    return (
        volumeNode.GetID() if volumeNode is not None else "",
        session.history.undoTitle,
        session.history.redoTitle,
        tuple((x.id, x.name, x.locked, x.status, x.segmentId) for x in lesions),
    )
