"""The queue: what has become of each case, kept in a folder so that a run can be gone on with.

It never segments. The command line drives it from a loop, Slicer's panel from Qt events.
"""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from masam_core.atomic import atomic_path
from masam_core.errors import ConfigError, SegmentationError
from masam_core.export.measurements import COLUMNS, Cell, write_measurements

PENDING, RUNNING, DONE, FAILED = "pending", "running", "done", "failed"
STATE_FILE, TABLE_FILE, LOG_FOLDER = "batch.json", "measurements.csv", "logs"
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


@dataclass
class CaseState:
    """One case.

    Attributes:
        status: PENDING, RUNNING, DONE or FAILED.
        message: why it failed, or notes.
        seconds: that it took.
        rows: its measurements, keyed by ``masam_core.export.measurements.COLUMNS``.
    """

    status: str = PENDING
    message: str = ""
    seconds: float = 0.0
    rows: list[dict[str, Any]] = field(default_factory=list)


class BatchQueue:
    """Cases by name, in order.

    Args:
        names: of the cases, each once.
        folder: where state, logs and the table are kept; None keeps nothing.
        settings: what the results depend on; a folder of other settings is refused.
        fresh: forget what the folder says and begin anew.

    Raises:
        ConfigError: two cases of one name, or a folder with results of other settings.
        SegmentationError: the folder can't be written.
    """

    def __init__(
        self,
        names: Sequence[str],
        folder: Path | None = None,
        settings: Mapping[str, Any] | None = None,
        fresh: bool = False,
    ) -> None:
        twice = sorted(name for name, count in Counter(names).items() if count > 1)
        if twice:
            raise ConfigError(f"Several cases are named {', '.join(twice)}; rename the files.")
        self.folder = folder
        self.settings = json.loads(json.dumps(dict(settings or {})))
        self.cases = {name: CaseState() for name in names}
        self._began = 0.0
        if folder is not None:
            self._open(folder, fresh)
            self._save()

    def next(self) -> str | None:
        """The first case that waits, or None."""
        return next((n for n, case in self.cases.items() if case.status == PENDING), None)

    def start(self, name: str) -> None:
        """The case is being worked on."""
        self.cases[name] = CaseState(RUNNING)
        self._began = time.monotonic()
        self._save()

    def finish(self, name: str, rows: Sequence[Mapping[str, Cell]], message: str = "") -> None:
        """The case is done; ``rows`` are its measurements."""
        seconds = time.monotonic() - self._began
        self.cases[name] = CaseState(DONE, message, seconds, [dict(row) for row in rows])
        self.log(name, f"Done in {seconds:.1f} s, {len(rows)} lesions.")
        self._save()

    def fail(self, name: str, message: str) -> None:
        """The case could not be done."""
        self.cases[name] = CaseState(FAILED, message, time.monotonic() - self._began)
        self.log(name, f"Failed: {message}")
        self._save()

    def cancel(self) -> None:
        """What is being worked on goes back to the cases that wait."""
        for name, case in self.cases.items():
            if case.status == RUNNING:
                self.cases[name] = CaseState()
                self.log(name, "Cancelled; it will be run again.")
        self._save()

    def retry_failed(self) -> None:
        """Cases that failed wait again."""
        for name, case in self.cases.items():
            if case.status == FAILED:
                self.cases[name] = CaseState()
        self._save()

    def requeue(self, name: str) -> None:
        """The case waits again, e.g. because its result was deleted."""
        self.cases[name] = CaseState()
        self._save()

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

    def log(self, name: str, text: str) -> None:
        """Add a line to the case's log."""
        if self.folder is None:
            return
        stamp = time.strftime("%Y-%m-%d %H:%M:%S")
        path = self.folder / LOG_FOLDER / f"{safe_name(name)}.log"
        with _reported(path):
            path.parent.mkdir(exist_ok=True)
            with path.open("a", encoding="utf-8") as file:
                file.write(f"{stamp}  {text}\n")

    def _open(self, folder: Path, fresh: bool) -> None:
        with _reported(folder):
            folder.mkdir(parents=True, exist_ok=True)
        state = folder / STATE_FILE
        if fresh or not state.is_file():
            return
        try:
            kept = json.loads(state.read_text("utf-8"))
            cases = {n: CaseState(**values) for n, values in kept["cases"].items()}
            settings = kept["settings"]
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ConfigError(
                f"{state} is damaged. Choose another folder for the results, or begin anew "
                "(--fresh)."
            ) from error
        if settings != self.settings:
            keys = sorted(set(settings) | set(self.settings))
            other = [k for k in keys if settings.get(k) != self.settings.get(k)]
            raise ConfigError(
                f"{folder} holds results of other settings ({', '.join(other)}). Use the same "
                "settings, another folder, or begin anew (--fresh)."
            )
        for name in self.cases:
            case = cases.get(name)
            if case is not None and case.status in (DONE, FAILED):
                self.cases[name] = case  # one that was running when the power failed runs again

    def _save(self) -> None:
        if self.folder is None:
            return
        state = {"settings": self.settings, "cases": {n: asdict(c) for n, c in self.cases.items()}}
        text = json.dumps(state, indent=1)
        path = self.folder / STATE_FILE
        with _reported(path), atomic_path(path) as temporary:
            temporary.write_text(text, "utf-8")
        rows = [
            {**dict.fromkeys(COLUMNS), **row, "case": name, "status": case.status}
            for name, case in self.cases.items()
            for row in case.rows or [{"messages": case.message}]
        ]
        write_measurements(self.folder / TABLE_FILE, rows, ("case", "status", *COLUMNS))


def safe_name(name: str) -> str:
    """A case's name as a file's, on every system."""
    safe = re.sub(r'[<>:"/\\|?*\x00-\x1f]', "_", name).rstrip(". ") or "_"
    return f"_{safe}" if _RESERVED.fullmatch(safe) else safe


@contextmanager
def _reported(path: Path) -> Iterator[None]:
    """Turns an OSError into one that says which file."""
    try:
        yield
    except OSError as error:
        raise SegmentationError(f"{path} can't be written: {error.strerror or error}.") from error
