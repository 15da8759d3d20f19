"""What has become of each case: a file a case, so that one writer never undoes another's."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from masam_core.atomic import write_text
from masam_core.errors import ConfigError, SegmentationError

PENDING, RUNNING, DONE, FAILED = "pending", "running", "done", "failed"
STATUSES = (PENDING, RUNNING, DONE, FAILED)
FOLDER = ".masam"  # in the folder of the results
EARLIER = "batch.json"  # one file for all cases, which no released version has written
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


@dataclass
class CaseState:
    """One case.

    Attributes:
        status: PENDING, RUNNING, DONE or FAILED.
        message: why it failed or waits again, or notes.
        seconds: that it took.
        rows: its measurements, keyed by ``masam_core.export.measurements.COLUMNS``.
        made_of: what the result depends on; see ``masam_core.batch.fingerprint``.
    """

    status: str = PENDING
    message: str = ""
    seconds: float = 0.0
    rows: list[dict[str, Any]] = field(default_factory=list)
    made_of: dict[str, Any] = field(default_factory=dict)

    @property
    def ended(self) -> bool:
        """Whether it was worked through, well or not."""
        return self.status in (DONE, FAILED)


class StateFolder:
    """The states of a folder of results, each in ``.masam/NAME.json``.

    Args:
        results: folder of the results; made if it is not there.
        fresh: forget what it says.

    Raises:
        ConfigError: a folder of a version before 0.1.0, unless it is begun anew.
        SegmentationError: the folder can't be written.
    """

    def __init__(self, results: Path, fresh: bool = False) -> None:
        self._folder = results / FOLDER
        if (results / EARLIER).is_file() and not fresh:
            raise ConfigError(
                f"{results} holds results of an earlier version of MASAM ({EARLIER}), which can't "
                "be gone on with. Choose another folder, or begin anew (--fresh)."
            )
        with reported(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
            if fresh:
                for state in self._folder.glob("*.json"):
                    state.unlink(missing_ok=True)

    def read(self, name: str) -> CaseState | None:
        """The state of a case, or None where nothing is known.

        Raises:
            ConfigError: a file that is damaged.
        """
        path = self._path(name)
        try:
            kept = json.loads(path.read_text("utf-8"))
            state = CaseState(**kept["state"])
            if kept["case"] != name or state.status not in STATUSES:
                raise ValueError(kept["case"])
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ConfigError(f"{path} is damaged.") from error
        return state

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


def safe_name(name: str) -> str:
    """A case's name as a file's, on every system."""
    safe = re.sub(r'[<>:"/\\|?*\x00-\x1f]', "_", name).rstrip(". ") or "_"
    return f"_{safe}" if _RESERVED.fullmatch(safe) else safe


@contextmanager
def reported(path: Path) -> Iterator[None]:
    """Turns an OSError into one that says which file."""
    try:
        yield
    except OSError as error:
        raise SegmentationError(f"{path} can't be written: {error.strerror or error}.") from error
