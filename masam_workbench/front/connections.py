"""A server's connections: how many there may be, and how long each may take to say what it wants.

Whoever reaches the port can open connections, also without a secret. Those that have shown none
yet have a small room of their own, in which a new one takes the place of the oldest; so they can't
use up what the system allows a process to have open, nor keep the others out.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aiohttp import web

from masam_workbench.front.guard import HEADERS

MOST = 256  # connections at once, all together
MOST_STRANGERS = 64  # of them without a secret
HEADER_SECONDS = 20.0  # from a connection, or a request's first byte, to the end of its header
KEEP_SECONDS = 75.0  # an idle connection of a page
RETRY_SECONDS = 0.5  # when the system has no room for another connection
QUIET_SECONDS = 600.0  # in which that is said once
DESCRIPTORS = 2048  # files and connections of a process, where the system lets it ask for so many
UNFORESEEN = "Something unforeseen happened. Nothing was changed; try again."
_NO_ROOM = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)

log = logging.getLogger("masam.workbench")


class Connection(web.RequestHandler):
    """One connection, with a limit of time for each request's header.

    Args:
        all_: of the same server.
        server: that answers.
    """

    def __init__(self, all_: Connections, server: web.Server) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type]  # addresses hold secrets
            keepalive_timeout=KEEP_SECONDS,
        )
        self._all = all_
        self._asking: asyncio.TimerHandle | None = None
        self._served = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a place among the strangers."""
        super().connection_made(transport)
        self._expect()
        self._all.add(self)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Give the place back."""
        self._calm()
        self._all.remove(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes; the first of a request start the clock."""
        if not self._served and self._asking is None:
            self._expect()
        super().data_received(data)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what is no request, or what failed, with the same headers as any other answer."""
        if isinstance(exc, UnicodeError):  # bytes that are no text, in a header of aiohttp's own
            status = 400
        if status >= 500:
            say_unforeseen(exc)
        if request.writer.output_size > 0:
            raise ConnectionError("A part of the answer was sent already.")
        words = "This is no request that can be understood." if status < 500 else UNFORESEEN
        answer = web.Response(status=status, text=words, headers=HEADERS)
        answer.force_close()
        return answer

    def log_exception(self, *arguments: Any, **named: Any) -> None:
        """Say in one line what could not be answered."""
        say_unforeseen(named.get("exc_info"))

    def admit(self) -> None:
        """A secret was shown: it is no stranger any more."""
        self._all.admit(self)

    def hang_up(self) -> None:
        """End it at once."""
        transport = self.transport
        if isinstance(transport, asyncio.Transport):
            transport.abort()

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Hold the clock while a request is answered: its header is complete."""
        self._served = True
        self._calm()
        try:
            yield
        finally:
            self._served = False
            if self._all.is_stranger(self):
                self._expect()

    def _expect(self) -> None:
        self._asking = asyncio.get_running_loop().call_later(HEADER_SECONDS, self.hang_up)

    def _calm(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None


class Connections:
    """All connections of a server, made by calling it (a protocol factory of asyncio).

    Args:
        server: that answers.
    """

    def __init__(self, server: web.Server) -> None:
        self._server = server
        self._strangers: dict[Connection, None] = {}  # in the order in which they came
        self._known: set[Connection] = set()

    def __call__(self) -> Connection:
        """Make a connection that is not yet one."""
        return Connection(self, self._server)

    def __len__(self) -> int:
        return len(self._strangers) + len(self._known)

    def add(self, one: Connection) -> None:
        """Count one in; the oldest of too many strangers goes, or this one where all are known."""
        self._strangers[one] = None
        if len(self._strangers) > MOST_STRANGERS or len(self) > MOST:
            next(iter(self._strangers)).hang_up()

    def remove(self, one: Connection) -> None:
        """Count one out."""
        self._strangers.pop(one, None)
        self._known.discard(one)

    def admit(self, one: Connection) -> None:
        """Count one among the known."""
        if one in self._strangers:
            del self._strangers[one]
            self._known.add(one)

    def is_stranger(self, one: Connection) -> bool:
        """Whether one has not shown a secret yet."""
        return one in self._strangers

    def clear_strangers(self) -> None:
        """End all that have shown no secret."""
        for one in list(self._strangers):
            one.hang_up()


class Listener:
    """Takes connections in.

    asyncio's own server writes a traceback, many times a second, when the system has no room for
    another one.

    Args:
        server: that answers.
        host, port: where to listen; port 0 is a free one.
    """

    def __init__(self, server: web.Server, host: str, port: int) -> None:
        self.connections = Connections(server)
        self._host, self.port = host, port
        self._sockets: list[socket.socket] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._said: float | None = None

    def start(self) -> None:
        """Begin, on the running loop.

        Raises:
            OSError: the port is taken, or there is no such interface.
        """
        allow_descriptors()
        loop = asyncio.get_running_loop()
        found = socket.getaddrinfo(
            self._host, self.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        try:
            for family, _, _, _, address in dict.fromkeys(found):
                place = (address[0], self.port, *address[2:])
                listening = socket.create_server(place, family=family, backlog=128)
                listening.setblocking(False)
                self._sockets.append(listening)
                self.port = listening.getsockname()[1]
        except OSError:
            self._hang_up()
            raise
        self._tasks = [loop.create_task(self._take(each)) for each in self._sockets]

    async def close(self) -> None:
        """Take no more in; those that are open stay."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._hang_up()

    def _hang_up(self) -> None:
        while self._sockets:
            self._sockets.pop().close()

    async def _take(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                accepted, _ = await loop.sock_accept(listening)
            except OSError as error:  # mostly one that has gone before it was taken
                if error.errno in _NO_ROOM:
                    self._say()
                    self.connections.clear_strangers()
                    await asyncio.sleep(RETRY_SECONDS)
                continue
            try:
                await loop.connect_accepted_socket(self.connections, accepted)
            except OSError:  # it has gone meanwhile
                accepted.close()

    def _say(self) -> None:
        now = time.monotonic()
        if self._said is None or now - self._said > QUIET_SECONDS:
            log.warning(
                "No more connections can be taken for the moment: this process has as many files "
                "and connections open as the system allows. It goes on as soon as some are closed."
            )
        self._said = now


def say_unforeseen(error: object) -> None:
    """Log a fault of ours in one line; with its place in the code where MASAM_DEBUG is set."""
    known = error if isinstance(error, BaseException) else sys.exc_info()[1]
    place = known if os.environ.get("MASAM_DEBUG") else None
    log.error("A request could not be answered (%s).", type(known).__name__, exc_info=place)


@contextmanager
def serving(request: web.Request) -> Iterator[None]:
    """Hold the clock of a request's connection while it is answered; see :class:`Connection`."""
    connection = request.protocol
    with connection.serving() if isinstance(connection, Connection) else contextlib.nullcontext():
        yield


def admit(request: web.Request) -> None:
    """Remember that a request has shown the secret that it needs."""
    if isinstance(request.protocol, Connection):
        request.protocol.admit()


def allow_descriptors() -> None:
    """Ask the system for as many open files as the connections may need (macOS gives 256)."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    with contextlib.suppress(ValueError, OSError):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(DESCRIPTORS, hard)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
