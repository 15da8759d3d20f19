"""The queue: what has become of each case, kept in a folder so that a run can be gone on with.

It never segments. The command line drives it from a loop, Slicer's panel from Qt events.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from masam_core.atomic import append_text
from masam_core.batch.fingerprint import changes
from masam_core.batch.states import (
    DONE,
    FAILED,
    PENDING,
    RUNNING,
    CaseState,
    StateFolder,
    reported,
    safe_name,
)
from masam_core.errors import ConfigError, SegmentationError
from masam_core.export.measurements import COLUMNS, Cell, write_measurements

TABLE_FILE, LOG_FOLDER = "measurements.csv", "logs"


class BatchQueue:
    """Cases by name, in order.

    Args:
        names: of the cases, each once.
        folder: where states, logs and the table are kept; None keeps nothing.
        made_of: what the result of each case depends on; a case that was worked through with
            something else waits again.
        fresh: forget what the folder says and begin anew.
        resumable: keep the states, so that another queue can go on with them.

    Attributes:
        notes: what a user should know of how it begins.

    Raises:
        ConfigError: two cases of one name; see also StateFolder.
        SegmentationError: the folder can't be written.
    """

    def __init__(
        self,
        names: Sequence[str],
        folder: Path | None = None,
        made_of: Mapping[str, Mapping[str, Any]] | None = None,
        fresh: bool = False,
        resumable: bool = True,
    ) -> None:
        twice = sorted(name for name, count in Counter(names).items() if count > 1)
        if twice:
            raise ConfigError(f"Several cases are named {', '.join(twice)}; rename the files.")
        self.folder = folder
        self.cases = {name: CaseState() for name in names}
        self.notes: list[str] = []
        given = made_of or {}
        self._made_of = {name: _plain(given.get(name, {})) for name in names}
        self._began = 0.0
        self._states: StateFolder | None = None
        if folder is not None:
            with reported(folder):
                folder.mkdir(parents=True, exist_ok=True)
            if resumable:
                self._states = StateFolder(folder, fresh)
                self._open(self._states)

    def next(self) -> str | None:
        """The first case that waits, or None."""
        return next((n for n, case in self.cases.items() if case.status == PENDING), None)

    def take_over(self, name: str) -> bool:
        """Whether another process has worked this case through meanwhile; its state is taken then.

        A folder may be on a shared drive, and two people may have started the same batch.
        """
        state = self._ended_elsewhere(name)
        if state is not None:
            self.cases[name] = state
        return state is not None

    def start(self, name: str, made_of: Mapping[str, Any] | None = None) -> None:
        """The case is being worked on; ``made_of`` as it is now, where it may have changed."""
        if made_of is not None:
            self._made_of[name] = _plain({**self._made_of[name], **made_of})
        self._began = time.monotonic()
        self._set(name, CaseState(RUNNING))

    def finish(self, name: str, rows: Sequence[Mapping[str, Cell]], message: str = "") -> None:
        """The case is done; ``rows`` are its measurements."""
        seconds = time.monotonic() - self._began
        self.log(name, f"Done in {seconds:.1f} s, {len(rows)} lesions.")
        self._set(name, CaseState(DONE, message, seconds, [dict(row) for row in rows]))

    def fail(self, name: str, message: str) -> None:
        """The case could not be done."""
        self.log(name, f"Failed: {message}")
        self._set(name, CaseState(FAILED, message, time.monotonic() - self._began))

    def cancel(self) -> None:
        """What is being worked on goes back to the cases that wait."""
        for name, case in self.cases.items():
            if case.status == RUNNING:
                self.log(name, "Cancelled; it will be run again.")
                self._set(name, CaseState())

    def retry_failed(self) -> None:
        """Cases that failed wait again."""
        for name, case in self.cases.items():
            if case.status == FAILED:
                self._set(name, CaseState())

    def requeue(self, name: str, message: str = "") -> None:
        """The case waits again, e.g. because its result was deleted."""
        self._set(name, CaseState(message=message))

    def count(self, status: str) -> int:
        """How many cases have this status."""
        return sum(case.status == status for case in self.cases.values())

    def table(self) -> list[tuple[str, str, str]]:
        """(name, status, message) of every case."""
        return [(name, case.status, case.message) for name, case in self.cases.items()]

    def summary(self) -> str:
        """One line for people."""
        parts = [f"{self.count(DONE)} done", f"{self.count(FAILED)} failed"]
        if self.count(PENDING):
            parts.append(f"{self.count(PENDING)} not run")
        return ", ".join(parts) + "."

    def write_table(self) -> None:
        """Write measurements.csv from the states, at the end of a run and when it is stopped.

        Raises:
            SegmentationError: the file can't be written, e.g. because it is open in Excel.
        """
        if self.folder is None:
            return
        now = {name: self._ended_elsewhere(name) or case for name, case in self.cases.items()}
        rows = [
            {**dict.fromkeys(COLUMNS), **row, "case": name, "status": case.status}
            for name, case in now.items()
            for row in case.rows or [{"messages": case.message}]
        ]
        write_measurements(self.folder / TABLE_FILE, rows, ("case", "status", *COLUMNS))

    def log(self, name: str, text: str) -> None:
        """Add a line to the case's log."""
        if self.folder is None:
            return
        stamp = time.strftime("%Y-%m-%d %H:%M:%S")
        path = self.folder / LOG_FOLDER / f"{safe_name(name)}.log"
        with reported(path):
            path.parent.mkdir(exist_ok=True)
        append_text(path, f"{stamp}  {text}\n", SegmentationError)

    def _open(self, states: StateFolder) -> None:
        again: dict[str, list[str]] = {}
        for name in self.cases:
            try:
                kept = states.read(name)
            except ConfigError as error:
                self.notes.append(f"{name} is run again: {error}")
                continue
            if kept is None or not kept.ended:
                continue  # one that was running when the power failed runs again
            other = changes(kept.made_of, self._made_of[name])
            if other:
                self.cases[name].message = f"Run again: {other}."
                again.setdefault(other, []).append(name)
            else:
                self.cases[name] = kept
        for reason, names in again.items():
            who = names[0] if len(names) == 1 else f"{len(names)} cases"
            self.notes.append(f"{who} will be run again: {reason}.")

    def _ended_elsewhere(self, name: str) -> CaseState | None:
        """The state of a case that waits here and was worked through by another process."""
        if self._states is None or self.cases[name].status != PENDING:
            return None
        try:
            kept = self._states.read(name)
        except ConfigError:
            return None
        same = kept is not None and kept.ended and kept.made_of == self._made_of[name]
        return kept if same else None

    def _set(self, name: str, state: CaseState) -> None:
        state.made_of = self._made_of[name]
        self.cases[name] = state
        if self._states is not None:
            self._states.write(name, state)


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as they are when JSON gives them back."""
    return dict(json.loads(json.dumps(dict(values))))
