"""The lesion list: a row each, and what can be done with one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from MASAMSlicerLib.scene import views
from MASAMSlicerLib.scene.lesions import LesionEntry
from MASAMSlicerLib.wording import rowOf

from masam_core.errors import Cancelled, MasamError
from masam_core.lesion.measurements.registry import listed_quantities
from masam_core.lesion.terminology import TUMOUR_TYPES

if TYPE_CHECKING:
    from masam_workbench.tab.tab import Tab

# These have their place in the page; other listed measurements follow them.
PLACED = ("volume_ml", "longest_diameter_mm")


class LesionRows:
    """Fills the list in the page, and answers what is clicked there."""

    def __init__(self, tab: Tab) -> None:
        self.tab = tab
        self._waiting: list[Callable[[str], None]] = []

    def rows(self) -> list[dict[str, Any]]:
        """Rows of the lesions of the image that is shown."""
        return [self._row(lesion) for lesion in self.tab.lesions()]

    def rename(self, lesionId: str, name: str) -> None:
        """Rename box and segment."""
        lesion = self.tab.session.lesions.lesion(lesionId)
        if lesion is None:
            return
        try:
            self.tab.session.lesions.rename(lesion, str(name)[:80])
        except ValueError as error:
            self.tab.sayError(error)
        self.tab.refreshSoon()

    def recolor(self, lesionId: str, color: str) -> None:
        """Recolour box and segment; ``#rrggbb``."""
        lesion = self.tab.session.lesions.lesion(lesionId)
        digits = str(color).removeprefix("#")
        if lesion is None or len(digits) != 6:
            return
        try:
            red, green, blue = (int(digits[n : n + 2], 16) / 255 for n in (0, 2, 4))
        except ValueError:
            return
        self.tab.session.lesions.recolor(lesion, (red, green, blue))
        self.tab.refreshSoon()

    def setKind(self, lesionId: str, key: str) -> None:
        """What it is: a key of TUMOUR_TYPES."""
        lesion = self.tab.session.lesions.lesion(lesionId)
        if lesion is not None and key in TUMOUR_TYPES:
            self.tab.session.lesions.setTerminology(lesion, TUMOUR_TYPES[key].entry)
            self.tab.refreshSoon()

    def toggleLock(self, lesionId: str) -> None:
        """A locked segment is never replaced."""
        lesion = self.tab.session.lesions.lesion(lesionId)
        if lesion is not None and lesion.segment is not None:
            self.tab.session.lesions.setLocked(lesion, not lesion.locked)
        self.tab.refreshSoon()

    def toggleVisible(self, lesionId: str) -> None:
        """Show or hide one segment and its box."""
        lesion = self.tab.session.lesions.lesion(lesionId)
        if lesion is None:
            return
        visible = not _isVisible(lesion)
        if lesion.segment is not None:
            display = lesion.segmentation.GetDisplayNode()
            display.SetSegmentVisibility(lesion.segmentId, visible)
        if lesion.roi is not None:
            lesion.roi.SetDisplayVisibility(visible)
        self.tab.refreshSoon()

    def delete(self, lesionId: str) -> None:
        """Box and segment; undo brings them back."""
        try:
            self.tab.session.deleteLesions([lesionId])
        except MasamError as error:
            self.tab.sayError(error)
        self.tab.refreshSoon()

    def goTo(self, lesionId: str) -> None:
        """Select a lesion and turn the views to it."""
        self.tab.select(lesionId)
        lesion = self.tab.selected
        if lesion is not None:
            views.goTo(lesion)

    def goToNext(self) -> None:
        """The shortcut E."""
        ids = [lesion.id for lesion in self.tab.lesions()]
        if ids:
            chosen = self.tab.state.selected
            place = ids.index(chosen) + 1 if chosen in ids else 0
            self.goTo(ids[place % len(ids)])

    def measureEdited(self) -> None:
        """Numbers of segments that were changed by hand; after a run, if there is one."""
        session = self.tab.session
        ids = [lesion.id for lesion in self._unmeasured()]
        if not ids:
            self._goOn("")
            return
        if session.busy:
            self.tab.measureSoon()
            return

        def done(_: int) -> None:
            self.tab.refreshSoon()
            if self._unmeasured():  # changed meanwhile
                self.tab.measureSoon()
            else:
                self._goOn("")

        def failed(error: Exception) -> None:
            if isinstance(error, Cancelled):  # a run was more urgent
                self.tab.measureSoon()
                return
            self.tab.sayError(error)
            self._goOn(f"The numbers are from before the last change by hand: {error}")

        session.measure(ids, done, failed)

    def whenMeasured(self, action: Callable[[str], None]) -> bool:
        """Do something as soon as all numbers are those of the segments as they are now.

        Args:
            action: called with a note where the numbers could not be brought up to date.

        Returns:
            Whether it was done at once.
        """
        if not self._unmeasured():
            action("")
            return True
        self._waiting.append(action)
        self.measureEdited()
        return False

    def _unmeasured(self) -> list[LesionEntry]:
        volume = self.tab.volume
        return self.tab.session.unmeasured(volume) if volume is not None else []

    def _goOn(self, note: str) -> None:
        waiting, self._waiting = self._waiting, []
        for action in waiting:
            action(note)

    def _row(self, lesion: LesionEntry) -> dict[str, Any]:
        row = vars(rowOf(lesion, self.tab.session.states))
        keys = {kind.entry: key for key, kind in TUMOUR_TYPES.items()}
        color = "#" + "".join(f"{round(255 * c):02x}" for c in lesion.color)
        return {
            **row,
            "id": lesion.id,
            "more": [
                {"title": q.heading(), "about": q.about, "text": row["figures"][q.name]}
                for q in listed_quantities()
                if q.name not in PLACED
            ],
            "color": color,
            "kind": keys.get(lesion.terminology, ""),
            "visible": _isVisible(lesion),
            "locked": lesion.locked,
            "segmented": lesion.segment is not None,
        }


def _isVisible(lesion: LesionEntry) -> bool:
    if lesion.segment is not None and lesion.segmentation.GetDisplayNode() is not None:
        return bool(lesion.segmentation.GetDisplayNode().GetSegmentVisibility(lesion.segmentId))
    return bool(lesion.roi is None or lesion.roi.GetDisplayVisibility())
