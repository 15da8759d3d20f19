"""The one place through which files are written: readers see the old file or the whole new one.

A file is written beside its place, looked through (``masam_core.whole``), brought to the disk, and
only then renamed. A writer that fails, or one that says nothing of a full disk, leaves what was
there before.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from masam_core.errors import MasamError, WriteError
from masam_core.whole import Incomplete, require_whole

_FULL = "the disk is full. Make room, or choose a folder on another disk"
_RIGHTS = (
    "writing there is not allowed, or the file is open in another program. Close it, or choose "
    "another folder"
)
_WORDS = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: "your share of the disk is used up. Make room, or choose another folder",
    errno.EFBIG: "the disk can't hold a file of this size. Choose a folder on another disk",
    errno.EACCES: _RIGHTS,
    errno.EPERM: _RIGHTS,
    errno.EROFS: "the disk can't be written to. Choose another folder",
    errno.EISDIR: "a folder has this name. Choose another name",
    errno.ENAMETOOLONG: "the name is too long for this disk. Choose a shorter one",
    errno.EIO: "the disk or the network failed. Try again, or choose another folder",
    errno.EINVAL: "the disk does not take this name. Choose another name",
}
_LEFT_OVER = 1 << 16  # bytes; a disk with less free is called full


@contextmanager
def atomic_path(
    path: Path, raises: type[MasamError] = WriteError, inside: bool = True
) -> Iterator[Path]:
    """A temporary path beside ``path`` that takes its place when the block ends well.

    It has the same name ending in lower case, since writers choose their format by it. When the
    block raises, or the file is not whole, the temporary file is removed and ``path`` is left as it
    was.

    Args:
        path: of the file.
        raises: class of the error.
        inside: look through the file as its ending says; False where the block compares it.

    Raises:
        WriteError (or ``raises``): the folder does not exist or can't be written, the disk is full,
            the writer failed (OSError, RuntimeError) or wrote less than it said. Any other error
            of the block passes.
    """
    path = Path(path)
    ending = "".join(path.suffixes[-2:]).lower()
    if len(ending.encode("utf-8", "surrogateescape")) > 64:
        ending = path.suffix.lower()[:64]
    temporary = path.parent / f".{secrets.token_hex(8)}{ending}"
    try:
        # Not tempfile, whose files are private to their owner: results are shared with colleagues.
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    except (OSError, ValueError) as error:
        raise raises(why_not_written(path, error)) from error
    try:
        yield temporary
        put_in_place(temporary, path, inside)
    except MasamError:
        raise
    # SimpleITK, torch and Slicer report every trouble as a RuntimeError.
    except (OSError, RuntimeError) as error:
        raise raises(why_not_written(path, error)) from error
    finally:
        temporary.unlink(missing_ok=True)


def put_in_place(temporary: Path, path: Path, inside: bool = True) -> None:
    """Give a written file its name, once it is whole and on the disk.

    Raises:
        OSError: it is not whole (``Incomplete``), or can't be renamed; ``path`` is as it was.
    """
    with temporary.open("r+b") as file:
        os.fsync(file.fileno())
    if inside:
        require_whole(temporary)
    os.replace(temporary, path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Bring a folder's list of names to the disk, where the system can."""
    # Windows opens no folder, and some network drives refuse: the rename has happened all the same.
    with contextlib.suppress(OSError):
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def write_bytes(path: Path, data: bytes, raises: type[MasamError] = WriteError) -> None:
    """Write a small file, read it back, and only then put it in its place; see atomic_path."""
    with atomic_path(path, raises) as temporary:
        temporary.write_bytes(data)
        if temporary.read_bytes() != data:
            raise Incomplete("it reads back as something else than was written")


def write_text(path: Path, text: str, raises: type[MasamError] = WriteError) -> None:
    """Write text as UTF-8, as :func:`write_bytes` does."""
    # Names of files may hold bytes that are no text (surrogates).
    write_bytes(path, text.encode("utf-8", "backslashreplace"), raises)


def append_text(path: Path, text: str, raises: type[MasamError] = WriteError) -> None:
    """Add text to the end of a file, whole or not at all.

    Raises:
        WriteError (or ``raises``): it can't be written; the file is as long as before.
    """
    data = text.encode("utf-8", "backslashreplace")
    try:
        with path.open("ab", buffering=0) as file:
            before = file.seek(0, os.SEEK_END)
            try:
                written = file.write(data)
                if written != len(data):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            except OSError:
                file.truncate(before)
                raise
    except (OSError, ValueError) as error:
        raise raises(why_not_written(path, error)) from error


def why_not_written(path: Path, error: Exception) -> str:
    """A sentence for people: which file was not written, why, and what to do."""
    start = f"'{path}' was not written: "
    code = getattr(error, "errno", None)
    if code in _WORDS:
        return f"{start}{_WORDS[code]}."
    if not path.parent.is_dir():
        return f"{start}the folder '{path.parent}' does not exist. Make it first."
    with contextlib.suppress(OSError):
        if shutil.disk_usage(path.parent).free < _LEFT_OVER:
            return f"{start}{_FULL}."
    reason = getattr(error, "strerror", None) or " ".join(str(error).split())
    reason = reason or type(error).__name__
    if isinstance(error, Incomplete):
        return f"{start}{reason}. Try again, or choose a folder on another disk."
    return f"{start}{reason[:300].rstrip('.')}."


def checked(path: Path, check: Callable[[Path], bool]) -> None:
    """Refuse a file that reads back as something else.

    Raises:
        Incomplete: ``check`` says no, or can't read it.
    """
    try:
        same = check(path)
    except (RuntimeError, ValueError) as error:
        raise Incomplete("it can't be read back") from error
    if not same:
        raise Incomplete("it reads back as something else than was written")
