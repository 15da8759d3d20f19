"""The front process: lets browsers in, and passes what they say on to the tab that is theirs."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import secrets
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientSession, ClientTimeout, web
from MASAMSlicerLib.workerprocess import workerCommand, workerEnvironment

from masam_core.catalog.choice import ModelChoice
from masam_core.errors import MasamError
from masam_core.worker.protocol import Message
from masam_workbench.front.connections import Listener, admit, serving
from masam_workbench.front.errorpage import dressed
from masam_workbench.front.guard import (
    BROWSER,
    COOKIE,
    HEADERS,
    browserOf,
    isLoopback,
    ours,
    plain,
    refusal,
    same,
)
from masam_workbench.front.link import WORKER
from masam_workbench.front.processes import TabProcess, startTab
from masam_workbench.front.proxy import ASKED, LIVE, SENT, passRequest, passSocket
from masam_workbench.front.transport import LoopTransport
from masam_workbench.front.worker import SharedWorker

MOST_TABS = 8
SWEEP_SECONDS = 20.0
SHUTDOWN_SECONDS = 3.0
SPARED_SECONDS = 60.0  # a tab without a page is kept so long in any case: it may be reloading
BROWSER_SECONDS = 30 * 86400  # a browser is known so long: its unsaved work is kept for a week
EMPTY_SECONDS = 120.0  # and so long at most where it never had an image


@dataclass(frozen=True)
class Options:
    """Settings of the server.

    Attributes:
        host, port: where it listens; port 0 is a free one.
        image: opened in each new tab, or an empty text.
        limit: of an upload, in bytes.
        device, worker: see ``tab.Settings``.
        timeout: seconds without a connection after which a tab ends and its data are deleted.
        keep: whether work that was not saved is kept on disk, to be continued.
        token: without which no tab is opened.
    """

    host: str = "127.0.0.1"
    port: int = 0
    image: str = ""
    limit: int = 4 << 30
    device: str = ModelChoice.device
    worker: str = ""
    timeout: int = 1800
    keep: bool = True
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))


class Gate:
    """Opens tabs for whoever has the token, and guards each for the browser that opened it."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.tabs: dict[str, TabProcess] = {}
        self.worker = SharedWorker(self._makeTransport)
        self._command = workerCommand(options.worker)
        self._workerPid = 0
        self._transport: LoopTransport | None = None
        self._starting = 0
        self._client: ClientSession | None = None
        self.app = web.Application(middlewares=[self._guard], client_max_size=0)
        self.app.router.add_get("/", self._open)
        self.app.router.add_route("*", "/tab/{id}/{path:.*}", self._pass)
        self.app.cleanup_ctx.append(self._life)
        self.app.on_shutdown.append(self._shutDown)
        self.app.on_response_prepare.append(_addHeaders)

    @web.middleware
    async def _guard(self, request: web.Request, handler: Any) -> web.StreamResponse:
        with serving(request):
            response: web.StreamResponse = self._refused(request) or await handler(request)
            if response.status == 403 and not response.prepared:
                response.force_close()  # whoever has no secret keeps no connection
            return dressed(request, response)

    def _refused(self, request: web.Request) -> web.StreamResponse | None:
        """Answer to a request that comes from elsewhere, or can't come from a browser."""
        websocket = request.headers.get("Upgrade", "").lower() == "websocket"
        loopback = isLoopback(self.options.host)
        problem = refusal(request.headers, request.method, loopback, websocket)
        if problem:
            return web.Response(status=403, text=problem)
        if not understood(request):
            return web.Response(status=400, text="This request can't be understood.")
        return None

    async def _open(self, request: web.Request) -> web.StreamResponse:
        """A new tab: its process is started, and the browser is sent there."""
        if not same(request.query.get("token", ""), self.options.token):
            return web.Response(
                status=403,
                text="The address lacks the token. Use the whole address that was printed where "
                "the workbench was started.",
            )
        admit(request)
        if not await self._makeRoom():
            return web.Response(status=503, text=f"{MOST_TABS} tabs are open. Close one first.")
        options = self.options
        # On this machine alone the token says whose work it is; elsewhere it says too little.
        given = browserOf(request.headers.get("Cookie", ""))
        owner = "" if isLoopback(options.host) else given or secrets.token_urlsafe(24)
        self._starting += 1
        try:
            tab = await startTab(
                {
                    "image": options.image,
                    "limit": options.limit,
                    "device": options.device,
                    "worker": options.worker,
                    "timeout": options.timeout,
                    "keep": options.keep,
                    "owner": hashlib.sha256(owner.encode()).hexdigest() if owner else "",
                },
                self._ask,
            )
        except MasamError as error:
            return web.Response(status=500, text=str(error))
        finally:
            self._starting -= 1
        self.tabs[tab.id] = tab
        self._sayWorker(tab)
        answer = web.Response(status=303, headers={"Location": f"/tab/{tab.id}/index.html"})
        path = f"/tab/{tab.id}/"
        # Not "Strict": the address is also followed from another page, a notebook or a chat. What
        # changes something must say that it comes from this page (see ``refusal``).
        answer.set_cookie(COOKIE, tab.cookie, path=path, httponly=True, samesite="Lax")
        if owner:
            answer.set_cookie(
                BROWSER, owner, path="/", httponly=True, samesite="Lax", max_age=BROWSER_SECONDS
            )
        return answer

    async def _makeRoom(self) -> bool:
        """Whether another tab may be opened.

        One that was left ends for it, but not before its time where it had an image: the page has
        told its user how long that is kept.
        """
        if len(self.tabs) + self._starting < MOST_TABS:
            return True
        over = [tab for tab in self.tabs.values() if tab.alone >= self._spared(tab)]
        longest = max(over, key=lambda tab: tab.alone, default=None)
        if longest is None:
            return False
        del self.tabs[longest.id]
        await self._end(longest)
        return True

    def _spared(self, tab: TabProcess) -> float:
        """Seconds that a tab without a page is kept even where its place is wanted."""
        return self.options.timeout if tab.hadImage else SPARED_SECONDS

    async def _pass(self, request: web.Request) -> web.StreamResponse:
        tab = self.tabs.get(request.match_info["id"])
        given = ours(request.headers.get("Cookie", ""))
        if tab is None or not any(same(each, tab.cookie) for each in given):
            # One answer to both, so that ids can't be tried.
            return web.Response(
                status=403, text="This tab has ended, or was opened by another browser."
            )
        admit(request)
        assert self._client is not None
        path = request.match_info["path"]
        if path == LIVE:
            return await passSocket(request, tab, self._client)
        return await passRequest(request, tab, path, self._client)

    async def _life(self, _app: web.Application) -> Any:
        async with _client() as client:
            self._client = client
            sweeping = asyncio.get_running_loop().create_task(self._sweep())
            yield
            sweeping.cancel()

    async def _shutDown(self, _app: web.Application) -> None:
        """End connections and tabs, before the server waits for them to end."""
        tabs, self.tabs = list(self.tabs.values()), {}
        await asyncio.gather(*(each.close() for tab in tabs for each in list(tab.sockets)))
        await asyncio.gather(*(tab.end() for tab in tabs))
        self.worker.close()
        if self._transport is not None:
            await asyncio.to_thread(self._transport.ended)

    async def _end(self, tab: TabProcess) -> None:
        self.worker.forget(tab)
        await tab.end()

    def _ask(self, tab: TabProcess, message: Message) -> None:
        self.worker.hear(tab, message, tab.send)

    def _makeTransport(self) -> LoopTransport:
        """Pipes to a new worker, whose number every tab is told."""
        loop = asyncio.get_running_loop()
        made = self._transport = LoopTransport(self._command, workerEnvironment(), loop)
        made.onStart = self._started
        return made

    def _started(self, pid: int) -> None:
        self._workerPid = pid
        for tab in self.tabs.values():
            self._sayWorker(tab)

    def _sayWorker(self, tab: TabProcess) -> None:
        tab.send({"type": WORKER, "pid": self._workerPid})

    async def _sweep(self) -> None:
        """Let go of tabs whose process has ended, and of those that were left without an image."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            await self._tidy()

    async def _tidy(self) -> None:
        for tab in list(self.tabs.values()):
            if not tab.running or (not tab.hadImage and tab.alone >= EMPTY_SECONDS):
                self.tabs.pop(tab.id, None)
                await self._end(tab)
        if not self.tabs and not self._starting:
            self.worker.close()  # its memory is of use to others


async def _addHeaders(_request: web.Request, response: web.StreamResponse) -> None:
    """Give every answer the same headers, also those that the framework makes by itself."""
    response.headers.update(HEADERS)


def understood(request: web.Request) -> bool:
    """Whether address and what is used of the headers are such as a browser sends."""
    if not plain(request.raw_path) or "\0" in request.path:
        return False
    return all(plain(request.headers.get(name, "")) for name in (*SENT, *ASKED))


def _client() -> ClientSession:
    """Client for what is passed on to the tabs: without a limit of time, and as it is."""
    return ClientSession(timeout=ClientTimeout(total=None), auto_decompress=False)


def run(options: Options, onReady: Callable[[str], None]) -> None:
    """Serve until interrupted.

    Args:
        options: see Options.
        onReady: called with the address to open.

    Raises:
        OSError: the port is taken.
    """
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)  # addresses hold secrets
    asyncio.run(_serve(options, onReady))


async def _serve(options: Options, onReady: Callable[[str], None]) -> None:
    runner = web.AppRunner(Gate(options).app, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
    await runner.setup()
    assert runner.server is not None
    listener = Listener(runner.server, options.host, options.port)
    try:
        listener.start()
        onReady(f"http://{addressOf(options.host)}:{listener.port}/?token={options.token}")
        await _interrupted()
    finally:
        await listener.close()
        await runner.cleanup()


async def _interrupted() -> None:
    """Wait for Ctrl+C, or for the system to ask for an end."""
    stopped, loop = asyncio.Event(), asyncio.get_running_loop()
    with contextlib.suppress(NotImplementedError):  # Windows: Ctrl+C is a KeyboardInterrupt there
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stopped.set)
    await stopped.wait()


def addressOf(host: str) -> str:
    """How a browser calls an interface."""
    if host in ("0.0.0.0", "::"):
        return socket.gethostname()
    return f"[{host}]" if ":" in host else host
