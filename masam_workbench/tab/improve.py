"""Improve the model with my cases: a window over the page with progress, old against new, a yes."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from MASAMSlicerLib.control.improving import Improving, Outcome
from MASAMSlicerLib.scene.scenefile import saveScene
from MASAMSlicerLib.scene.volumes import volumeFromNode

from masam_core.errors import ConfigError, MasamError
from masam_workbench.front.transport import LoopTransport
from masam_workbench.tab.context import TabContext

FOLDER = "improve"
MOST_NOTES = 20


class Improve:
    """Gathers the lesions of this tab and of earlier ones, trains, compares, and waits for a yes.

    Args:
        context: of the tab.
        onTaken: called when a new model was taken over, to look for models again.
    """

    def __init__(self, context: TabContext, onTaken: Any) -> None:
        self.context, self._lookAgain = context, onTaken
        loop = asyncio.get_running_loop()
        self._improving = Improving(
            lambda command, environment: LoopTransport(command, environment, loop),
            self._show,
            self._onNote,
            self._onOutcome,
            self._onTaken,
            self._onEnd,
        )

    def press(self, everything: bool = False) -> None:
        """Start, or stop what is going on.

        Args:
            everything: take lesions that nobody has put right, too.
        """
        if self._improving.running:
            self._improving.cancel()
            self._write(words="Stopping ...")
            return
        try:
            self._begin(bool(everything))
        except MasamError as error:  # told in the window, which lies over the messages
            words = {"words": str(error), "failed": True}
            self.context.state.improve = {"open": True, "running": False, **words}

    def _begin(self, everything: bool) -> None:
        context = self.context
        if context.settings.workerCommand.strip():
            raise ConfigError("The model is on another machine: improve it there (masam collect).")
        lesions = [lesion for lesion in context.lesions() if lesion.segment is not None]
        if context.volume is None or not lesions:
            raise ConfigError(
                "Segment a lesion and put it right first: the model learns from what you corrected."
            )
        if not everything and not any(lesion.corrected for lesion in lesions):
            raise ConfigError(
                "No lesion of this image was put right yet. Correct, confirm or lock one, or take "
                "all of them."
            )
        folder = context.folder / FOLDER
        folder.mkdir(exist_ok=True)
        # By its content: the same image once more is the same case.
        path = folder / f"{volumeFromNode(context.volume).content_hash[:16]}.mrb"
        saveScene(context.scene, path)
        context.state.improve = {"open": True, "running": True, "percent": 0, "notes": []}
        self._start(path, everything)

    def take(self) -> None:
        """Take the new model over."""
        if self._improving.waiting:
            self._write(waiting=False, words="It is being kept ...")
            self._improving.take()

    def close(self) -> None:
        """Close the window, and stop what is going on; nothing is taken over."""
        self._improving.stop()
        self.context.state.improve = {}

    def _start(self, path: Path, everything: bool) -> None:
        context = self.context
        device = context.settings.device.split(":")[0]
        try:
            self._improving.start([path], context.state.model, everything, device, newest=True)
        except OSError as error:
            raise ConfigError(f"It could not be started: {error.strerror or error}.") from error

    def _show(self, fraction: float, words: str) -> None:
        self._write(percent=round(100 * fraction), words=words)

    def _onNote(self, words: str) -> None:
        notes = [*self.context.state.improve.get("notes", []), words]
        self._write(notes=notes[-MOST_NOTES:])

    def _onOutcome(self, outcome: Outcome) -> None:
        self._write(
            running=False,
            waiting=outcome.changed,
            words=outcome.verdict,
            about=[outcome.about, outcome.note],
            columns=list(outcome.columns),
            rows=[list(row) for row in outcome.rows],
            better=outcome.better,
        )

    def _onTaken(self, name: str) -> None:
        self._write(waiting=False, words=f"The new model is kept as '{name}' and chosen.")
        self._lookAgain(name)

    def _onEnd(self, problem: str) -> None:
        words = problem or "Stopped; nothing was changed."
        self._write(running=False, waiting=False, words=words, failed=bool(problem))

    def _write(self, **values: Any) -> None:
        """Tell the page; nothing where the window was closed meanwhile."""
        before = self.context.state.improve
        if before:
            self.context.state.improve = {**before, **values}
