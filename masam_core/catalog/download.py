"""Downloads that resume, are checked against a digest, and never leave a false file."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import requests

from masam_core.atomic import put_in_place
from masam_core.catalog.entries import Entry
from masam_core.catalog.store import path_of
from masam_core.digest import sha256_of
from masam_core.errors import DownloadError

Progress = Callable[[int, int | None], None]
BLOCK = 1 << 20
TIMEOUT = (15.0, 60.0)  # seconds to connect, and between two blocks


def download(known: Entry, progress: Progress | None = None) -> Path:
    """Fetch a catalogue entry into the store, going on where an earlier try was cut off.

    Args:
        known: an entry with a URL.
        progress: called with the bytes had and the bytes expected (None where unknown).

    Returns:
        The file; one that is already there and has the right digest is not fetched again.

    Raises:
        DownloadError: no direct download, no network, a server's refusal, a cut connection (what
            came is kept and the next try goes on), a full disk, or a wrong digest (what came is
            removed).
    """
    if known.url is None:
        raise DownloadError(f"'{known.name}' has no direct download. {known.how}")
    target = path_of(known)
    part = part_of(target)
    try:
        if target.is_file() and _is_published(target, known):
            return target
        target.parent.mkdir(parents=True, exist_ok=True)
        _fetch_rest(known.url, part, known, progress)
        if not _is_published(part, known):
            part.unlink()
            raise DownloadError(
                f"What came for '{known.name}' is not the published file (its sha256 differs) and "
                "was removed. Try again; if it happens again, something between here and the "
                "server changes the file."
            )
        put_in_place(part, target)
    except OSError as error:
        raise DownloadError(_disk(known, target, error)) from error
    return target


def verify(known: Entry) -> tuple[bool | None, str]:
    """Check a stored file against its published digest.

    Returns:
        True or False, or None where no digest is published; and the file's own digest.

    Raises:
        DownloadError: the file is not there.
    """
    path = path_of(known)
    if not path.is_file():
        raise DownloadError(f"'{known.name}' is not here, so there is nothing to verify.")
    digest = sha256_of(path)
    return (None if known.sha256 is None else digest == known.sha256), digest


def part_of(target: Path) -> Path:
    """File in which the bytes of an unfinished download wait."""
    return target.with_name(target.name + ".part")


def _is_published(path: Path, known: Entry) -> bool:
    """Whether a file is what the entry promises; any file is, where no digest is published."""
    return known.sha256 is None or sha256_of(path) == known.sha256


def _fetch_rest(url: str, part: Path, known: Entry, progress: Progress | None) -> None:
    """Fetch into ``part`` what is not there yet.

    With bytes there, only the rest is asked for (HTTP Range). A server that sends the whole file
    instead is taken from the start.
    """
    try:
        total = _receive(url, part, known, progress)
    except requests.exceptions.HTTPError as error:
        code = error.response.status_code if error.response is not None else "?"
        raise DownloadError(
            f"The server of '{known.name}' answered {code}. The address may have changed: {url}"
        ) from error
    except requests.exceptions.RequestException as error:
        raise _broken(url, part, known) from error
    if total is not None and _size(part) < total:
        raise _broken(url, part, known)


def _receive(url: str, part: Path, known: Entry, progress: Progress | None) -> int | None:
    """Append what comes; the bytes that the file should have, None where unknown."""
    had = _size(part)
    headers = {"Range": f"bytes={had}-"} if had else {}
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as answer:
        if answer.status_code == requests.codes.requested_range_not_satisfiable:
            return None  # all is here already, or more than the file has: the digest will tell
        answer.raise_for_status()
        resumed = answer.status_code == requests.codes.partial_content
        had = had if resumed else 0
        length = answer.headers.get("Content-Length")
        total = had + int(length) if length else known.bytes
        with part.open("ab" if resumed else "wb") as file:
            for block in answer.iter_content(BLOCK):
                file.write(block)
                had += len(block)
                if progress is not None:
                    progress(had, total)
    return total


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _broken(url: str, part: Path, known: Entry) -> DownloadError:
    had = _size(part)
    if had:
        return DownloadError(
            f"The connection broke after {had:,} bytes of '{known.name}'. They are kept: "
            f"run 'masam models download {known.name}' again to go on."
        )
    return DownloadError(
        f"{url} can't be reached. Check the network and the proxy (HTTPS_PROXY), or fetch the "
        "file on another machine and add it with: masam models add FILE"
    )


def _disk(known: Entry, target: Path, error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return (
            f"The disk of {target.parent} is full. What came of '{known.name}' is kept; make room, "
            "or set MASAM_HOME to a folder on another disk."
        )
    return f"Can't write to {target.parent}: {error.strerror or error}."
