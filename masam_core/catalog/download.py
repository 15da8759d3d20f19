"""Downloads that resume, are checked against a digest, and never leave a false file."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pooch
import requests

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
    pooch.get_logger().setLevel("WARNING")  # progress is told in another way
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        found = pooch.retrieve(
            url=known.url,
            known_hash=f"sha256:{known.sha256}" if known.sha256 else None,
            fname=target.name,
            path=target.parent,
            downloader=ResumingDownloader(part_of(target), known, progress),
        )
    except ValueError as error:  # pooch: the digest differs
        raise DownloadError(
            f"What came for '{known.name}' is not the published file (its sha256 differs) and was "
            "removed. Try again; if it happens again, something between here and the server "
            "changes the file."
        ) from error
    except OSError as error:
        raise DownloadError(_disk(known, target, error)) from error
    return Path(found)


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
    """Where the bytes of an unfinished download wait."""
    return target.with_name(target.name + ".part")


class ResumingDownloader:
    """A pooch downloader that keeps what came before a connection broke.

    Bytes gather in ``part``; with some there, only the rest is asked for (HTTP Range). A server
    that sends the whole file instead is taken from the start.
    """

    def __init__(self, part: Path, known: Entry, progress: Progress | None) -> None:
        self.part = part
        self.known = known
        self.progress = progress

    def __call__(self, url: str, output_file: Any, pooch: Any) -> None:
        """Fetch ``url`` into ``output_file``, as pooch asks."""
        try:
            self._fetch(url)
        except requests.exceptions.HTTPError as error:
            code = error.response.status_code if error.response is not None else "?"
            raise DownloadError(
                f"The server of '{self.known.name}' answered {code}. The address may have "
                f"changed: {url}"
            ) from error
        except requests.exceptions.RequestException as error:
            raise self._broken(url) from error
        os.replace(self.part, output_file)

    def _fetch(self, url: str) -> None:
        had = self.part.stat().st_size if self.part.exists() else 0
        headers = {"Range": f"bytes={had}-"} if had else {}
        with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as answer:
            if answer.status_code == requests.codes.requested_range_not_satisfiable:
                # All is here already, or more than the file has: the digest will tell.
                return
            answer.raise_for_status()
            resumed = answer.status_code == requests.codes.partial_content
            had = had if resumed else 0
            length = answer.headers.get("Content-Length")
            total = had + int(length) if length else self.known.bytes
            with self.part.open("ab" if resumed else "wb") as file:
                for block in answer.iter_content(BLOCK):
                    file.write(block)
                    had += len(block)
                    if self.progress is not None:
                        self.progress(had, total)
        if total is not None and had < total:
            raise self._broken(url)

    def _broken(self, url: str) -> DownloadError:
        had = self.part.stat().st_size if self.part.exists() else 0
        if had:
            return DownloadError(
                f"The connection broke after {had:,} bytes of '{self.known.name}'. They are kept: "
                f"run 'masam models download {self.known.name}' again to go on."
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
