"""What can be done with the rows of a lesion list."""

from __future__ import annotations

from collections.abc import Sequence

from masam_core.errors import MasamError
from masam_core.lesion.terminology import TUMOUR_TYPES

from ..scene import views
from ..scene.keptlook import KeptLook
from ..scene.lesions import LesionEntry
from .front import Front


class LesionActions:
    """Changes lesions by their ids; one that is gone by now is passed over, errors are said.

    Args:
        front: the front end.
    """

    def __init__(self, front: Front) -> None:
        self._front = front
        self._list, self._history = front.session.lesions, front.session.history

    def rename(self, lesionId: str, name: str) -> None:
        """Name box and segment; an empty name is refused."""
        try:
            for lesion in self._found([lesionId]):
                before = self._look(lesion)
                self._list.rename(lesion, name)
                if name.strip() != lesion.name:
                    self._history.renamed(f"Rename {lesion.name}", before)
        except ValueError as error:
            self._front.sayError(error)
        self._front.refreshSoon()

    def recolor(self, lesionId: str, color: tuple[float, float, float]) -> None:
        """Colour box and segment; red, green and blue are in [0, 1]."""
        for lesion in self._found([lesionId]):
            before = self._look(lesion)
            self._list.recolor(lesion, color)
            self._history.renamed(f"Colour {lesion.name}", before)
        self._front.refreshSoon()

    def setKind(self, lesionIds: Sequence[str], key: str) -> None:
        """Say what lesions are: a key of TUMOUR_TYPES, another one is passed over."""
        if key in TUMOUR_TYPES:
            for lesion in self._found(lesionIds):
                before = self._look(lesion)
                self._list.setTerminology(lesion, TUMOUR_TYPES[key].entry)
                if lesion.terminology != TUMOUR_TYPES[key].entry:
                    self._history.renamed(f"Change the kind of {lesion.name}", before)
        self._front.refreshSoon()

    def setLocked(self, lesionIds: Sequence[str], locked: bool) -> None:
        """Protect segments from further results, or no longer."""
        for lesion in self._found(lesionIds):
            self._list.setLocked(lesion, locked)
        self._front.refreshSoon()

    def duplicate(self, lesionId: str) -> None:
        """Make another lesion with a copy of the box, and select it."""
        for lesion in self._found([lesionId]):
            if lesion.volume is not None:
                copy = self._list.duplicate(lesion)
                self._history.drawn(f"Duplicate {lesion.name}", copy.id)
                self._front.select(copy.id)

    def delete(self, lesionIds: Sequence[str]) -> None:
        """Remove boxes and segments; undo brings them back."""
        try:
            self._front.session.deleteLesions(lesionIds)
        except MasamError as error:
            self._front.sayError(error)
        self._front.refreshSoon()

    def goTo(self, lesionId: str) -> None:
        """Select a lesion and turn the views to it."""
        self._front.select(lesionId)
        lesion = self._front.selected
        if lesion is not None:
            views.goTo(lesion)

    def goToNext(self) -> None:
        """Go to the lesion below the selected one, from the last to the first."""
        ids = [lesion.id for lesion in self._front.lesions()]
        if not ids:
            return
        selected = self._front.selected
        place = ids.index(selected.id) + 1 if selected is not None and selected.id in ids else 0
        self.goTo(ids[place % len(ids)])

    def _look(self, lesion: LesionEntry) -> KeptLook:
        return KeptLook(lesion.id, lesion.name, lesion.color, lesion.terminology)

    def _found(self, lesionIds: Sequence[str]) -> list[LesionEntry]:
        found = map(self._list.lesion, lesionIds)
        return [lesion for lesion in found if lesion is not None]
