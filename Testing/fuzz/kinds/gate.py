"""Requests to the workbench's front process: paths, hosts, origins, cookies and bytes of any sort.

The gate runs in this process, with a tab that only says that it was reached.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from hypothesis import strategies as st

from masam_core.errors import MasamError
from Testing.fuzz.injection import Injection, Kind, Place
from Testing.fuzz.mutate import damaged, odd_words
from Testing.fuzz.oracle import HANG, Leaks, Wrong

SECONDS = 20.0
QUIET_SECONDS = 0.3
TAB, COOKIE, TOKEN, SECRET = "tab-id", "tab-cookie-7301", "token-99214", "tab-secret-55021"
REACHED = b"the tab was reached"
MOST_STATUS = 499
REFUSALS = {403, 404, 405, 408, 413, 414, 417, 426, 431, 400, 501, 502, 503, 505}
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "CONNECT", "TRACE", "BREW", "get", "")
PATHS = (
    "/",
    f"/?token={TOKEN}",
    "/?token=wrong",
    f"/tab/{TAB}/index.html",
    f"/tab/{TAB}/upload",
    "/tab/",
    "/tab/x/index.html",
    "/../../etc/passwd",
    f"/tab/{TAB}/../../../etc/passwd",
    "//evil.example/",
    f"/tab/{TAB}/%2e%2e/%2e%2e/x",
    "http://evil.example/",
    "*",
    f"/tab/{TAB}/ws",
    "/%00",
    "/%ff%fe",
    "/" + "a" * 9000,
    f"/tab/{TAB}/results/x\\y",
    "/tab/%F0%9F%98%80/x",
)
HEADERS: dict[str, tuple[str, ...]] = {
    "Host": (
        "127.0.0.1",
        "localhost:{port}",
        "evil.example",
        "[::1]",
        "",
        "127.0.0.1.evil.example",
        "[",
        "a:b:c",
        "127.0.0.1:99999",
    ),
    "Origin": (
        "http://127.0.0.1:{port}",
        "null",
        "http://evil.example",
        "http://[",
        "\u00ff\u00fe",
        "http://127.0.0.1:{port}@evil.example",
        "http://a:b",
    ),
    "Cookie": (
        f"masam={COOKIE}",
        "masam=wrong",
        "masam=\u00ff",
        "a=b; ;;; masam",
        '="',
        "masam=" + "x" * 5000,
        f"masam={COOKIE}; masam=other",
    ),
    "Upgrade": ("websocket", "h2c", "\u00ff"),
    "Connection": ("Upgrade", "keep-alive", "close, Host"),
    "Content-Length": ("0", "5", "-1", "99999999999999999999", "abc", "1e3"),
    "Transfer-Encoding": ("chunked", "gzip", "chunked, identity"),
    "Expect": ("100-continue", "x"),
    "Sec-WebSocket-Key": ("x", "dGhlIHNhbXBsZSBub25jZQ=="),
    "Sec-WebSocket-Version": ("13", "99"),
    "X-Masam": ("1",),
    "X-Masam-Tab": (SECRET[:4],),
    "If-None-Match": ("\u00ff", '"x"'),
}


@st.composite
def requests(draw: st.DrawFn) -> Injection:
    """One request, of which something is odd; at times its bytes are wrong or it stops early."""
    lines = [
        f"{draw(st.sampled_from((*METHODS[:1] * 5, *METHODS)))} "
        f"{draw(st.sampled_from((*PATHS[1:5] * 3, *PATHS)))} HTTP/1.1"
    ]
    chosen = draw(st.lists(st.sampled_from(sorted(HEADERS)), max_size=2))
    body = draw(st.sampled_from(("", "", "hello", "5\r\nhello\r\n0\r\n\r\n", "ffffffff\r\n")))
    good = {"Host": "127.0.0.1:{port}", "Connection": "close"}
    if body and draw(st.integers(0, 4)):
        good["Content-Length"] = str(len(body))
    if draw(st.booleans()):
        good["Cookie"] = f"masam={COOKIE}"
    for name in chosen:
        odd = draw(st.integers(0, 9)) == 0
        value = draw(odd_words()) if odd else draw(st.sampled_from(HEADERS[name]))
        lines.append(f"{name}: {value.replace(chr(10), ' ')}")
    lacking = draw(st.sampled_from([None] * 9 + ["Host"]))
    lines += [f"{n}: {v}" for n, v in good.items() if n not in chosen and n != lacking]
    encoding = draw(st.sampled_from(("latin-1", "utf-8")))
    text = "\r\n".join(lines) + "\r\n\r\n" + body
    data = text.encode(encoding, "replace")
    data = draw(damaged(data)) if draw(st.integers(0, 3)) == 0 else data
    return Injection({"request": data}, "request")


@cache
def _gate() -> int:
    """Start the gate and a tab in a thread; the gate's port."""
    from aiohttp import web

    from masam_workbench.front import gate as front
    from masam_workbench.front.connections import Listener
    from masam_workbench.front.processes import TabProcess

    ready: Any = SimpleNamespace(port=0, done=threading.Event())

    async def serve() -> None:
        async def answer(request: web.Request) -> web.Response:
            if request.headers.get("X-Masam-Tab") != SECRET:
                return web.Response(status=403)
            return web.Response(body=REACHED)

        tab_app = web.Application()
        tab_app.router.add_route("*", "/{path:.*}", answer)
        gate = front.Gate(front.Options(token=TOKEN))

        async def no_tab(*_: Any) -> Any:
            raise MasamError("No tab is started here.")

        front.startTab = no_tab  # type: ignore[assignment]
        inside = web.AppRunner(tab_app, access_log=None)
        await inside.setup()
        await web.TCPSite(inside, "127.0.0.1", 0).start()
        runner = web.AppRunner(gate.app, access_log=None)
        await runner.setup()
        assert runner.server is not None
        listener = Listener(runner.server, "127.0.0.1", 0)  # as the workbench listens
        listener.start()
        process: Any = SimpleNamespace(returncode=None)
        tab = TabProcess(process, Path("/nowhere"), SECRET, inside.addresses[0][1], TAB, COOKIE)
        tab.hadImage = True  # or it is let go of after a while
        gate.tabs[TAB] = tab
        ready.port = listener.port
        ready.done.set()
        await asyncio.Event().wait()

    threading.Thread(target=lambda: asyncio.run(serve()), daemon=True).start()
    if not ready.done.wait(SECONDS):
        raise AssertionError("The gate did not start.")
    return int(ready.port)


def ask(_place: Place, injection: Injection) -> Any:
    """Send a request, read what comes back, and ask once more as a browser does."""
    port = _gate()
    data = injection.files["request"].replace(b"{port}", str(port).encode())
    answer = _exchange(port, data)
    status = _status(answer)
    if status is not None:
        _look_at(answer, status, data)
    good = f"GET /tab/{TAB}/x HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nCookie: masam={COOKIE}\r\n"
    if REACHED not in _exchange(port, f"{good}Connection: close\r\n\r\n".encode(), True):
        raise Wrong("the gate lets in nobody any more")
    if status is None or status >= 400:
        raise MasamError(answer[-300:].decode("utf-8", "replace"))
    return None


def _exchange(port: int, data: bytes, whole: bool = False) -> bytes:
    """Send bytes; what comes back until the other side closes, or says nothing for a while.

    A request that is not finished may be waited for; with ``whole`` there must be an end.
    """
    with socket.create_connection(("127.0.0.1", port), SECONDS if whole else QUIET_SECONDS) as wire:
        got = b""
        try:
            wire.sendall(data)
            while block := wire.recv(1 << 16):
                got += block
        except TimeoutError:
            if whole:
                raise Wrong(f"{HANG}: the gate answers nobody any more") from None
        except ConnectionError:
            pass  # it has hung up; what it said before counts
        return got


def _status(answer: bytes) -> int | None:
    first = answer.split(b"\r\n", 1)[0].split()
    return int(first[1]) if len(first) > 1 and first[1].isdigit() else None


def _look_at(answer: bytes, status: int, data: bytes) -> None:
    from masam_workbench.front.guard import HEADERS as wanted

    told = b"No tab is started" in answer or data.startswith(b"HEAD")
    if status > MOST_STATUS and status not in REFUSALS and not told:
        raise Wrong(f"status {status}: {answer[:300]!r}")
    head = answer.split(b"\r\n\r\n", 1)[0].lower()
    lacking = [name for name in wanted if f"{name}:".lower().encode() not in head]
    if lacking and status not in (100, 101):
        raise Wrong(f"status {status} without {lacking[0]}")
    for secret in (SECRET, TOKEN, COOKIE):
        if secret.encode() in answer and secret.encode() not in data:
            raise Leaks(f"the answer holds {secret}")
    if REACHED in answer and COOKIE.encode() not in data:
        raise Leaks("the tab was reached without its cookie")
    if b"Traceback" in answer:
        raise Wrong(f"it tells of its inside: {answer[-300:]!r}")


KINDS = (Kind("HTTP requests", requests(), ask, names_target=False, seconds=60.0, cost=2.0),)
