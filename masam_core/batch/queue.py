"""The queue: what has become of each case, kept in a folder so that a run can be gone on with.

It never segments. The command line drives it from a loop, Slicer's panel from Qt events.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from masam_core.atomic import append_text
from masam_core.batch.fingerprint import changes, same_content
from masam_core.batch.lock import FolderLock
from masam_core.batch.names import safe_name
from masam_core.batch.shards import require_no_shards
from masam_core.batch.states import (
    DONE,
    FAILED,
    PENDING,
    RUNNING,
    SCENE,
    TABLE_FILE,
    CaseState,
    StateFolder,
    reported,
    state_folder,
)
from masam_core.errors import ConfigError, SegmentationError
from masam_core.export.measurements import COLUMNS, Cell, write_measurements
from masam_core.image.readable import readable

LOG_FOLDER = "logs"
TABLE_COLUMNS = ("case", "status", *COLUMNS)


class Held(Protocol):
    """A lock that its holder lets go of."""

    def release(self) -> None:
        """Let others write; does nothing the second time."""


class BatchQueue:
    """Cases by name, in order.

    Where it has a folder, that is the queue's alone from :meth:`hold` to :meth:`release`. Results
    of other inputs that lie there stay, also in the table.

    Args:
        names: of the cases, each once.
        folder: where states, logs and the table are kept; None keeps nothing.
        made_of: what the result of each case depends on; a case that was worked through with
            something else waits again.
        fresh: forget what the folder says of these cases and begin anew.
        resumable: go on with the states that are kept.
        sources: path of each case's image; a case of the same name and of another image is refused.
        held: the lock, where the caller has it.
        alone: the folder is this queue's alone; False where it is one of several shards, of which
            each cares for its own cases and none for the table.

    Attributes:
        notes: what a user should know of how it begins.

    Raises:
        ConfigError: two cases of one name, or the folder holds one of this name and another image;
            see also StateFolder.
        SegmentationError: the folder can't be written.
    """

    def __init__(
        self,
        names: Sequence[str],
        folder: Path | None = None,
        made_of: Mapping[str, Mapping[str, Any]] | None = None,
        fresh: bool = False,
        resumable: bool = True,
        sources: Mapping[str, str] | None = None,
        held: Held | None = None,
        alone: bool = True,
    ) -> None:
        twice = sorted(name for name, count in Counter(names).items() if count > 1)
        if twice:
            raise ConfigError(f"Several cases are named {', '.join(twice)}; rename the files.")
        self.folder = folder
        self.cases = {name: CaseState() for name in names}
        self.notes: list[str] = []
        self._names = list(names)
        self._places = {name: place for place, name in enumerate(names)}
        self._first = 0  # no case before this one waits
        self._counts = Counter({PENDING: len(self._names)})
        given = made_of or {}
        self._made_of = {name: _plain(given.get(name, {})) for name in names}
        unknown = "" if resumable else SCENE
        self._sources = {name: (sources or {}).get(name, unknown) for name in names}
        self._began: dict[str, float] = {}
        self._states: StateFolder | None = None
        self._lock = held
        self._alone = alone
        if folder is not None:
            with reported(folder):
                folder.mkdir(parents=True, exist_ok=True)
            state_folder(folder, fresh)
            self._states = StateFolder(folder)
            if fresh:
                self._states.forget(names, gone=alone)
            self._open(self._states, resumable)

    def hold(self) -> None:
        """Keep others from writing into the folder; ConfigError where somebody does."""
        if self.folder is not None and self._lock is None:
            self._lock = lock_folder(self.folder)

    def release(self) -> None:
        """Let others write into the folder."""
        lock, self._lock = self._lock, None
        if lock is not None:
            lock.release()

    def knows(self, name: str) -> bool:
        """Whether the folder holds a state of a case, from this run or an earlier one."""
        return self._states is not None and self._states.has(name)

    def made_of(self, name: str) -> dict[str, Any]:
        """What the result of a case depends on now."""
        return dict(self._made_of[name])

    def next(self) -> str | None:
        """The first case that waits, or None."""
        while self._first < len(self._names):
            name = self._names[self._first]
            if self.cases[name].status == PENDING:
                return name
            self._first += 1
        return None

    def start(self, name: str, made_of: Mapping[str, Any] | None = None) -> None:
        """The case is being worked on; ``made_of`` as it is now, where it may have changed."""
        if made_of is not None:
            self._made_of[name] = _plain({**self._made_of[name], **made_of})
        self._began[name] = time.monotonic()
        self._set(name, CaseState(RUNNING))

    def finish(
        self,
        name: str,
        rows: Sequence[Mapping[str, Cell]],
        message: str = "",
        seconds: float | None = None,
    ) -> None:
        """The case is done.

        Args:
            name: of the case.
            rows: its measurements.
            message: notes for people.
            seconds: that it took; None counts from its start.
        """
        seconds = self._seconds(name, seconds)
        self.log(name, f"Done in {seconds:.1f} s, {len(rows)} lesions.")
        self._set(name, CaseState(DONE, message, seconds, [dict(row) for row in rows]))

    def fail(self, name: str, message: str, seconds: float | None = None) -> None:
        """The case could not be done; ``seconds`` as in :meth:`finish`."""
        self.log(name, f"Failed: {message}")
        self._set(name, CaseState(FAILED, message, self._seconds(name, seconds)))

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
        return self._counts[status]

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
        if self.folder is None or not self._alone:
            return
        others = self._states.others(self.cases) if self._states is not None else []
        rows = [
            row
            for n, group in enumerate((self.cases.items(), others))
            for name, case in group
            # A case of another input that ran when its process was killed waits for the next run.
            for row in table_rows(name, case, PENDING if n else RUNNING)
        ]
        write_measurements(self.folder / TABLE_FILE, rows, TABLE_COLUMNS)

    def log(self, name: str, text: str) -> None:
        """Add a line to the case's log."""
        if self.folder is None:
            return
        stamp = time.strftime("%Y-%m-%d %H:%M:%S")
        path = self.folder / LOG_FOLDER / f"{safe_name(name)}.log"
        with reported(path):
            path.parent.mkdir(exist_ok=True)
        append_text(path, f"{stamp}  {text}\n", SegmentationError)

    def _open(self, states: StateFolder, resumable: bool) -> None:
        again: dict[str, list[str]] = {}
        foreign: dict[str, str] = {}
        for name in self.cases:
            try:
                kept = states.read(name)
            except ConfigError as error:
                self.notes.append(f"{name} is run again: {error}")
                continue
            if kept is None:
                continue
            if self._is_foreign(name, kept):
                foreign[name] = kept.source
            elif not resumable or not kept.ended:
                continue  # one that was running when the power failed runs again
            elif other := changes(kept.made_of, self._made_of[name]):
                self.cases[name].message = f"Run again: {other}."
                again.setdefault(other, []).append(name)
            else:
                self._keep(name, kept)
        if foreign:
            raise ConfigError(self._refusal(foreign))
        for reason, names in again.items():
            who = names[0] if len(names) == 1 else f"{len(names)} cases"
            self.notes.append(f"{who} will be run again: {reason}.")
        if self._alone and (others := states.count_others(self.cases)):
            which = "1 case" if others == 1 else f"{others} cases"
            self.notes.append(
                f"{self.folder} also holds {which} that this input has not; kept, also in the "
                "table."
            )

    def _is_foreign(self, name: str, kept: CaseState) -> bool:
        """Whether a state is that of another image, or of a copy with other boxes.

        An input that was moved is gone on with; one of another reader, with boxes of their own on
        copies of the images, is not.
        """
        own = self._sources[name]
        if not own or not kept.source or own == kept.source:
            return False
        now = self._made_of[name]
        if kept.made_of.get("boxes") != now.get("boxes"):
            return True
        return not same_content(kept.made_of.get("image"), now.get("image"))

    def _refusal(self, foreign: Mapping[str, str]) -> str:
        name, source = next(iter(foreign.items()))
        more = f", and {len(foreign) - 1} more" if len(foreign) > 1 else ""
        of = "a loaded volume" if source == SCENE else readable(source)
        return (
            f"{self.folder} holds results of other images or boxes with the same names: '{name}' "
            f"is of {of}{more}. Choose another folder for the results (or begin these cases anew, "
            "--fresh)."
        )

    def _set(self, name: str, state: CaseState) -> None:
        state.made_of, state.source = self._made_of[name], self._sources[name]
        state.message = readable(state.message)
        self._keep(name, state)
        if self._states is not None:
            self._states.write(name, state)

    def _keep(self, name: str, state: CaseState) -> None:
        self._counts[self.cases[name].status] -= 1
        self._counts[state.status] += 1
        self.cases[name] = state
        if state.status == PENDING:
            self._first = min(self._first, self._places[name])

    def _seconds(self, name: str, told: float | None) -> float:
        began = self._began.pop(name, None)
        if told is not None:
            return told
        return 0.0 if began is None else time.monotonic() - began


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as they are when JSON gives them back."""
    return dict(json.loads(json.dumps(dict(values))))


def lock_folder(results: Path, fresh: bool = False) -> FolderLock:
    """The lock of a folder of results.

    Args:
        results: the folder, made if it is not there.
        fresh: whatever lies there may be replaced; see ``state_folder``.

    Raises:
        ConfigError: another batch writes there, or it holds results of something else.
        SegmentationError: it can't be written.
    """
    folder = state_folder(results, fresh)
    with reported(folder):
        lock = FolderLock(folder)
        try:
            require_no_shards(folder)
        except BaseException:
            lock.release()
            raise
    return lock


def table_rows(name: str, case: CaseState, running: str = PENDING) -> list[dict[str, Any]]:
    """The rows of a case in the table, by TABLE_COLUMNS.

    Args:
        name: of the case.
        case: what has become of it.
        running: status that is shown of a case that was running when its state was written.
    """
    status = running if case.status == RUNNING else case.status
    return [
        {**dict.fromkeys(COLUMNS), **row, "case": name, "status": status}
        for row in case.rows or [{"messages": case.message}]
    ]
