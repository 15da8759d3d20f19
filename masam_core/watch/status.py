"""What a night shift has done, read from its folder; it may work meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from masam_core.batch.states import FOLDER, StateFolder
from masam_core.errors import ConfigError
from masam_core.watch.places import MEASUREMENTS, Places
from masam_core.watch.sender import WHY


@dataclass(frozen=True)
class CaseStatus:
    """One case.

    Attributes:
        name: of the case.
        status: pending, running, done or failed.
        message: why, or notes.
        sent: ``yes``, ``waits``, ``refused`` or an empty text.
    """

    name: str
    status: str
    message: str
    sent: str


def status_of(work: Path) -> list[CaseStatus]:
    """The cases of a night shift's folder, by name.

    Raises:
        ConfigError: it is none.
    """
    if not (work / FOLDER).is_dir():
        raise ConfigError(f"{work} is not the folder of a night shift (masam watch).")
    places = Places(work)
    found = []
    for name, state in StateFolder(work).others([]):
        sent, message = "", state.message
        if _files(places.outbox / name):
            sent = "waits"
        elif _files(places.refused / name):
            sent = "refused"
            why = places.refused / name / WHY
            message = why.read_text("utf-8") if why.is_file() else message
        elif _files(places.sent / name):
            sent = "yes"
        found.append(CaseStatus(name, state.status, message, sent))
    return found


def _files(folder: Path) -> list[Path]:
    """Results in a case's folder."""
    if not folder.is_dir():
        return []
    return [path for path in folder.iterdir() if path.name not in (MEASUREMENTS, WHY)]
