"""Unsaved work of earlier, offered on the start screen and taken up again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from masam_core.errors import MasamError
from masam_workbench.tab.autosave import Autosave
from masam_workbench.tab.context import TabContext
from masam_workbench.tab.works import Claim

_GONE = "This work is not there any more, or is open in another tab."


class Opens(Protocol):
    """What opens an image; see ``Images.open``."""

    async def open(
        self, path: Path, name: str, series: str | None = None, *, known: dict[str, Any]
    ) -> bool:
        """Read an image and show it; whether it was opened."""


class Continuing:
    """Offers what was left unsaved, also by a server or browser that has ended meanwhile.

    Args:
        context: of the tab.
        autosave: reads it.
        onTaken: called when work was taken up.
    """

    def __init__(
        self, context: TabContext, autosave: Autosave, onTaken: Callable[[], None]
    ) -> None:
        self.context, self._autosave = context, autosave
        self._onTaken = onTaken

    def list(self) -> None:
        """Tell the page what there is."""
        works = self._autosave.works
        self.context.state.works = [] if works is None else works.listed()

    async def take(self, images: Opens, identity: str) -> None:
        """Take a piece of work up where it was left.

        Raises:
            MasamError: it is not there any more, or can't be read; it stays on disk as it is.
        """
        works, context = self._autosave.works, self.context
        folder = works.folder(str(identity)) if works is not None else None
        if folder is None:
            self.list()
            raise MasamError(_GONE)
        claim = Claim()
        if not claim.hold(folder):  # before this tab's own image leaves
            self.list()
            raise MasamError(_GONE)
        try:
            path, facts = self._autosave.image(folder)
            opened = await images.open(path, facts["name"], known=facts)
            if opened:
                self._autosave.fill(folder, claim)
        except BaseException:
            claim.release()
            raise
        if not opened:
            claim.release()
            return
        context.say("Everything is as you left it.")
        context.refresh()
        self._onTaken()

    def forget(self, identity: str) -> None:
        """Delete a piece of work."""
        works = self._autosave.works
        folder = works.folder(str(identity)) if works is not None else None
        if works is not None and folder is not None:
            works.drop(folder)
        self.list()
