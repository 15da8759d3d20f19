"""Segment a whole volume without prompts: start, cancel, and what is said of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..session.whole import WholeReport
from ..translation import tr as _
from ..wording import wholeSummary
from .front import PLAIN, WARNING, Front
from .runner import Runner
from .telling import Telling

if TYPE_CHECKING:
    from masam_core.inference.options import SegmentOptions
    from masam_core.worker.steps import ModelChoice


@dataclass(frozen=True)
class WholeRequest:
    """What a run is started with.

    Attributes:
        choice, options: model and settings.
        classes: names of those that are wanted; empty for all.
        segmentation: node for the result; None for that of an earlier run of the same model on
            the same volume, or a new one.
    """

    choice: ModelChoice
    options: SegmentOptions
    classes: Sequence[str] = ()
    segmentation: Any = None


class SegmentAll:
    """Starts and cancels the run, and says how it goes; nothing else runs meanwhile.

    Args:
        front: the front end.
        request: what is chosen for a run, asked at its start; may raise.
        before: puts tools away that a run would disturb.
        onStart: shows at once that a run has begun.
        onResult: shows what was found.
        runner: of the lesions, whose runs wait for this one.
    """

    def __init__(
        self,
        front: Front,
        request: Callable[[], WholeRequest],
        before: Callable[[], None] = lambda: None,
        onStart: Callable[[], None] = lambda: None,
        onResult: Callable[[WholeReport], None] = lambda _: None,
        runner: Runner | None = None,
    ) -> None:
        self._front, self._session = front, front.session
        self._request, self._before = request, before
        self._onStart, self._onResult, self._runner = onStart, onResult, runner
        self._telling = Telling(front, lambda: self.running)
        self.running = False

    def press(self) -> None:
        """The button: cancel what is being segmented, or segment the chosen volume."""
        if self._session.segmenting:
            if self._runner is not None:
                self._runner.press()  # it cancels, and forgets what has waited
            else:
                self._session.cancel()
        elif self._front.volume is not None:
            self.start()
        else:
            self._front.say(_("Choose a volume first."))

    def start(self) -> None:
        """Segment the chosen volume with what is chosen; what is only measured gives way."""
        self._before()
        if self._session.busy and not self._session.segmenting:
            self._session.cancel()
        self._telling.begin()
        volume = self._front.volume
        try:
            request = self._request()
            self.running = True
            self._session.segmentAll(
                volume,
                request.choice,
                request.options,
                self._telling.progress,
                self._onDone,
                self._onError,
                request.classes,
                request.segmentation,
            )
        except Exception as error:  # also an unforeseen one: the button must not stay busy
            self.running = False
            self._front.sayError(error)
        else:
            if self.running:
                self._telling.show()
        self._onStart()
        self._front.refreshSoon()

    def _end(self) -> None:
        self.running = False
        self._telling.end()

    def _onDone(self, report: WholeReport) -> None:
        self._end()
        self._onResult(report)
        words = wholeSummary(report)
        volume = self._front.volume
        if volume is None or volume.GetName() != report.volume:
            words = _("{volume}: {words}").format(volume=report.volume, words=words)
        wanting = bool(report.missing or report.kept or report.notes)
        self._front.say(words, WARNING if wanting else PLAIN)
        self._front.refreshSoon()
        if self._runner is not None:
            self._runner.goOn()

    def _onError(self, error: Exception) -> None:
        self._end()
        stays = "" if self._runner is None else self._runner.callOff()
        self._telling.failed(error, stays)
        self._front.refreshSoon()
