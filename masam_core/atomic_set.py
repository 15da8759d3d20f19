"""Files that belong together: readers see the earlier ones or all of the new ones.

As :mod:`masam_core.atomic` writes one file, for several: written beside, looked through, and only
then put in the earlier ones' place. What fails on the way leaves these as they were.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from masam_core.atomic import sync_folder, why_not_written
from masam_core.errors import MasamError, WriteError


@contextmanager
def atomic_set(
    folder: Path, before: Iterable[Path], raises: type[MasamError] = WriteError
) -> Iterator[Path]:
    """A folder whose files take the place of earlier ones, together, when the block ends well.

    Args:
        folder: where the files go.
        before: files in it that go when the new ones come, whatever those are called.
        raises: class of the error.

    Yields:
        An empty folder to write into, by ``atomic_path``; no folders inside it.

    Raises:
        WriteError (or ``raises``): the folder can't be written, or files can't be renamed, as
            where another program has one open. Any error of the block passes. All earlier files
            are then as they were.
    """
    staging = folder / f".{secrets.token_hex(8)}"
    try:
        staging.mkdir()
    except OSError as error:
        raise raises(why_not_written(staging, error)) from error
    try:
        yield staging
        _swap(staging, folder, before, raises)
    except MasamError as error:
        # People know the files by the folder that they asked for.
        error.args = (str(error).replace(f"{staging}{os.sep}", f"{folder}{os.sep}"),)
        raise
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _swap(staging: Path, folder: Path, before: Iterable[Path], raises: type[MasamError]) -> None:
    """Put earlier files aside and new ones in their place, or else everything back."""
    aside = staging.with_name(f"{staging.name}.before")
    new = sorted(staging.iterdir())
    places = [folder / path.name for path in new]
    old = [path for path in dict.fromkeys([*before, *places]) if path.exists()]
    moves = [(path, aside / path.name) for path in old] + list(zip(new, places, strict=True))
    done: list[tuple[Path, Path]] = []
    place = folder
    try:
        aside.mkdir()
        for move in moves:
            place = move[0] if move[0].parent == folder else move[1]
            os.replace(*move)
            done.append(move)
        sync_folder(folder)
    except BaseException as error:
        for source, target in reversed(done):
            with contextlib.suppress(OSError):  # it is kept aside, then
                os.replace(target, source)
        with contextlib.suppress(OSError):
            aside.rmdir()
        if isinstance(error, OSError):
            raise raises(why_not_written(place, error)) from error
        raise
    shutil.rmtree(aside, ignore_errors=True)
