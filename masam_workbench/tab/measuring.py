"""Measurements brought up to date, of segments changed by hand and of another plane chosen."""

from __future__ import annotations

from collections.abc import Callable

from MASAMSlicerLib.scene.lesions import LesionEntry

from masam_core.errors import Cancelled
from masam_core.lesion.diameter_plane import DiameterPlane
from masam_workbench.tab.context import TabContext

REMEASURE_MS = 600  # after the last stroke


class Measuring:
    """Measures again when there is time for it, and tells those who wait for the numbers."""

    def __init__(self, context: TabContext) -> None:
        self.context = context
        self._waiting: list[Callable[[str], None]] = []
        self._callOff: Callable[[], None] = lambda: None

    def soon(self) -> None:
        """A segment was changed by hand: measure again, once for several strokes."""
        self._callOff()
        self._callOff = self.context.later(REMEASURE_MS, self.measureEdited)
        self.context.refreshSoon()

    def setPlane(self, plane: str) -> None:
        """Take diameters in a plane, a word of ``DiameterPlane``, also of lesions that are there.

        Raises:
            ConfigError: another word.
        """
        self.context.state.diameterPlane = DiameterPlane.read(plane, "The diameters' plane").value
        self.soon()

    def measureEdited(self) -> None:
        """Measure what was changed, or in another plane; after a run, if there is one."""
        session = self.context.session
        ids = [lesion.id for lesion in self._unmeasured()]
        if not ids:
            self._goOn("")
            return
        if session.busy:
            self.soon()
            return

        def done(_: int) -> None:
            self.context.refreshSoon()
            if self._unmeasured():  # changed meanwhile
                self.soon()
            else:
                self._goOn("")

        def failed(error: Exception) -> None:
            if isinstance(error, Cancelled):  # a run was more urgent
                self.soon()
                return
            self.context.sayError(error)
            self._goOn(f"The numbers are from before the last change by hand: {error}")

        session.measure(ids, done, failed, self.context.state.diameterPlane)

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
        volume, plane = self.context.volume, self.context.state.diameterPlane
        return self.context.session.unmeasured(volume, plane) if volume is not None else []

    def _goOn(self, note: str) -> None:
        waiting, self._waiting = self._waiting, []
        for action in waiting:
            action(note)
