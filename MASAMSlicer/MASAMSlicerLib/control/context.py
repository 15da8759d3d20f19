"""What the parts of a front end share: what is chosen, and how things are said."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable
from typing import Any

from masam_core.errors import MasamError

from ..scene.lesions import LesionEntry
from ..session.session import Session
from ..translation import tr as _
from .front import ERROR, PLAIN
from .standing import Standing, situationOf


class Context(ABC):
    """Half of a :class:`~MASAMSlicerLib.control.front.Front`; the other half has widgets.

    A part of a front end is given the context and knows neither its siblings nor what holds them
    all together.

    Args:
        session: the lesions and the worker.
        situation: what messages are about besides the lesions, as it is now.
    """

    def __init__(self, session: Session, situation: Callable[[], Hashable]) -> None:
        self.session = session
        self._standing = Standing(lambda: (situation(), situationOf(session, self.volume)))

    @property
    @abstractmethod
    def volume(self) -> Any:
        """The chosen volume node, or None."""

    @property
    @abstractmethod
    def chosen(self) -> str:
        """Id of the selected lesion, or an empty text."""

    @abstractmethod
    def select(self, lesionId: str) -> None:
        """Make a lesion the selected one."""

    @abstractmethod
    def show(self, text: str, kind: str) -> None:
        """Write the message; kind is PLAIN, WARNING or ERROR."""

    @abstractmethod
    def progress(self, fraction: float | None) -> None:
        """Show how much of a run is done, in [0, 1]; None: nothing is running."""

    @abstractmethod
    def refreshSoon(self, *_: Any) -> None:
        """Show the scene as it is now, once, after everything that is going on."""

    @abstractmethod
    def later(self, milliseconds: int, action: Callable[[], None]) -> Callable[[], None]:
        """Call ``action`` once after so long; what is returned calls it off."""

    @property
    def selected(self) -> LesionEntry | None:
        """The selected lesion of the chosen volume."""
        lesion = self.session.lesions.lesion(self.chosen) if self.chosen else None
        return lesion if lesion is not None and lesion.volume is self.volume else None

    def lesions(self) -> list[LesionEntry]:
        """The lesions of the chosen volume."""
        return self.session.lesions.lesions(self.volume) if self.volume is not None else []

    def say(self, text: str, kind: str = PLAIN, holds: Callable[[], bool] | None = None) -> None:
        """Show a message under the large button.

        It stands as long as ``holds`` says so; if that is not given, as long as what is chosen and
        the list of lesions are what they are.
        """
        self.show(text, kind)
        self._standing.said(holds)

    def sayError(self, error: Exception, holds: Callable[[], bool] | None = None) -> None:
        """Show an error in the user's words; no window pops up. ``holds``: see :meth:`say`."""
        text = str(error) or type(error).__name__
        if not isinstance(error, (MasamError, ValueError)):
            text = _("Something unforeseen happened: {what}").format(what=text)
        self.say(text, ERROR, holds)
        self.refreshSoon()

    def dropOldMessage(self) -> None:
        """Take away what was said where it is no longer so."""
        if self._standing.over():
            self.show("", PLAIN)
