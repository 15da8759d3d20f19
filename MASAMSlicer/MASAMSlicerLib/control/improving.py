"""Improve the model with the user's own cases: a process beside the front end's worker.

The scene is not touched, and no model is replaced: what came of it is shown as a table, and the new
model is taken only after a yes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from masam_core.improve.spec import ImproveSpec, own_data

from ..translation import tr as _
from .toldprocess import MakeProcess, ToldProcess

NAME = "my-cases"  # of a model that is kept, with a number where that is taken


@dataclass(frozen=True)
class Outcome:
    """Old against new, as a front end shows it.

    Attributes:
        columns: headings of the table.
        rows: its rows, the last one the mean.
        verdict: what to make of it, in a sentence.
        about: what was trained on and compared on.
        note: how it was measured.
        better: whether the new model is the better one on the held-out lesions.
        changed: whether there is a new model at all.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    verdict: str
    about: str
    note: str
    better: bool
    changed: bool


class Improving:
    """Starts it, follows it, stops it, and takes the new model over.

    Args:
        makeProcess: a transport to a process that is not started yet, of a command and an
            environment (``start``, ``write``, ``stop``, ``on_output``, ``on_closed``).
        show: called with the fraction done and words while it runs.
        onNote: called with a line for the user, such as a lesion that was left out and why.
        onOutcome: called with the table; it waits for :meth:`take` or :meth:`stop` then.
        onTaken: called with the name under which the new model is kept.
        onEnd: called at an end without a model: with what went wrong, or an empty text where it
            was stopped.
    """

    def __init__(
        self,
        makeProcess: MakeProcess,
        show: Callable[[float, str], None],
        onNote: Callable[[str], None],
        onOutcome: Callable[[Outcome], None],
        onTaken: Callable[[str], None],
        onEnd: Callable[[str], None],
    ) -> None:
        self._show, self._onNote = show, onNote
        self._onOutcome, self._onTaken, self._onEnd = onOutcome, onTaken, onEnd
        self._process = ToldProcess(
            makeProcess, "masam_core.improve", self._onEvent, self._onClosed
        )
        self._problem = ""
        self.outcome: Outcome | None = None

    @property
    def running(self) -> bool:
        """Whether it gathers, trains or compares."""
        return self._process.running and self.outcome is None

    @property
    def waiting(self) -> bool:
        """Whether there is a table, and a new model that may be taken."""
        return self._process.running and self.outcome is not None

    def start(
        self,
        sources: Sequence[Path],
        model: str,
        everything: bool = False,
        device: str = "auto",
        data: Path | None = None,
        newest: bool = False,
        **limits: float,
    ) -> None:
        """Start it; what is going on or waits is stopped.

        Args:
            sources: scenes, folders of results, or folders with such.
            model: that is improved.
            everything: take lesions that nobody has put right, too.
            device: on which is trained.
            data: folder of the data set; None is the user's own.
            newest: the sources are what the user has in front of them: their masks count, also
                where another file had the same lesion before.
            limits: ``minutes`` and ``steps`` at most.

        Raises:
            OSError: the process can't be started.
        """
        self.stop()
        folder = own_data() if data is None else data
        spec = ImproveSpec(
            tuple(sources), folder, model, None, everything, device=device, newest=newest
        )
        values = {**spec.to_dict(), **limits}
        self._problem, self.outcome = "", None

        def write(place: Path) -> Path:
            file = place / "spec.json"
            file.write_text(json.dumps(values), "utf-8")
            return file

        self._process.start(write)
        self._show(0.0, _("Starting ..."))

    def cancel(self) -> None:
        """Ask it to stop after what it is doing now; what was gathered stays."""
        self._process.say("cancel")

    def take(self, name: str = NAME) -> None:
        """Keep the new model under a name, with a number where that is taken."""
        if self.waiting:
            self._process.say(f"keep {name}")

    def stop(self) -> None:
        """End it now, without a word; nothing is taken over."""
        self._process.stop()

    def _onEvent(self, event: dict[str, Any]) -> None:
        kind = event["event"]
        if kind == "progress":
            self._show(float(event["fraction"]), str(event["text"]))
        elif kind == "note":
            self._onNote(str(event["message"]))
        elif kind == "outcome":
            given = {name: event[name] for name in Outcome.__dataclass_fields__}
            rows = tuple(tuple(row) for row in event["rows"])
            self.outcome = Outcome(**{**given, "columns": tuple(event["columns"]), "rows": rows})
            self._onOutcome(self.outcome)
        elif kind == "kept":
            self.stop()
            self._onTaken(str(event["name"]))
        elif kind == "error" and self.outcome is not None:
            self._onNote(str(event["message"]))  # it waits still: another name may do
        elif kind == "error":
            self._problem = str(event["message"])

    def _onClosed(self, words: str) -> None:
        self._onEnd(self._problem or words)
