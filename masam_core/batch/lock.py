"""One batch at a time in a folder of results."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import platform
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from masam_core.errors import ConfigError
from masam_core.image.readable import readable

FILE = "lock"  # in the folder of the states
_FAR = 1 << 30  # the byte that Windows locks: nobody may read a locked one
_HELD = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)
# Somebody who only looks whether a lock is held has it for a moment.
_LOOKS, _LOOK_SECONDS = 5, 0.05


class FolderLock:
    """The right to write into a folder of results, held until it is released.

    The system's own lock on a file: it ends with the process that holds it, however that ends, and
    holds across machines on most shared drives. Where a drive has no locks, the file's words count:
    a process of this machine that is no longer there is taken over from, one of another machine is
    told.

    Args:
        folder: of the states, which is there.
        name: of the lock's file in it.
        what: that another one would be doing, for people.

    Attributes:
        note: about a batch that did not end by itself; or an empty text.

    Raises:
        ConfigError: another batch writes there.
        OSError: the file can't be made.
    """

    def __init__(
        self, folder: Path, name: str = FILE, what: str = "Another batch is writing"
    ) -> None:
        self.note = ""
        self._results, self._what = folder.parent, what
        self._path = folder / name
        # Not "w": what another one has written must stay.
        number = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)
        self._file: IO[bytes] | None = os.fdopen(number, "r+b", buffering=0)
        held = _lock_patiently(self._file)
        before = _words(self._file)
        if held is False or (held is None and before and not _is_over(before)):
            self._file.close()
            self._file = None
            raise ConfigError(self._refusal(before, held is None))
        if before:
            self.note = (
                f"The batch before this one in {folder.parent} ({_who(before)}) was ended from "
                "outside; it is gone on with."
            )
        own = {
            "machine": platform.node(),
            "process": os.getpid(),
            "since": time.strftime("%Y-%m-%d %H:%M"),
        }
        self._write(json.dumps(own).encode("ascii"))

    def release(self) -> None:
        """Let another batch write there; does nothing the second time."""
        file = self._file
        if file is None:
            return
        with contextlib.suppress(OSError):  # the drive may be gone: the lock went with it
            self._write(b"")
            _unlock(file)
        file.close()
        self._file = None

    def _write(self, data: bytes) -> None:
        assert self._file is not None
        self._file.seek(0)
        self._file.truncate()
        self._file.write(data)

    def _refusal(self, before: Mapping[str, Any], unlocked: bool) -> str:
        words = (
            f"{self._what} into {self._results} ({_who(before)}). Wait until it has ended, "
            "or choose another folder for the results."
        )
        if unlocked:
            words += f" If it is no longer running, delete {self._path}."
        return words


def holder(path: Path) -> str | None:
    """Who holds the lock of a file, for people; None where nobody does, or it is not there.

    Raises:
        OSError: it can't be opened.
    """
    try:
        file = path.open("r+b", buffering=0)
    except FileNotFoundError:
        return None
    with file:
        taken = _lock_patiently(file)
        if taken:
            _unlock(file)
            return None
        words = _words(file)
    if taken is None and (not words or _is_over(words)):
        return None
    return _who(words)


def _lock_patiently(file: IO[bytes]) -> bool | None:
    """Lock as ``_lock`` does, with another try where somebody only looks."""
    for _ in range(_LOOKS):
        if (taken := _lock(file)) is not False:
            return taken
        time.sleep(_LOOK_SECONDS)
    return _lock(file)


def _lock(file: IO[bytes]) -> bool | None:
    """Whether the lock was taken: False where another one has it, None where there are none."""
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(_FAR)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return False if error.errno in _HELD else None
    return True


def _unlock(file: IO[bytes]) -> None:
    if sys.platform == "win32":
        import msvcrt

        file.seek(_FAR)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)
    else:
        import fcntl

        fcntl.flock(file.fileno(), fcntl.LOCK_UN)


def _words(file: IO[bytes]) -> dict[str, Any]:
    """What the file says of who holds it, or did and was ended; empty where it says nothing."""
    try:
        file.seek(0)
        said = json.loads(file.read(1 << 16) or b"{}")
    except (OSError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}


def _who(said: Mapping[str, Any]) -> str:
    if not said:
        return "another process"
    here = said.get("machine") == platform.node()
    machine = "this machine" if here else f"the machine {readable(said.get('machine'))[:80]}"
    since = readable(said.get("since"))[:40]
    return f"process {readable(said.get('process'))[:20]} on {machine}, since {since}"


def _is_over(said: Mapping[str, Any]) -> bool:
    """Whether who wrote this is a process of this machine that has ended."""
    process = said.get("process")
    if said.get("machine") != platform.node() or type(process) is not int or process < 1:
        return False
    if sys.platform == "win32":
        return False  # there, every drive has locks
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False
