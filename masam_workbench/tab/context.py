"""What the parts of a tab share; none of them knows the tab or its siblings."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from MASAMSlicerLib.control.context import Context
from MASAMSlicerLib.control.front import ERROR
from MASAMSlicerLib.scene.nodes import nodesOfClass
from MASAMSlicerLib.session.session import Session

from masam_core.catalog.choice import ModelChoice
from masam_workbench.tab.application import Application
from masam_workbench.tab.state import State
from masam_workbench.tab.words import plain, wordsOf

REFRESH_MS = 40


@dataclass(frozen=True)
class Settings:
    """Settings of the machine.

    Attributes:
        device: ``auto`` or a device's name.
        workerCommand: of the worker; empty for the one on this machine.
    """

    device: str = ModelChoice.device
    workerCommand: str = ""


class TabContext(Context):
    """Scene, choices and messages.

    Args:
        state: shared with the page.
        folder: the only place on disk that this tab writes to.
        settings: of the machine.
        application: the scene and its logics.
        session: the lesions and the worker.
        refresh: brings the page in line with the scene.

    Attributes:
        scene: vtkMRMLScene.
        devices: what the worker has said about its devices; empty until it has.
    """

    def __init__(
        self,
        state: State,
        folder: Path,
        settings: Settings,
        application: Application,
        session: Session,
        refresh: Callable[[], None],
    ) -> None:
        super().__init__(session, lambda: self.state.tool)
        self.state, self.folder, self.settings = state, folder, settings
        self.application, self.scene = application, application.scene
        self.devices: list[dict[str, Any]] = []
        self._volume: Any = None
        self._refresh = refresh
        self._callOff: Callable[[], None] | None = None

    @property
    def volume(self) -> Any:
        """The image that is shown, or None."""
        return self._volume

    @volume.setter
    def volume(self, node: Any) -> None:
        self._volume = node

    @property
    def chosen(self) -> str:
        """Id of the selected lesion, or an empty text."""
        return str(self.state.selected)

    def nodes(self, kind: str) -> list[Any]:
        """Nodes of a class."""
        return nodesOfClass(self.scene, kind)

    def select(self, lesionId: str) -> None:
        """Make a lesion the selected one."""
        self.state.selected = lesionId
        self.refreshSoon()

    def sayError(self, error: Exception, holds: Callable[[], bool] | None = None) -> None:
        """Show an error in the user's words; what nobody foresaw says nothing of its insides."""
        self.say(wordsOf(error), ERROR, holds)
        self.refreshSoon()

    def show(self, text: str, kind: str) -> None:
        """Write the lines under the large button."""
        text = plain(text, self.folder)
        self.state.message, self.state.messageKind = text, kind
        self.state.messages = [
            {"text": line, "kind": kind or "plain"} for line in text.splitlines() if line.strip()
        ]

    def progress(self, fraction: float | None) -> None:
        """Show how much of a run is done, on the large button."""
        self.state.progress = int(100 * (fraction or 0.0))

    def refreshSoon(self, *_: Any) -> None:
        """Refresh once, after everything that is going on now."""
        if self._callOff is None:
            self._callOff = self.later(REFRESH_MS, self.refresh)

    def refresh(self) -> None:
        """Refresh at once."""
        if self._callOff is not None:
            self._callOff()
            self._callOff = None
        self._refresh()

    def later(self, milliseconds: int, action: Callable[[], None]) -> Callable[[], None]:
        """Call ``action`` once after so long; what is returned calls it off."""
        return asyncio.get_running_loop().call_later(milliseconds / 1000, action).cancel
