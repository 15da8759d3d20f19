"""What has become of each case: a file a case, so that one writer never undoes another's."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from masam_core.atomic import write_text
from masam_core.batch.names import file_key, safe_name
from masam_core.batch.stores import url_of
from masam_core.errors import ConfigError, MasamError, SegmentationError
from masam_core.jsonfile import read_json

PENDING, RUNNING, DONE, FAILED = "pending", "running", "done", "failed"
STATUSES = (PENDING, RUNNING, DONE, FAILED)
FOLDER = ".masam"  # in the folder of the results
EARLIER = "batch.json"  # one file for all cases, which no released version has written
TABLE_FILE = "measurements.csv"
SCENE = "(scene)"  # source of a case whose image is a loaded volume


@dataclass
class CaseState:
    """One case.

    Attributes:
        status: PENDING, RUNNING, DONE or FAILED.
        message: why it failed or waits again, or notes.
        seconds: that it took.
        rows: its measurements, keyed by ``masam_core.export.measurements.COLUMNS``.
        made_of: what the result depends on; see ``masam_core.batch.fingerprint``.
        source: path of its image, SCENE, or an empty text where it is not known.
    """

    status: str = PENDING
    message: str = ""
    seconds: float = 0.0
    rows: list[dict[str, Any]] = field(default_factory=list)
    made_of: dict[str, Any] = field(default_factory=dict)
    source: str = ""

    @property
    def ended(self) -> bool:
        """Whether it was worked through, well or not."""
        return self.status in (DONE, FAILED)


class StateFolder:
    """The states of a folder of results, each in ``.masam/NAME.json``.

    Args:
        results: folder of the results; made if it is not there.

    Raises:
        ConfigError: a folder with results of something else; see :func:`state_folder`.
        SegmentationError: the folder can't be written.
    """

    def __init__(self, results: Path) -> None:
        self._folder = state_folder(results)

    def read(self, name: str) -> CaseState | None:
        """The state of a case, or None where nothing is known.

        Where the system does not tell two names apart (a and A), it may be that of the other.

        Raises:
            ConfigError: a file that is damaged.
        """
        path = self._path(name)
        kept = _read(path)
        if kept is not None and file_key(kept[0]) != file_key(name):
            raise ConfigError(f"{path} is damaged: it is that of another case.")
        return None if kept is None else kept[1]

    def others(self, names: Collection[str]) -> list[tuple[str, CaseState]]:
        """Names and states of further cases than these, by name; a damaged file is a failed one."""
        return list(self._each(self._other_files(names)))

    def count_others(self, names: Collection[str]) -> int:
        """How many further cases there are than these."""
        return len(self._other_files(names))

    def all(self) -> Iterator[tuple[str, CaseState]]:
        """Names and states of all cases, by name, one after the other: there may be a million."""
        return self._each(self._other_files(()))

    def _other_files(self, names: Collection[str]) -> list[Path]:
        own = {self._path(name).name for name in names}
        # What a write that was killed has left behind begins with a dot.
        return sorted(
            path
            for path in self._folder.glob("*.json")
            if path.name not in own and not path.name.startswith(".")
        )

    @staticmethod
    def _each(paths: Iterable[Path]) -> Iterator[tuple[str, CaseState]]:
        for path in paths:
            try:
                kept = _read(path)
            except ConfigError as error:
                kept = path.stem, CaseState(FAILED, str(error))
            if kept is not None:
                yield kept

    def has(self, name: str) -> bool:
        """Whether there is a state of a case, damaged or not."""
        return self._path(name).is_file()

    def forget(self, names: Collection[str], gone: bool = True) -> None:
        """Forget these cases, and all others whose image is not there any more.

        Those of another input stay: they are nobody's to begin anew.

        Args:
            names: of the cases.
            gone: False leaves all others alone.
        """
        lost = [
            name
            for name, state in (self.others(names) if gone else ())
            if state.source != SCENE and not _may_be_there(state.source)
        ]
        with reported(self._folder):
            for name in (*names, *lost):
                self._path(name).unlink(missing_ok=True)

    def write(self, name: str, state: CaseState) -> None:
        """Keep the state of a case; SegmentationError where it can't be written."""
        path = self._path(name)
        text = json.dumps({"case": name, "state": asdict(state)}, indent=1)
        write_text(path, text, SegmentationError)

    def _path(self, name: str) -> Path:
        return self._folder / f"{safe_name(name)}.json"


def holds_results(folder: Path) -> bool:
    """Whether a folder is one of results."""
    return (folder / FOLDER).is_dir() or (folder / EARLIER).is_file()


def state_folder(results: Path, fresh: bool = False) -> Path:
    """The folder of the states, made if it is not there.

    Args:
        results: folder of the results; made, too.
        fresh: whatever lies there may be replaced.

    Raises:
        ConfigError: results of a version before 0.1.0, or a table that no batch has written.
        SegmentationError: it can't be made.
    """
    folder = results / FOLDER
    with reported(folder):
        if not folder.is_dir() and not fresh:
            _require_own(results)
        folder.mkdir(parents=True, exist_ok=True)
    return folder


def _require_own(results: Path) -> None:
    if (results / EARLIER).is_file():
        raise ConfigError(
            f"{results} holds results of an earlier version of MASAM ({EARLIER}), which can't "
            "be gone on with. Choose another folder, or begin anew (--fresh)."
        )
    if (results / TABLE_FILE).exists():
        raise ConfigError(
            f"{results} holds a {TABLE_FILE} that no batch has written. Choose another folder for "
            "the results, or move that file away."
        )


def _may_be_there(source: str) -> bool:
    """Whether an image is there; of one in an object store nobody is asked."""
    return bool(source) and (url_of(Path(source)) is not None or Path(source).exists())


def _read(path: Path) -> tuple[str, CaseState] | None:
    """Name and state in a file, or None where there is none; ConfigError where it is damaged."""
    try:
        kept = read_json(path, "state of a case") if path.exists() else None
        if kept is None:
            return None
        name, state = kept["case"], CaseState(**kept["state"])
        if not isinstance(name, str) or state.status not in STATUSES:
            raise ValueError(name)
        if not all(isinstance(row, dict) for row in state.rows):
            raise TypeError(state.rows)
        if not isinstance(state.made_of, dict) or not isinstance(state.source, str):
            raise TypeError(state.made_of)
    except (MasamError, OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{path} is damaged.") from error
    return name, state


@contextmanager
def reported(path: Path) -> Iterator[None]:
    """Turns an OSError into one that says which file."""
    try:
        yield
    except OSError as error:
        raise SegmentationError(f"{path} can't be written: {error.strerror or error}.") from error
