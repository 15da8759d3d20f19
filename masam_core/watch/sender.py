"""The way back: results of the outbox to the PACS, until it has them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from masam_core.atomic import sync_folder, write_bytes, write_text
from masam_core.errors import MasamError, PacsError, WriteError
from masam_core.pacs.records import Stored
from masam_core.watch.pauses import Pauses
from masam_core.watch.places import MEASUREMENTS, Places

WHY = "why.txt"  # beside a refused result
_NETWORK = "the PACS"  # what waits when it can't be reached

Tell = Callable[[str, str], None]  # name of a case, and a sentence


class Target(Protocol):
    """A PACS or a folder, into which results go."""

    words: str

    def store(self, path: Path) -> Stored:
        """Take a file; what is said of it is told, not raised."""


class FolderTarget:
    """Puts results into a folder.

    Args:
        folder: made where it is not there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.words = f"The folder {folder}"

    def store(self, path: Path) -> Stored:
        """Copy a file, under its case's name."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            write_bytes(self._folder / f"{path.parent.name}.{path.name}", path.read_bytes())
        except (MasamError, OSError) as error:
            return Stored(False, str(error), True)
        return Stored(True)


class Sender:
    """Empties the outbox.

    A file is sent again until the PACS says that it has it: its unique id is the same each time, so
    that nothing is there twice. Then it moves to ``sent``.

    Args:
        places: of the night shift.
        target: where to.
        pauses: between tries.
        tell: called with what becomes of a case.
    """

    def __init__(self, places: Places, target: Target, pauses: Pauses, tell: Tell) -> None:
        self._places, self._target, self._pauses, self._tell = places, target, pauses, tell

    def waiting(self) -> list[Path]:
        """Folders of cases whose results wait: what was tried least first, then the oldest.

        A result that the PACS puts off again and again must not hold up the others.
        """
        found = [p for p in self._places.outbox.iterdir() if not p.name.startswith(".")]
        return sorted(found, key=self._turn)

    def _turn(self, case: Path) -> tuple[int, float, str]:
        return self._pauses.tries(case.name), case.stat().st_mtime, case.name

    def send(self, stopped: Callable[[], bool] = lambda: False) -> bool:
        """Send what waits and may be tried now; says whether nothing waits any more."""
        for case in self.waiting():
            if stopped() or not self._pauses.may(_NETWORK):
                return False
            if self._pauses.may(case.name):
                self._send_case(case, stopped)
        return not self.waiting()

    def _send_case(self, case: Path, stopped: Callable[[], bool]) -> None:
        refused = ""
        for path in sorted(case.glob("*.dcm")):
            if stopped():
                return
            try:
                stored = self._target.store(path)
            except PacsError as error:
                stored = Stored(False, str(error))
            if stored.kept:
                self._move(path, self._places.sent)
                self._pauses.over(_NETWORK)
                self._tell(case.name, f"{path.name} is stored. {stored.words}".strip())
            elif stored.worth_another_try:
                count, network = self._pauses.failed(case.name), self._pauses.failed(_NETWORK)
                # Neither a night without the PACS nor one stubborn case is thousands of lines.
                if _is_told(max(count, network)):
                    self._tell(case.name, f"{path.name} waits (try {count}): {stored.words}")
                return
            else:
                refused = stored.words
                self._move(path, self._places.refused)
                write_text(self._places.refused / case.name / WHY, refused, WriteError)
                self._tell(case.name, f"{path.name} was refused: {refused}")
        self._close(case)

    def _close(self, case: Path) -> None:
        """The last step of a case: its table's rows go where its results went."""
        there = self._places.sent if (self._places.sent / case.name).is_dir() else None
        folder = there or self._places.refused
        rows = case / MEASUREMENTS
        if rows.is_file():
            (folder / case.name).mkdir(exist_ok=True)
            os.replace(rows, folder / case.name / MEASUREMENTS)
        shutil.rmtree(case, ignore_errors=True)
        self._pauses.over(case.name)

    def _move(self, path: Path, folder: Path) -> None:
        target = folder / path.parent.name
        target.mkdir(exist_ok=True)
        os.replace(path, target / path.name)
        sync_folder(target)
        sync_folder(path.parent)


def _is_told(count: int) -> bool:
    """Whether this try in vain is worth a line."""
    return count in (1, 2, 5) or count % 20 == 0


def send_refused_again(places: Places) -> int:
    """Put what the PACS has refused back into the outbox; says how many cases."""
    count = 0
    for case in sorted(places.refused.iterdir()):
        if case.name.startswith(".") or not case.is_dir():
            continue
        target = places.outbox / case.name
        target.mkdir(exist_ok=True)
        for path in case.iterdir():
            if path.name != WHY:
                os.replace(path, target / path.name)
        shutil.rmtree(case)
        count += 1
    return count
