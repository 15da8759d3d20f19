"""Connections without a secret: they stop nobody, fill no log, and end by themselves."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from Testing.workbench.conftest import requireWorkbench

SECONDS = 20.0  # longest wait; reached only where something is broken


@pytest.fixture(autouse=True)
def _needed(harness: Any) -> None:
    requireWorkbench()


@asynccontextmanager
async def listening(answering: Any = None) -> AsyncIterator[Any]:
    """The gate, or another handler of everything, behind our listener."""
    from aiohttp import web

    from masam_workbench.front.connections import Listener, admit, serving
    from masam_workbench.front.gate import Gate, Options

    app = Gate(Options(token="right")).app
    if answering is not None:

        @web.middleware
        async def guard(request: web.Request, handler: Any) -> web.StreamResponse:
            with serving(request):
                if request.query_string == "known":
                    admit(request)
                answer: web.StreamResponse = await handler(request)
                return answer

        app = web.Application(middlewares=[guard])
        app.router.add_route("*", "/{path:.*}", answering)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    assert runner.server is not None
    listener = Listener(runner.server, "127.0.0.1", 0)
    listener.start()
    try:
        yield listener
    finally:
        await listener.close()
        await runner.cleanup()


async def hello(_request: Any) -> Any:
    """Answer anything."""
    from aiohttp import web

    return web.Response(text="hello")


async def connect(listener: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", listener.port)


async def ask(listener: Any, path: str = "/", host: str = "127.0.0.1") -> bytes:
    """Whole answer to a request."""
    reader, writer = await connect(listener)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    answer = await asyncio.wait_for(reader.read(), SECONDS)
    writer.close()
    return answer


async def ended(reader: asyncio.StreamReader) -> bool:
    """Whether a connection was closed by the other side, or is within the time."""
    try:
        return await asyncio.wait_for(reader.read(), SECONDS) == b""
    except ConnectionError:
        return True


def test_many_idle_connections_keep_nobody_out(caplog: pytest.LogCaptureFixture) -> None:
    from masam_workbench.front import connections

    async def check() -> None:
        async with listening(hello) as listener:
            idle = [await connect(listener) for _ in range(300)]
            assert b"200 OK" in await ask(listener)
            assert len(listener.connections) <= connections.MOST_STRANGERS
            assert await ended(idle[0][0])
            for _, writer in idle:
                writer.close()

    asyncio.run(check())
    assert caplog.records == []


def test_who_has_shown_the_secret_stays_when_strangers_come() -> None:
    async def check() -> None:
        async with listening(hello) as listener:
            reader, writer = await connect(listener)
            request = b"GET /?known HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
            for _ in range(2):
                writer.write(request)
                assert b"200 OK" in await asyncio.wait_for(reader.readuntil(b"hello"), SECONDS)
                idle = [await connect(listener) for _ in range(100)]
            for _, other in [*idle, (reader, writer)]:
                other.close()

    asyncio.run(check())


def test_there_are_never_more_than_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    from masam_workbench.front import connections

    monkeypatch.setattr(connections, "MOST", 5)

    async def check() -> None:
        async with listening(hello) as listener:
            pairs = []
            for _ in range(5):
                reader, writer = await connect(listener)
                writer.write(b"GET /?known HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
                await asyncio.wait_for(reader.readuntil(b"hello"), SECONDS)
                pairs.append((reader, writer))
            sixth, last = await connect(listener)
            assert await ended(sixth)
            assert len(listener.connections) == 5
            for _, writer in [*pairs, (sixth, last)]:
                writer.close()

    asyncio.run(check())


@pytest.mark.parametrize("sent", [b"", b"G", b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: "])
def test_a_header_that_does_not_end_is_not_waited_for(
    sent: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    from masam_workbench.front import connections

    monkeypatch.setattr(connections, "HEADER_SECONDS", 0.2)

    async def check() -> None:
        async with listening(hello) as listener:
            reader, writer = await connect(listener)
            writer.write(sent)
            assert await ended(reader)
            writer.close()

    asyncio.run(check())


def test_a_second_header_is_not_waited_for_either(monkeypatch: pytest.MonkeyPatch) -> None:
    from masam_workbench.front import connections

    monkeypatch.setattr(connections, "HEADER_SECONDS", 0.2)

    async def check() -> None:
        async with listening(hello) as listener:
            reader, writer = await connect(listener)
            writer.write(b"GET /?known HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            await asyncio.wait_for(reader.readuntil(b"hello"), SECONDS)
            await asyncio.sleep(0.4)  # known, it may be idle for longer
            assert not reader.at_eof()
            writer.write(b"GET /?known HTTP/1.1\r\nHost")
            assert await ended(reader)
            writer.close()

    asyncio.run(check())


def test_the_clock_stands_still_while_a_request_is_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from masam_workbench.front import connections

    monkeypatch.setattr(connections, "HEADER_SECONDS", 0.1)

    async def slow(_request: Any) -> Any:
        await asyncio.sleep(0.3)
        return await hello(_request)

    async def check() -> None:
        async with listening(slow) as listener:
            assert b"hello" in await ask(listener)

    asyncio.run(check())


def test_no_room_for_a_connection_is_said_once_in_words_and_gets_over(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from masam_workbench.front import connections

    monkeypatch.setattr(connections, "RETRY_SECONDS", 0.01)
    tries: list[int] = []

    async def check() -> None:
        loop = asyncio.get_running_loop()
        accept = loop.sock_accept

        async def refuse(listening: socket.socket) -> Any:
            tries.append(1)
            if len(tries) < 6:
                raise OSError(errno.EMFILE, "Too many open files")
            return await accept(listening)

        monkeypatch.setattr(loop, "sock_accept", refuse)
        async with listening(hello) as listener:
            assert b"200 OK" in await ask(listener)

    with caplog.at_level(logging.DEBUG, "masam.workbench"):
        asyncio.run(check())
    (said,) = [record for record in caplog.records if record.name == "masam.workbench"]
    assert "as many files and connections open as the system allows" in said.getMessage()
    assert said.exc_info is None


def test_a_taken_port_is_an_error_and_leaves_nothing_open() -> None:
    from masam_workbench.front.connections import Listener

    async def check() -> None:
        async with listening(hello) as listener:
            other = Listener(listener.connections._server, "127.0.0.1", listener.port)
            with pytest.raises(OSError, match="in use"):
                other.start()
            assert other._sockets == []

    asyncio.run(check())


ODD = [b"\x80", b"\xff\xfe", b"\xc3", b"\xed\xb3\xa4", b"[", b"\x7f", "\u202e".encode(), b"%ff%00"]
PLACES = {
    "origin": b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: http://%s\r\n\r\n",
    "posted origin": b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: http://%s\r\n\r\n",
    "host": b"GET / HTTP/1.1\r\nHost: %s\r\n\r\n",
    "cookie": b"GET /tab/x/index.html HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: masam=%s; a\r\n\r\n",
    "cookie's name": b"GET /tab/x/a HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: %s=a; masam=b\r\n\r\n",
    "path": b"GET /%s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "tab": b"GET /tab/%s/index.html HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: masam=a\r\n\r\n",
    "query": b"GET /?token=%s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "name of a header": b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX%s: a\r\n\r\n",
    "upgrade": b"GET /tab/x/ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: %s\r\n\r\n",
    "method": b"G%s / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "version": b"GET / HTTP/%s\r\nHost: 127.0.0.1\r\n\r\n",
    "length": b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %s\r\n\r\n",
    "expect": b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nExpect: %s\r\n\r\n",
    "encoding": b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: %s\r\n\r\n",
    "all": b"%s\r\n\r\n",
}


@pytest.mark.parametrize("place", PLACES)
def test_odd_bytes_are_refused_with_the_headers_of_any_answer(
    place: str, caplog: pytest.LogCaptureFixture
) -> None:
    from masam_workbench.front.guard import HEADERS

    async def check() -> None:
        async with listening() as listener:
            for odd in ODD:
                reader, writer = await connect(listener)
                writer.write(PLACES[place] % odd)
                answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), SECONDS)
                head = answer.decode("latin-1")
                assert head.split()[1] in ("400", "403", "404", "405", "417"), (odd, head)
                for name, value in HEADERS.items():
                    assert f"{name}: {value}" in head, (odd, name)
                writer.close()

    with caplog.at_level(logging.INFO):
        asyncio.run(check())
    assert caplog.records == []


def test_a_path_that_does_not_exist_has_the_same_headers() -> None:
    async def check() -> None:
        async with listening() as listener:
            for path in ("/nothing", "/tab", "/tab/x"):
                answer = await ask(listener, path)
                assert b" 404 " in answer.splitlines()[0]
                assert b"Content-Security-Policy: default-src 'none'" in answer

    asyncio.run(check())


def test_a_fault_of_ours_is_one_line_and_a_plain_answer(caplog: pytest.LogCaptureFixture) -> None:
    async def fails(_request: Any) -> Any:
        raise KeyError("secret path")

    async def check() -> None:
        async with listening(fails) as listener:
            answer = await ask(listener)
            assert b" 500 " in answer.splitlines()[0]
            assert b"Something unforeseen" in answer
            assert b"X-Content-Type-Options: nosniff" in answer
            assert b"secret" not in answer

    asyncio.run(check())
    (said,) = caplog.records
    assert said.getMessage() == "A request could not be answered (KeyError)."
    assert said.exc_info is None
