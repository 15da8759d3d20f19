"""Files to the PACS, and what it says of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from masam_core.errors import Cancelled, PacsError
from masam_core.pacs.pacs import IsCancelled, Pacs
from masam_core.pacs.records import Stored


@dataclass(frozen=True)
class Sent:
    """What became of one file.

    Attributes:
        path: of the file.
        stored: what the PACS said, or why it was not asked.
    """

    path: Path
    stored: Stored


def files_of(given: Iterable[Path]) -> list[Path]:
    """The files that are meant: those given, and every one of a folder and those in it.

    Hidden ones of a folder are left out, such as those of a writer that was killed.

    Raises:
        PacsError: a path at which nothing is, or a folder without a file.
    """
    found: list[Path] = []
    for path in given:
        if path.is_dir():
            inside = [
                each
                for each in sorted(path.rglob("*"))
                if each.is_file()
                and not any(p.startswith(".") for p in each.relative_to(path).parts)
                and each.name.upper() != "DICOMDIR"
            ]
            if not inside:
                raise PacsError(f"The folder {path} holds no file to send.")
            found += inside
        elif path.is_file():
            found.append(path)
        else:
            raise PacsError(f"There is no file {path}.")
    return list(dict.fromkeys(found))


def send_files(
    pacs: Pacs,
    paths: Sequence[Path],
    on_sent: Callable[[Sent], None] = lambda sent: None,
    cancelled: IsCancelled = lambda: False,
) -> list[Sent]:
    """Send files one after the other; one that is refused stops no other.

    Args:
        pacs: where to.
        paths: of DICOM files of any kind.
        on_sent: called after each.
        cancelled: asked before each.

    Returns:
        What became of each, in their order. A file that is no DICOM is told, too.

    Raises:
        Cancelled: ``cancelled`` said so; ``on_sent`` has told of those before.
    """
    done = []
    for path in paths:
        if cancelled():
            raise Cancelled
        try:
            stored = pacs.store(path)
        except PacsError as error:
            stored = Stored(False, str(error))
        done.append(Sent(path, stored))
        on_sent(done[-1])
    return done
