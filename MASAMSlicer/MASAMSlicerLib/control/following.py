"""The mask follows box and prompts: what has moved is segmented again, and when."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from masam_core.errors import BoxError

from ..scene import views
from ..scene.boxplace import BoxPlace
from ..scene.keptprompts import KeptPrompts
from ..scene.lesions import DONE, EDITED, MOVED, MOVED_MM, LesionEntry
from ..scene.promptnodes import Prompt, sameAll
from ..scene.prompts import cornersInWorld, cornersOnVolume
from ..session.session import Session
from ..wording import changeWords


class Following:
    """One run at a time; boxes that move meanwhile wait for its end.

    A ROI says that it was modified for its name and its colour too, and for a transform over it.
    Only a box that lies elsewhere than when it was last looked at, in the world and in its volume,
    has moved: else a result that the user has taken back would return with the next rename, and a
    registration that takes volume and box along would be a step.

    Args:
        session: the lesions.
        start: segments lesions by their ids.
        volume: the chosen volume node; a box of another one, which is not in the list that the
            user sees, starts nothing.
    """

    def __init__(
        self,
        session: Session,
        start: Callable[[Sequence[str]], None],
        volume: Callable[[], Any],
    ) -> None:
        self._session = session
        self._start = start
        self._volume = volume
        self._waiting: list[str] = []
        self._seen: dict[str, _Look] = {}

    def boxMoved(self, lesionId: str, follow: bool = True) -> None:
        """A box or another prompt has come to rest; its lesion is segmented again if it may be.

        The move is a step that can be undone, until a result takes it into its own.

        Args:
            lesionId: whose box or prompt.
            follow: whether the user wants that; if not, where they lie is noted all the same.
        """
        lesion = self._session.lesions.lesion(lesionId)
        if lesion is None:
            return
        before, seen = self._cornersBefore(lesion), self._seen.get(lesionId)
        moved, asked = self._look(lesion)
        if lesion.status == DONE or not (moved or asked):  # as when its mask was made, or as seen
            return
        if moved and before is not None and _differ(before, self._seen[lesionId].inVolume):
            place = BoxPlace(lesion.id, before)
            self._session.history.moved(f"Move the box of {lesion.name}", place)
        if asked and seen is not None:
            kept = KeptPrompts(lesion.id, self._seen[lesionId].inVolume, seen.prompts)
            words = changeWords(seen.prompts, lesion.prompts, lesion.name)
            self._session.history.asked(words, kept)
        if follow:
            self._follow(lesionId)

    def noted(self, lesionId: str) -> None:
        """Box and prompts lie where the program itself has put them: that is no move."""
        lesion = self._session.lesions.lesion(lesionId)
        if lesion is not None:
            self._look(lesion)

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
        if lesion is None or lesion.locked:
            return
        if lesion.status != MOVED and not (lesion.status == EDITED and lesion.asks):
            return
        if lesion.volume is not self._volume():
            return
        if not self._session.busy:
            self._start([lesionId])
        elif lesionId not in self._waiting:
            self._waiting.append(lesionId)

    def _cornersBefore(self, lesion: LesionEntry) -> np.ndarray | None:
        """Corners of a box in its volume when last looked at, or when its mask was made."""
        seen = self._seen.get(lesion.id)
        if lesion.volume is None:
            return None
        if seen is not None and seen.inWorld is not None:
            return cornersOnVolume(seen.inWorld, lesion.volume)
        return lesion.provenance.corners if lesion.provenance is not None else None

    def _look(self, lesion: LesionEntry) -> tuple[bool, bool]:
        """Note where box and prompts lie; whether the box, and the others, are elsewhere now.

        A half-drawn box lies nowhere yet: it is no place to go back to.
        """
        if lesion.roi is not None and views.isBeingPlaced(self._session.scene, lesion.roi):
            return False, False
        seen, volume = self._seen.get(lesion.id), lesion.volume
        inWorld = inVolume = None
        try:
            inWorld = cornersInWorld(lesion.roi)
            inVolume = cornersOnVolume(inWorld, volume) if volume is not None else None
        except BoxError:  # there is none, or it is being drawn anew
            if seen is None and not lesion.prompts:
                return False, False
        self._seen[lesion.id] = _Look(inWorld, inVolume, lesion.prompts)
        if seen is None:
            return inWorld is not None, lesion.asks
        moved = (
            inWorld is not None
            and _differ(seen.inWorld, inWorld)
            and _differ(seen.inVolume, inVolume)
        )
        return moved, not sameAll(seen.prompts, lesion.prompts)


@dataclass(frozen=True, eq=False)
class _Look:
    """The place of a box, its corners (8, 3) in mm, and the other prompts.

    Attributes:
        inWorld: RAS; None where there is no box.
        inVolume: the volume's own LPS; None where there is no box or no volume.
        prompts: besides the box.
    """

    inWorld: np.ndarray | None
    inVolume: np.ndarray | None
    prompts: tuple[Prompt, ...] = ()


def _differ(before: np.ndarray | None, now: np.ndarray | None) -> bool:
    if before is None or now is None:
        return before is not now
    return bool(np.abs(now - before).max() > MOVED_MM)
