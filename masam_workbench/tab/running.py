"""Segment, cancel, undo, redo, and the threshold of the selected lesion."""

from __future__ import annotations

from collections.abc import Callable

from MASAMSlicerLib.control.runner import Request, Runner
from MASAMSlicerLib.scene.lesions import EDITED, NEW
from MASAMSlicerLib.session.reports import RunReport

from masam_core.catalog.choice import ModelChoice
from masam_core.errors import ConfigError
from masam_core.inference.options import SegmentOptions
from masam_core.limits import THRESHOLD
from masam_workbench.tab.context import TabContext


class Running:
    """The large button, with the page's settings.

    Args:
        context: of the tab.
        stopTools: puts tools away that a run would disturb.
        onResult: shows what a run has found.
        measureSoon: measures segments that undo and redo have changed.
    """

    def __init__(
        self,
        context: TabContext,
        stopTools: Callable[[], None],
        onResult: Callable[[RunReport], None],
        measureSoon: Callable[[], None],
    ) -> None:
        self.context = context
        self._measureSoon = measureSoon
        self.runner = Runner(
            context,
            request=self._request,
            follows=lambda: bool(context.state.follow),
            before=stopTools,
            onStart=context.refresh,
            onResult=onResult,
            # Measuring again after a stroke does not count: it gives way.
            busy=lambda: context.session.segmenting,
        )

    @property
    def busy(self) -> bool:
        """Whether a lesion is being segmented."""
        return self.runner.busy

    def again(self, lesionId: str) -> None:
        """Segment a lesion whatever its state, also one that was edited by hand."""
        self.runner.again([lesionId])

    def setFollow(self, follow: bool) -> None:
        """Say whether a box that was moved is segmented again."""
        self.context.state.follow = bool(follow)

    def setModel(self, name: str) -> None:
        """Choose the model of the next runs.

        Raises:
            ConfigError: it is not here.
        """
        known = [each["name"] for each in self.context.state.models]
        if name not in known:
            raise ConfigError(f"There is no model '{str(name)[:80]}' here.")
        self.context.state.model = name
        self.context.refreshSoon()  # what it needs is another

    def setThreshold(self, use: bool, percent: float) -> None:
        """Segment the selected lesion again from what is computed already.

        The page says the values with the request: its state comes a moment later.

        Args:
            use: instead of the model's own.
            percent: probability from which a voxel belongs to the lesion.
        """
        state = self.context.state
        state.useThreshold = bool(use)
        state.threshold = min(max(float(percent), 100 * THRESHOLD.low), 100 * THRESHOLD.high)
        lesion = self.context.selected
        if lesion is not None and not lesion.locked and lesion.status not in (NEW, EDITED):
            self.runner.nowOrAfter(lesion.id)

    def undo(self) -> None:
        """Take the last change of a segment back."""
        self._travel(self.runner.undo)

    def redo(self) -> None:
        """Do it again."""
        self._travel(self.runner.redo)

    def _travel(self, move: Callable[[], bool]) -> None:
        if move():
            self._measureSoon()

    def choice(self) -> ModelChoice:
        """Model and device of the next run."""
        return ModelChoice(self.context.state.model, device=self.context.settings.device)

    def _request(self) -> Request:
        state = self.context.state
        threshold = float(state.threshold) / 100 if state.useThreshold else None
        choice = self.choice()
        options = {"threshold": threshold, "diameter_plane": state.diameterPlane}
        return Request(choice, SegmentOptions.from_dict(options))
