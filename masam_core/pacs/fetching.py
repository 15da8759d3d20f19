"""A series out of the PACS into a folder: checked, resumable, and there whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from masam_core.atomic import sync_folder, why_not_written, write_bytes
from masam_core.errors import PacsError
from masam_core.pacs.files import digest, file_name, what_is_wrong
from masam_core.pacs.pacs import IsCancelled, Pacs
from masam_core.pacs.records import Image, Query, Series, is_uid

OnFetched = Callable[[int, int], None]  # objects that are here, and all of the series
ENDING = ".part"


@dataclass(frozen=True)
class Fetched:
    """A series that is here now.

    Attributes:
        folder: that holds it, and nothing else.
        images: number of its files.
        had: how many of them were here before.
    """

    folder: Path
    images: int
    had: int


def find_series(pacs: Pacs, series: str, study: str = "") -> Series:
    """The series of a unique id.

    Raises:
        PacsError: there is none; see also ``Pacs``.
        ConfigError: it is no unique id.
    """
    found, _ = pacs.find(Query(series=series, study=study))
    if not found:
        hint = "" if study else " Some PACS find a series by its study alone (--study)."
        raise PacsError(f"{pacs.words} has no series {series}.{hint}")
    return found[0]


def fetch_series(
    pacs: Pacs,
    study: str,
    series: str,
    folder: Path,
    progress: OnFetched = lambda had, total: None,
    cancelled: IsCancelled = lambda: False,
) -> Fetched:
    """Fetch a series; an earlier try that broke off is gone on with.

    What comes waits in a folder beside, and takes the name of ``folder`` only when all is there.

    Args:
        pacs: where it is.
        study, series: unique ids.
        folder: to make; one that is empty, or holds this very series, will do.
        progress: called with the number of objects that are here, and of all.
        cancelled: asked between two objects.

    Raises:
        PacsError: the series is not there (any more), something came damaged, or not all came;
            what came is kept. See also ``Pacs``.
        WriteError: the folder can't be written or holds something else, or the disk is full.
        Cancelled: ``cancelled`` said so; what came is kept.
    """
    folder = Path(folder)
    images = _listed(pacs, study, series)
    names = {file_name(image.instance) for image in images}
    if _is_whole(folder, names):
        progress(len(images), len(images))
        return Fetched(folder, len(images), len(images))
    _require_free(folder)
    part = folder.with_name(f".{folder.name}.{digest(series)[:8]}{ENDING}")
    try:
        part.mkdir(parents=True, exist_ok=True)
        for path in part.iterdir():
            if path.name not in names:  # a write that was killed, or an object that was deleted
                path.unlink()
    except OSError as error:
        raise _unwritten(part, error) from error
    missing = [i for i in images if not (part / file_name(i.instance)).is_file()]
    had = here = len(images) - len(missing)
    progress(here, len(images))
    wanted = {image.instance for image in missing}

    def receive(instance: str, data: bytes) -> None:
        nonlocal here
        if instance not in wanted:
            return
        fault = what_is_wrong(data, instance, series)
        if fault:
            raise PacsError(
                f"{pacs.words}: image {here + 1} of {len(images)} came damaged: {fault}. What came "
                "until then is kept; the same command goes on."
            )
        write_bytes(part / file_name(instance), data)
        wanted.discard(instance)
        here += 1
        progress(here, len(images))

    if missing:
        pacs.fetch(study, series, missing, receive, cancelled)
    if wanted:
        raise PacsError(
            f"{pacs.words} sent {here} of {len(images)} images. They are kept; the same command "
            "goes on with the rest."
        )
    try:
        if folder.is_dir():
            folder.rmdir()  # empty, see above
        os.replace(part, folder)
        sync_folder(folder.parent)
    except OSError as error:
        raise _unwritten(folder, error) from error
    return Fetched(folder, len(images), had)


def forget_part(folder: Path, series: str) -> None:
    """Delete what an unfinished fetching of a series into a folder has left."""
    part = folder.with_name(f".{folder.name}.{digest(series)[:8]}{ENDING}")
    shutil.rmtree(part, ignore_errors=True)


def _listed(pacs: Pacs, study: str, series: str) -> Sequence[Image]:
    for name, uid in (("study", study), ("series", series)):
        if not is_uid(uid):
            raise PacsError(f"The {name} has no unique id that can be asked for.")
    images = pacs.images(study, series)
    if not images:
        raise PacsError(f"{pacs.words} has no image of this series; it may have been deleted.")
    return images


def _is_whole(folder: Path, names: set[str]) -> bool:
    return folder.is_dir() and {path.name for path in folder.iterdir()} == names


def _require_free(folder: Path) -> None:
    if folder.is_dir() and not any(folder.iterdir()):
        return
    if folder.exists() or folder.is_symlink():
        raise PacsError(
            f"'{folder}' is there already and holds something else. Choose another folder."
        )


def _unwritten(path: Path, error: OSError) -> PacsError:
    return PacsError(why_not_written(path, error))
