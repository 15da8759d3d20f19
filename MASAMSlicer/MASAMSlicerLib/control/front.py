"""What control asks of a front end."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from ..scene.lesions import LesionEntry
    from ..session.session import Session

PLAIN, WARNING, ERROR = "", "warning", "error"  # kinds of message

Later = Callable[[int, Callable[[], None]], Callable[[], None]]


class Front(Protocol):
    """A front end: the panel in Slicer, a tab of the workbench, or a test.

    Attributes:
        session: the lesions and the worker.
    """

    session: Session

    @property
    def volume(self) -> Any:
        """The chosen volume node, or None."""

    @property
    def selected(self) -> LesionEntry | None:
        """The selected lesion of the chosen volume."""

    def lesions(self) -> list[LesionEntry]:
        """The lesions of the chosen volume."""

    def select(self, lesionId: str) -> None:
        """Make a lesion the selected one."""

    def say(self, text: str, kind: str = PLAIN, holds: Callable[[], bool] | None = None) -> None:
        """Show a message (PLAIN, WARNING or ERROR) for as long as ``holds`` says."""

    def sayError(self, error: Exception, holds: Callable[[], bool] | None = None) -> None:
        """Show an error."""

    def progress(self, fraction: float | None) -> None:
        """Show how much of a run is done, in [0, 1]; None: nothing is running."""

    def refreshSoon(self) -> None:
        """Show the scene as it is now, once, after everything that is going on."""

    def later(self, milliseconds: int, action: Callable[[], None]) -> Callable[[], None]:
        """Call ``action`` once after so long; what is returned calls it off."""
