"""What a browser sends is kept whole or not at all, and trouble is told in a sentence."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from Testing.workbench.conftest import requireWorkbench

LIMIT = 1_000_000
SECONDS = 60.0  # longest wait; reached only where something is broken


@asynccontextmanager
async def taking(folder: Path) -> AsyncIterator[Any]:
    """A client of the part that takes uploads; ``opened`` are the files that were to be read."""
    from aiohttp import web
    from aiohttp.test_utils import TestClient, TestServer

    from masam_workbench.tab.uploads import Uploads

    opened: list[tuple[str, list[bytes]]] = []

    async def read(source: Path, name: str) -> None:
        files = [source] if source.is_file() else sorted(source.iterdir())
        opened.append((name, [file.read_bytes() for file in files]))

    context: Any = SimpleNamespace(folder=folder, state=SimpleNamespace(series=None))
    images: Any = SimpleNamespace(reading=False, open=read)
    uploads = Uploads(context, images, LIMIT)
    app = web.Application(client_max_size=0)
    app.router.add_post("/upload", uploads.take)
    async with TestClient(TestServer(app)) as client:

        async def send(body: Any, batch: str = "") -> tuple[int, str]:
            query = {"name": "a.nii", "batch": batch}
            url = client.make_url("/upload").with_query(query)
            async with client.session.post(url, data=body, headers={"X-Masam": "1"}) as answer:
                return answer.status, await answer.text()

        yield SimpleNamespace(client=client, uploads=uploads, send=send, opened=opened)


def kept(folder: Path) -> list[Path]:
    """Files of uploads that are there."""
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.fixture(autouse=True)
def _needed(harness: Any) -> None:
    requireWorkbench()


class Full:
    """A file on a disk that fills up."""

    def __init__(self, file: Any, code: int) -> None:
        self._file, self._code = file, code

    def __enter__(self) -> Full:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, data: bytes) -> None:
        self._file.write(data[: len(data) // 2])
        raise OSError(self._code, "the system's words", "/some/where")


@pytest.mark.parametrize(
    ("code", "says"),
    [(errno.ENOSPC, "disk for temporary files is full"), (errno.EIO, "the system's words")],
)
def test_a_disk_that_fills_up_is_told_and_nothing_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, says: str
) -> None:
    normal = Path.open

    def filling(self: Path, *rest: Any, **named: Any) -> Any:
        file = normal(self, *rest, **named)
        return Full(file, code) if self.is_relative_to(tmp_path) else file

    async def check() -> None:
        async with taking(tmp_path) as tab:
            status, batch = await tab.send(b"first")
            assert status == 200
            monkeypatch.setattr(Path, "open", filling)
            status, words = await tab.send(b"second", batch)
            monkeypatch.setattr(Path, "open", normal)
            assert status == 507
            assert says in words
            assert "nothing was opened" in words
            assert "/" not in words
            assert kept(tmp_path) == []
            assert (await tab.send(b"third", batch))[0] == 404
            status, batch = await tab.send(b"again")  # there is room again
            await tab.uploads.opened(batch, "again")
            assert tab.opened == [("again", [b"again"])]

    asyncio.run(check())


def test_a_browser_that_goes_leaves_no_half_file(tmp_path: Path) -> None:
    async def check() -> None:
        async with taking(tmp_path) as tab:
            _, batch = await tab.send(b"first")
            host, port = tab.client.host, tab.client.port
            _, writer = await asyncio.open_connection(host, port)
            head = f"POST /upload?batch={batch} HTTP/1.1\r\nHost: a\r\nX-Masam: 1\r\n"
            writer.write(f"{head}Content-Length: 1000\r\n\r\nhalf".encode())
            await until(lambda: len(kept(tmp_path)) == 2)
            writer.transport.abort()
            await until(lambda: kept(tmp_path) == [])
            await tab.uploads.opened(batch, "half")
            assert tab.opened == []

    asyncio.run(check())


def test_files_that_are_sent_at_once_do_not_get_in_each_others_way(tmp_path: Path) -> None:
    async def check() -> None:
        async with taking(tmp_path) as tab:
            _, batch = await tab.send(b"0" * 1000)
            bodies = [bytes([49 + n]) * 200_000 for n in range(4)]
            answers = await asyncio.gather(*(tab.send(body, batch) for body in bodies))
            assert answers == [(200, batch)] * 4
            await tab.uploads.opened(batch, "all")
            ((_, files),) = tab.opened
            assert sorted(files) == sorted([b"0" * 1000, *bodies])

    asyncio.run(check())


async def until(found: Any) -> None:
    for _ in range(int(SECONDS / 0.02)):
        if found():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("It did not come about.")
