"""Segment, cancel, undo, redo; the mask follows the box."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from MASAMSlicerLib.following import Following
from MASAMSlicerLib.scene.lesions import EDITED, NEW
from MASAMSlicerLib.session import RunReport
from MASAMSlicerLib.wording import hasNotes, summary

from masam_core.errors import Cancelled
from masam_core.inference.options import SegmentOptions
from masam_core.limits import THRESHOLD

if TYPE_CHECKING:
    from masam_workbench.tab.tab import Tab

TICK_SECONDS = 0.5


class Running:
    """The large button, and what it says meanwhile."""

    def __init__(self, tab: Tab) -> None:
        self.tab = tab
        self._following = Following(tab.session, self.start, lambda: tab.volume)
        self._began = 0.0
        self._words = ""
        self._afterwards = ""  # a lesion whose threshold was changed during a run
        self._ticking: asyncio.Task[None] | None = None

    @property
    def busy(self) -> bool:
        """Whether a lesion is being segmented; measuring again after a stroke does not count."""
        session = self.tab.session
        return session.busy and any(word == "running" for word, _ in session.states.values())

    def press(self) -> None:
        """The large button, and Ctrl+Enter."""
        if self.busy:
            self._following.forget()
            self._afterwards = ""
            self.tab.session.cancel()
        elif self.tab.volume is not None:
            pending = self.tab.session.pending(self.tab.volume)
            if pending:
                self.start([lesion.id for lesion in pending])
            else:
                self.tab.say("Draw a box around a lesion first (B), or change one.")

    def again(self, lesionId: str) -> None:
        """Segment a lesion whatever its state, also one that was edited by hand."""
        if not self.busy:
            self.start([lesionId])

    def start(self, ids: Sequence[str]) -> None:
        """Segment lesions with the tab's settings."""
        from masam_core.worker.steps import ModelChoice

        tab = self.tab
        tab.boxes.stop()
        tab.touchUp.endStroke()
        self._began, self._words = time.monotonic(), "starting"
        self._dropMeasuring()
        try:
            choice = ModelChoice(device=tab.settings.device)
            tab.session.segment(
                ids, choice, self._options(), self._onProgress, self._onDone, self._onError
            )
        except Exception as error:  # also an unforeseen one: the button must not stay busy
            self._onError(error)
        if self.busy:
            tab.state.progress = 0
            self._tick()
        tab.refresh()

    def follow(self, lesionId: str) -> None:
        """A box has come to rest."""
        if self.tab.state.follow:
            self._dropMeasuring()
        self._following.boxMoved(lesionId, bool(self.tab.state.follow))

    def setThreshold(self, use: bool, percent: float) -> None:
        """Segment the selected lesion again from what is computed already.

        The page says the values with the request: its state comes a moment later.

        Args:
            use: instead of the model's own.
            percent: probability from which a voxel belongs to the lesion.
        """
        self.tab.state.useThreshold = bool(use)
        low, high = 100 * THRESHOLD.low, 100 * THRESHOLD.high
        self.tab.state.threshold = min(max(float(percent), low), high)
        lesion = self.tab.selected
        if lesion is None or lesion.locked or lesion.status in (NEW, EDITED):
            return
        if self.busy:
            self._afterwards = lesion.id
        else:
            self.start([lesion.id])

    def undo(self) -> None:
        """Take the last change of a segment back."""
        self._travel(self.tab.session.history.undo, "Undone")

    def redo(self) -> None:
        """Do it again."""
        self._travel(self.tab.session.history.redo, "Redone")

    def _travel(self, move: Callable[[], str], word: str) -> None:
        self.tab.touchUp.endStroke()
        if self.busy:
            return
        self._dropMeasuring()
        title = move()
        if title:
            self._following.rest()
            self.tab.say(f"{word}: {title}")
            self.tab.measureSoon()

    def _dropMeasuring(self) -> None:
        """Something more urgent begins; what was being measured is measured again after it."""
        if self.tab.session.busy and not self.busy:
            self.tab.session.cancel()

    def _options(self) -> SegmentOptions:
        state = self.tab.state
        threshold = float(state.threshold) / 100 if state.useThreshold else None
        return SegmentOptions(threshold=threshold)

    def _tick(self) -> None:
        """Elapsed time, while something is computed."""
        if self._ticking is not None and not self._ticking.done():
            return

        async def tick() -> None:
            while self.busy:
                with self.tab.state as state:
                    seconds = time.monotonic() - self._began
                    state.message = f"{self._words}, {seconds:.0f} s"
                    state.messageKind = ""
                await asyncio.sleep(TICK_SECONDS)

        self._ticking = asyncio.get_running_loop().create_task(tick())

    def _onProgress(self, fraction: float, text: str) -> None:
        self._words = text
        with self.tab.state as state:
            state.progress = int(100 * fraction)

    def _onDone(self, report: RunReport) -> None:
        tab = self.tab
        tab.appearance.showMasks()
        tab.say(summary(report), "warning" if hasNotes(report) else "")
        tab.refreshSoon()
        lesion = tab.session.lesions.lesion(self._afterwards)
        self._afterwards = ""
        if lesion is not None and not lesion.locked:
            self.start([lesion.id])
        elif tab.state.follow:
            self._following.runEnded()

    def _onError(self, error: Exception) -> None:
        if isinstance(error, Cancelled):
            self.tab.say("Cancelled; everything is as it was.")
        else:
            self.tab.sayError(error)
        self.tab.refreshSoon()
