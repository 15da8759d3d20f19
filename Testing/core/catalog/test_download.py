"""Downloads from a server that misbehaves."""

from __future__ import annotations

import errno
import io
import socket
from pathlib import Path
from typing import Any

import pytest

from masam_core.catalog import download as module
from masam_core.catalog.download import download, part_of, verify
from masam_core.catalog.store import path_of
from masam_core.errors import DownloadError

from .conftest import FileServer


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small blocks, so that a small file takes several."""
    monkeypatch.setattr(module, "BLOCK", 10_000)


def leftovers(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def test_a_whole_file_arrives_and_its_progress_is_told(server: FileServer) -> None:
    told: list[tuple[int, int | None]] = []
    path = download(server.entry(), lambda had, total: told.append((had, total)))
    assert path.read_bytes() == server.content
    assert leftovers(path.parent) == ["tiny.pth"]
    assert told[-1] == (300_000, 300_000)
    assert [had for had, _ in told] == sorted(had for had, _ in told)


def test_a_file_that_is_already_there_is_not_fetched_again(server: FileServer) -> None:
    first = download(server.entry())
    assert download(server.entry()) == first
    assert len(server.seen) == 1


def test_a_damaged_file_is_fetched_anew(server: FileServer) -> None:
    path = download(server.entry())
    path.write_bytes(b"damaged")
    assert download(server.entry()).read_bytes() == server.content


def test_a_cut_connection_is_reported_and_the_next_try_fetches_only_the_rest(
    server: FileServer,
) -> None:
    server.cuts = [120_000]
    with pytest.raises(DownloadError, match="again to go on"):
        download(server.entry())
    part = part_of(path_of(server.entry()))
    had = part.stat().st_size
    assert 100_000 < had <= 120_000
    assert not path_of(server.entry()).exists()

    path = download(server.entry())
    assert server.seen == [None, f"bytes={had}-"]
    assert path.read_bytes() == server.content
    assert leftovers(path.parent) == ["tiny.pth"]


def test_a_connection_that_breaks_again_and_again_still_gets_there(server: FileServer) -> None:
    server.cuts = [90_000, 90_000, 90_000]
    for _ in range(3):
        with pytest.raises(DownloadError):
            download(server.entry())
    assert download(server.entry()).read_bytes() == server.content


def test_a_server_that_cannot_resume_is_taken_from_the_start(server: FileServer) -> None:
    server.cuts, server.ranges = [120_000], False
    with pytest.raises(DownloadError):
        download(server.entry())
    assert download(server.entry()).read_bytes() == server.content
    assert server.seen[1] is not None


def test_a_part_that_is_already_whole_is_taken_as_it_is(server: FileServer) -> None:
    part = part_of(path_of(server.entry()))
    part.parent.mkdir(parents=True)
    part.write_bytes(server.content)
    assert download(server.entry()).read_bytes() == server.content


def test_another_file_than_the_published_one_is_removed(server: FileServer) -> None:
    known = server.entry(sha256="0" * 64)
    with pytest.raises(DownloadError, match="not the published file"):
        download(known)
    assert leftovers(path_of(known).parent) == []


def test_a_part_of_another_file_does_not_stay_in_the_way(server: FileServer) -> None:
    part = part_of(path_of(server.entry()))
    part.parent.mkdir(parents=True)
    part.write_bytes(b"x" * 50_000)
    with pytest.raises(DownloadError, match="not the published file"):
        download(server.entry())
    assert download(server.entry()).read_bytes() == server.content


def test_without_a_published_digest_the_file_is_taken(server: FileServer) -> None:
    assert download(server.entry(sha256=None)).read_bytes() == server.content


@pytest.mark.parametrize("status", [404, 500])
def test_a_refusal_names_the_status(server: FileServer, status: int) -> None:
    server.status = status
    with pytest.raises(DownloadError, match=str(status)):
        download(server.entry())
    assert leftovers(path_of(server.entry()).parent) == []


def test_no_network_says_what_to_do(server: FileServer) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(DownloadError, match="masam models add"):
        download(server.entry(url=f"http://127.0.0.1:{port}/tiny.pth"))


def test_a_full_disk_is_named_and_what_came_is_kept(
    server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = 100_000
    original = Path.open

    class FullDisk(io.FileIO):
        def write(self, data: Any) -> int:
            if self.tell() + len(data) > room:
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().write(data) or 0

    def opened(self: Path, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        if self.name.endswith(".part"):
            return FullDisk(str(self), mode.replace("b", ""))
        return original(self, mode, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", opened)
        with pytest.raises(DownloadError, match=r"disk of .* is full"):
            download(server.entry())
    assert not path_of(server.entry()).exists()
    assert download(server.entry()).read_bytes() == server.content
    assert server.seen[1] == "bytes=100000-"


def test_ctrl_c_keeps_what_came(server: FileServer) -> None:
    def stop(had: int, total: int | None) -> None:
        if had > 150_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download(server.entry(), stop)
    had = part_of(path_of(server.entry())).stat().st_size
    assert had > 150_000
    assert not path_of(server.entry()).exists()
    assert download(server.entry()).read_bytes() == server.content
    assert server.seen[1] == f"bytes={had}-"


def test_an_unwritable_store_is_an_error_in_words(server: FileServer, masam_home: Path) -> None:
    masam_home.write_text("a file where the folder should be")
    with pytest.raises(DownloadError, match="Can't write"):
        download(server.entry())


def test_an_entry_without_address_tells_how_to_get_it(server: FileServer) -> None:
    known = server.entry(url=None, how="Ask the authors.")
    with pytest.raises(DownloadError, match="Ask the authors"):
        download(known)


def test_verify_tells_good_bad_unknown_and_missing(server: FileServer) -> None:
    known = server.entry()
    with pytest.raises(DownloadError, match="not here"):
        verify(known)
    path = download(known)
    assert verify(known) == (True, known.sha256)
    assert verify(server.entry(sha256=None)) == (None, known.sha256)
    path.write_bytes(b"damaged")
    good, digest = verify(known)
    assert good is False
    assert digest != known.sha256
