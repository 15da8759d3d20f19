"""Segment, cancel, undo, redo: one run at a time, and the mask follows the box."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from masam_core.errors import MasamError

from ..session.reports import RunReport
from ..translation import tr as _
from ..wording import hasNotes, summary
from .following import Following
from .front import PLAIN, WARNING, Front
from .telling import Telling

if TYPE_CHECKING:
    from masam_core.inference.options import SegmentOptions
    from masam_core.worker.steps import ModelChoice


@dataclass(frozen=True)
class Request:
    """What a run is started with.

    Attributes:
        choice, options: model and settings.
        segmentation: node for lesions that have none yet, or None.
        allFrames: a segment for every frame of a sequence.
        beside: where no node is given, whether that of the volume's other lesions will do.
    """

    choice: ModelChoice
    options: SegmentOptions
    segmentation: Any = None
    allFrames: bool = False
    beside: bool = True


class Runner:
    """Starts and cancels runs, and says how they go.

    Args:
        front: the front end.
        request: what is chosen for a run, asked at its start; may raise.
        follows: whether the user wants a box that has moved to be segmented again.
        before: puts tools away that a run would disturb.
        onStart: shows at once that a run has begun: a second click must find a button that says
            Cancel.
        onResult: shows what a run has found, be its volume the chosen one or not.
        busy: whether a run is going on; None: whether anything is being computed. What is computed
            while this is False gives way to a run.
        restored: told of the lesions that an undo or redo was about, so that a front end shows the
            settings that their masks were made with.
    """

    def __init__(
        self,
        front: Front,
        request: Callable[[], Request],
        follows: Callable[[], bool],
        before: Callable[[], None],
        onStart: Callable[[], None],
        onResult: Callable[[RunReport], None],
        busy: Callable[[], bool] | None = None,
        restored: Callable[[Sequence[str]], None] = lambda _: None,
    ) -> None:
        self._front, self._session = front, front.session
        self._request, self._follows = request, follows
        self._before, self._onStart, self._onResult = before, onStart, onResult
        self._restored = restored
        self._isBusy = busy or (lambda: self._session.busy)
        self._following = Following(
            front.session, lambda ids: self.start(ids), lambda: front.volume
        )
        self._telling = Telling(front, lambda: self.busy)
        self._after = ""  # a lesion that is segmented again when this run has ended
        self._asked: list[str] = []  # lesions with corrections that came during this run
        self._drafts: list[str] = []  # lesions with corrections that no result has taken yet

    @property
    def busy(self) -> bool:
        """Whether a run is going on."""
        return self._isBusy()

    def press(self) -> None:
        """The large button: cancel what is going on, or segment what is new or changed."""
        if self.busy:
            self._following.forget()
            self._after = ""
            self._asked.clear()
            self._session.cancel()
        elif self._front.volume is not None:
            pending = self._session.pending(self._front.volume)
            if pending:
                self.start([lesion.id for lesion in pending])
            else:
                self._front.say(_("Draw a box around a lesion first (B), or change one."))

    def again(self, lesionIds: Sequence[str]) -> None:
        """Segment lesions whatever their state, also those that were edited by hand."""
        if lesionIds and not self.busy:
            self.start(lesionIds)

    def nowOrAfter(self, lesionId: str) -> None:
        """Segment a lesion, after the run that is going on if there is one."""
        if self.busy:
            self._after = lesionId
        else:
            self.start([lesionId])

    def ask(self, lesionId: str) -> None:
        """Answer a correction, or the prompt that a lesion begins with, now or after this run.

        Where it is cancelled or fails, the prompt goes again: everything is as it was.
        """
        self._following.noted(lesionId)
        self._drafts.append(lesionId)
        if self.busy:
            if lesionId not in self._asked:
                self._asked.append(lesionId)
            self._front.refreshSoon()
        else:
            self.start([lesionId])

    def noted(self, lesionId: str) -> None:
        """Box and prompts of a lesion were put where they are by the program itself."""
        self._following.noted(lesionId)

    def start(self, lesionIds: Sequence[str], extend: tuple[str, ...] = ()) -> None:
        """Segment lesions with what is chosen.

        Args:
            lesionIds: which.
            extend: words of the sides at which their boxes are extended.
        """
        self._before()
        self._giveWay()
        if not self.busy:
            self._telling.begin()
        try:
            request = self._request()
            self._session.segment(
                lesionIds,
                request.choice,
                request.options,
                self._telling.progress,
                self._onDone,
                self._onError,
                request.segmentation,
                request.allFrames,
                request.beside,
                *((extend,) if extend else ()),
            )
        except Exception as error:  # also an unforeseen one: the button must not stay busy
            self._takeBack()
            self._front.sayError(error)
        else:
            if self.busy:
                self._telling.show()
        self._onStart()
        self._front.refreshSoon()

    def follow(self, lesionId: str) -> None:
        """A box has come to rest: segment it again if the user wants that."""
        follows = self._follows()
        if follows:
            self._giveWay()
        self._following.boxMoved(lesionId, follows)
        self._front.refreshSoon()

    def undo(self) -> bool:
        """Take the last change back; whether there was one."""
        return self._travel(self._session.history.undo, _("Undone: {title}"))

    def redo(self) -> bool:
        """Do it again; whether there was something to be done again."""
        return self._travel(self._session.history.redo, _("Redone: {title}"))

    def _travel(self, move: Callable[[], str], words: str) -> bool:
        if self.busy:
            return False
        self._giveWay()
        try:
            title = move()
        except MasamError as error:  # of a locked lesion; nothing has changed
            self._front.sayError(error)
            return False
        if title:
            self._following.rest()
            self._restored(self._session.history.travelled)
            self._front.say(words.format(title=title))
        self._front.refreshSoon()
        return bool(title)

    def _giveWay(self) -> None:
        """Something more urgent begins than what is being computed."""
        if self._session.busy and not self.busy:
            self._session.cancel()

    def _takeBack(self, lesions: Sequence[str] | None = None) -> str:
        """Take back the corrections that have come to nothing; None: all of them.

        Returns:
            What stays all the same, in words; empty where everything is as it was.
        """
        later, left = 0, False
        for lesion in reversed(self._drafts):
            if lesions is None or lesion in lesions:
                stays = self._session.history.takeBack(lesion)
                if stays is None:
                    found = self._session.lesions.lesion(lesion)
                    left = left or (found is not None and found.asks)
                else:
                    later = max(later, stays)
                    self._session.states.pop(lesion, None)  # as it was
                self._following.noted(lesion)
        self._drafts.clear()
        if left:
            return _("a prompt that was not answered is still there: delete it, or press Segment.")
        return _("what you did meanwhile stays.") if later else ""

    def _onDone(self, report: RunReport) -> None:
        self._telling.end()
        self._drafts = [x for x in self._drafts if x in self._asked or x in _failed(report)]
        waiting = [x for x in self._drafts if x in self._asked]
        if not waiting:
            self._takeBack(_failed(report))
        self._onResult(report)
        words, elsewhere = summary(report), self._elsewhere(report)
        if elsewhere:
            words = _("{volume}: {words}").format(volume=elsewhere, words=words)
        self._front.say(words, WARNING if hasNotes(report) else PLAIN)
        self._front.refreshSoon()
        self.goOn()

    def goOn(self) -> None:
        """Start what has waited for the end of a run, be it of lesions or of a whole volume."""
        after, self._after = self._session.lesions.lesion(self._after), ""
        if after is not None and not after.locked:
            self.start([after.id])
        elif self._asked:
            self.start([self._asked.pop(0)])
        elif self._follows():
            self._following.runEnded()

    def callOff(self) -> str:
        """Forget what has waited for the end of a run that has come to nothing.

        Returns:
            What stays all the same, in words; empty where everything is as it was.
        """
        self._after = ""
        self._asked.clear()
        return self._takeBack()

    def _elsewhere(self, report: RunReport) -> str:
        """Name of a run's volume where another one has been chosen since; else an empty text."""
        found = [self._session.lesions.lesion(each.lesion) for each in report.lesions]
        volumes = [lesion.volume for lesion in found if lesion is not None]
        names = [volume.GetName() for volume in volumes if volume is not None]
        return str(names[0]) if names and self._front.volume not in volumes else ""

    def _onError(self, error: Exception) -> None:
        self._telling.end()
        self._telling.failed(error, self.callOff())
        self._front.refreshSoon()


def _failed(report: RunReport) -> list[str]:
    """Lesions of a run that have got no mask."""
    return [each.lesion for each in report.failed]
