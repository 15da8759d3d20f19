"""Places for results, looked at before the work: hours of computing must not end in a refusal."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterable
from pathlib import Path

from masam_core.atomic import why_not_written
from masam_core.errors import MasamError, SegmentationError, WriteError


def require_targets(
    targets: Iterable[Path], inputs: Iterable[Path] = (), raises: type[MasamError] = WriteError
) -> None:
    """Check files that will be written; a file is tried in each folder and removed.

    Args:
        targets: files.
        inputs: files that must not be written over.
        raises: class of the error.

    Raises:
        SegmentationError: a target is an input or another target.
        WriteError (or ``raises``): a folder is missing or can't be written to, or a name is that of
            a folder, of a protected file, or too long.
    """
    taken = {_same(path) for path in inputs}
    folders = set()
    for path in map(Path, targets):
        try:
            _require_name(path)
            if path.parent not in folders:
                _try(path.parent)
        except (OSError, ValueError) as error:
            raise raises(why_not_written(path, error)) from error
        folders.add(path.parent)
        if _same(path) in taken:
            raise SegmentationError(
                f"{path} is an input or another output; choose another name for it."
            )
        taken.add(_same(path))


def require_folder(folder: Path, raises: type[MasamError] = WriteError) -> None:
    """Make a folder for results, unless it is there, and check that it can be written to.

    Raises:
        WriteError (or ``raises``): it can't.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise raises(f"'{folder}' is a file; choose a folder for the results.") from error
    except (OSError, ValueError) as error:
        raise raises(why_not_written(folder / "results", error)) from error
    try:
        _try(folder)
    except OSError as error:
        raise raises(why_not_written(folder / "results", error)) from error


def _require_name(path: Path) -> None:
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    try:
        path.lstat()  # ENAMETOOLONG, ELOOP, EACCES
    except FileNotFoundError:
        return
    if os.name == "nt" and not os.access(path, os.W_OK):  # elsewhere the folder's rights count
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def _try(folder: Path) -> None:
    """Write into a folder and remove it again: rights alone don't tell (network, read-only)."""
    trial = folder / f".{secrets.token_hex(8)}"
    try:
        trial.write_bytes(b"MASAM")
    finally:
        trial.unlink(missing_ok=True)


def _same(path: Path) -> str:
    return os.path.normcase(path.resolve())
