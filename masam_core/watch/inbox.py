"""A folder into which others put DICOM files; its files are read, never changed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from masam_core.errors import MasamError, PacsError
from masam_core.image.formats.dicom.headers import looks_like_dicom
from masam_core.pacs.files import digest
from masam_core.watch.shelf import NoRoom, Shelf

_HEAD = 256
_MOST_BYTES = 2 << 30  # of one file; DICOM's own limit is 4 GB

Stamp = tuple[int, int]


class Inbox:
    """Looks through a folder and those in it, again and again.

    A file is taken in when it is the same in two looks, so that one that is being copied waits.

    Args:
        folder: of the files.
        shelf: where what comes is kept.
        log: called with a sentence about what was not kept; nothing identifying.
    """

    def __init__(self, folder: Path, shelf: Shelf, log: Callable[[str], None]) -> None:
        self._folder, self._shelf, self._log = folder, shelf, log
        self._seen: dict[str, Stamp] = {}
        self._taken: dict[str, Stamp] = {}

    def look(self) -> bool:
        """Take in what is new; says whether something still changes or could not be kept."""
        waiting = False
        there = dict(self._files())
        for name, stamp in sorted(there.items()):
            if self._taken.get(name) == stamp:
                continue
            if self._seen.get(name) != stamp:
                self._seen[name] = stamp
                waiting = True
            elif self._take(Path(name)):
                self._taken[name] = stamp
            else:
                waiting = True
        for known in (self._seen, self._taken):
            for name in set(known) - set(there):
                del known[name]
        return waiting

    def _files(self) -> Iterator[tuple[str, Stamp]]:
        for root, folders, names in os.walk(self._folder):
            folders[:] = [name for name in folders if not name.startswith(".")]
            for name in names:
                path = os.path.join(root, name)
                if name.startswith(".") or name.upper() == "DICOMDIR":
                    continue
                try:
                    found = os.stat(path)
                except OSError:  # it was taken away meanwhile
                    continue
                if os.path.isfile(path):
                    yield path, (found.st_size, found.st_mtime_ns)

    def _take(self, path: Path) -> bool:
        """Whether a file is done with: kept, or nothing that could be kept."""
        # The folder is others', and so are the names in it.
        shown = f"A file of the folder ({digest(str(path))[:8]})"
        try:
            if path.stat().st_size > _MOST_BYTES:
                self._log(f"{shown} is too large and was left out.")
                return True
            with path.open("rb") as file:
                if not looks_like_dicom(file.read(_HEAD)):
                    return True
                file.seek(0)
                self._shelf.take(file.read())
        except NoRoom as error:
            self._log(str(error))
            return False
        except PacsError as error:
            self._log(f"{shown} was left out: {error}")
            return True
        except (MasamError, OSError) as error:
            reason = getattr(error, "strerror", None) or type(error).__name__
            self._log(f"{shown} could not be kept yet: {reason}")
            return False
        return True
