"""A front end without widgets, whose time passes when a test says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any


def makeDesk(session: Any, volume: Any = None) -> Any:
    """A context that keeps what was said and shown.

    Its ``said`` are (text, kind), its ``shown`` fractions of a run, its ``waiting`` what was asked
    for later; ``let(milliseconds)`` does what is due within that time.
    """
    from MASAMSlicerLib.control.context import Context

    class Desk(Context):
        volume: Any = None
        chosen: str = ""

        def __init__(self) -> None:
            super().__init__(session, lambda: None)
            self.volume = volume
            self.said: list[tuple[str, str]] = []
            self.shown: list[float | None] = []
            self.waiting: list[_Asked] = []
            self.now = 0
            self.refreshes = 0

        def select(self, lesionId: str) -> None:
            self.chosen = lesionId

        def show(self, text: str, kind: str) -> None:
            self.said.append((text, kind))

        def progress(self, fraction: float | None) -> None:
            self.shown.append(fraction)

        def refreshSoon(self, *_: Any) -> None:
            self.refreshes += 1

        def later(self, milliseconds: int, action: Callable[[], None]) -> Callable[[], None]:
            asked = _Asked(self.now + milliseconds, action)
            self.waiting.append(asked)

            def callOff() -> None:
                if asked in self.waiting:
                    self.waiting.remove(asked)

            return callOff

        def let(self, milliseconds: int) -> None:
            self.now += milliseconds
            due = [asked for asked in self.waiting if asked.at <= self.now]
            for asked in due:
                self.waiting.remove(asked)
            for asked in due:
                asked.action()

    return Desk()


@dataclass(eq=False)
class _Asked:
    """What is to be done at a time."""

    at: int
    action: Callable[[], None]


class Runs:
    """A session as far as a run matters; the test ends what was started."""

    def __init__(self) -> None:
        self.volume: Any = None
        self.busy = self.segmenting = False
        self.started: list[tuple[str, ...]] = []
        self.cancelled = 0
        self.titles: list[str] = []
        self.known: dict[str, Any] = {}
        self.lesions = SimpleNamespace(
            lesion=self.known.get, lesions=lambda *_: list(self.known.values())
        )
        self.history = SimpleNamespace(
            undo=self._travel, redo=self._travel, undoTitle="", redoTitle="", travelled=()
        )

    def add(self, name: str, locked: bool = False) -> None:
        self.known[name] = SimpleNamespace(
            id=name,
            name=name,
            locked=locked,
            roi=None,
            volume=self.volume,
            status="not segmented",
            segmentId=None,
            prompts=(),
            asks=False,
        )

    def pending(self, _volume: Any) -> list[Any]:
        return list(self.known.values())

    def segment(self, ids: Any, _choice: Any, _options: Any, *rest: Any) -> None:
        from masam_core.errors import MasamError

        if self.busy:  # as the real one
            raise MasamError("MASAM is still computing. Wait or cancel first.")
        self.busy = self.segmenting = True
        self.started.append(tuple(ids))
        self.onProgress, self.onDone, self.onError = rest[:3]
        self.onProgress(0.0, "starting")

    def cancel(self) -> None:
        from masam_core.errors import Cancelled

        self.cancelled += 1
        was, self.busy, self.segmenting = self.segmenting, False, False
        if was:
            self.onError(Cancelled("stopped"))

    def end(self, error: Exception | None = None, **found: Any) -> None:
        from MASAMSlicerLib.session.reports import LesionReport, RunReport

        self.busy = self.segmenting = False
        if error is not None:
            self.onError(error)
        else:
            names = self.started[-1]
            lesions = [LesionReport(name, name, **found) for name in names]
            self.onDone(RunReport(lesions, 1.0, {"device": "cpu"}))

    def _travel(self) -> str:
        return self.titles.pop() if self.titles else ""
