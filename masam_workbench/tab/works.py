"""Unsaved work on the server's disk, so that it outlives the tab: who may see it, for how long."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import sys
import time
from pathlib import Path
from typing import IO, Any

import platformdirs

from masam_core.atomic import atomic_path

CONTENT = "work.json"
IN_USE = "in_use"  # locked by the process whose page is open
MOST, DAYS = 10, 7
_ID = 16


def worksFolder() -> Path:
    """The folder of unsaved work: in ``MASAM_HOME``, else with the application's data."""
    home = os.environ.get("MASAM_HOME")
    return (Path(home) if home else Path(platformdirs.user_data_dir("masam", False))) / "workbench"


class Works:
    """The pieces of work that one user has left unsaved.

    Each is a folder for its owner's eyes alone. On an interface that other machines reach, the
    token does not tell two users from each other: there a piece of work is shown to the browser
    alone that has made it.

    Args:
        root: folder of all; made where it is not there.
        owner: of the browser; empty where the token says who it is.
    """

    def __init__(self, root: Path, owner: str = "") -> None:
        self._root, self._owner = root, owner

    def listed(self) -> list[dict[str, Any]]:
        """What can be continued, the newest first: ``id``, ``name``, ``lesions``, ``when``."""
        found = []
        for folder in self._folders():
            content = self._content(folder)
            if content is not None and not _isInUse(folder):
                found.append(
                    {
                        "id": folder.name,
                        "name": str(content.get("name", "")),
                        "lesions": int(content.get("count", 0)),
                        "when": float(content.get("when", 0.0)),
                    }
                )
        return sorted(found, key=lambda each: -each["when"])

    def new(self) -> Path:
        """A folder for another piece of work.

        Raises:
            OSError: it can't be made.
        """
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = self._root / secrets.token_hex(_ID)
        folder.mkdir(mode=0o700)
        return folder

    def folder(self, identity: str) -> Path | None:
        """Folder of a piece of work that this owner may continue; None where there is none."""
        known = {each["id"] for each in self.listed()}
        return self._root / identity if identity in known else None

    def write(self, folder: Path, content: dict[str, Any]) -> str:
        """Write what a folder holds, at last: without it nothing is listed.

        Returns:
            The mark of this writing; see :meth:`mark`.

        Raises:
            MasamError: it can't be written.
        """
        mark = secrets.token_hex(8)
        values = {**content, "owner": self._owner, "when": time.time(), "mark": mark}
        with atomic_path(folder / CONTENT) as temporary:
            temporary.write_text(json.dumps(values), "utf-8")
            temporary.chmod(0o600)
        return mark

    def mark(self, folder: Path) -> str:
        """What tells a writing from every other one; empty where nothing was written."""
        return str(self.read(folder).get("mark", ""))

    def read(self, folder: Path) -> dict[str, Any]:
        """What a folder holds; empty where that can't be read."""
        return self._content(folder) or {}

    def drop(self, folder: Path) -> None:
        """Delete a piece of work."""
        shutil.rmtree(folder, ignore_errors=True)

    def tidy(self) -> None:
        """Delete what is older than it is kept, whoever's, and the oldest of too many of one's own.

        What is open is left alone.
        """
        own = sorted(self._folders(), key=self._when, reverse=True)[MOST:]
        limit = time.time() - DAYS * 86400
        old = [folder for folder in self._all() if self._when(folder) < limit]
        for folder in {*own, *old}:
            if not _isInUse(folder):
                self.drop(folder)

    def _all(self) -> list[Path]:
        try:
            return [each for each in self._root.iterdir() if each.is_dir()]
        except OSError:  # nothing was ever kept
            return []

    def _folders(self) -> list[Path]:
        return [
            each for each in self._all() if (self._content(each) or {}).get("owner") == self._owner
        ]

    def _content(self, folder: Path) -> dict[str, Any] | None:
        try:
            content = json.loads((folder / CONTENT).read_text("utf-8"))
        except (OSError, ValueError):
            return None
        return content if isinstance(content, dict) else None

    def _when(self, folder: Path) -> float:
        with contextlib.suppress(OSError):
            return (folder / CONTENT).stat().st_mtime
        with contextlib.suppress(OSError):
            return folder.stat().st_mtime
        return 0.0


class Claim:
    """Says, as long as it is held, that a page is open which works in a folder.

    What is claimed is offered to nobody. The system lets go of it when the process ends, however.
    """

    def __init__(self) -> None:
        self._file: IO[bytes] | None = None

    @property
    def held(self) -> bool:
        """Whether a folder is claimed."""
        return self._file is not None

    def hold(self, folder: Path) -> bool:
        """Claim this folder, in place of another one; whether nobody else has."""
        self.release()
        try:
            file = os.fdopen(os.open(folder / IN_USE, os.O_CREAT | os.O_RDWR, 0o600), "r+b")
        except OSError:
            return False
        if not _lock(file):
            file.close()
            return False
        self._file = file
        return True

    def release(self) -> None:
        """Let go."""
        if self._file is not None:
            self._file.close()
            self._file = None


def _isInUse(folder: Path) -> bool:
    try:
        with (folder / IN_USE).open("r+b") as file:
            return not _lock(file)
    except FileNotFoundError:
        return False
    except OSError:
        return True


def _lock(file: IO[bytes]) -> bool:
    """Lock a file until it is closed; False where another process has."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
