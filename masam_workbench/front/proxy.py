"""Requests and web sockets, passed on to a tab's process and back."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import ClientError, ClientSession, WSMsgType, web
from yarl import URL

from masam_workbench.front.processes import TabProcess

SECRET = "X-Masam-Tab"
_KEPT = (
    "Content-Type",
    "Content-Length",
    "Content-Encoding",
    "Content-Disposition",
    "Last-Modified",
    "ETag",
    "Cache-Control",
    "X-Masam-Extent",
)
SENT = ("Accept", "Content-Type", "Content-Length", "X-Masam", "If-None-Match")
ASKED = (  # of a request for a web socket
    "Connection",
    "Upgrade",
    "Sec-WebSocket-Extensions",
    "Sec-WebSocket-Key",
    "Sec-WebSocket-Protocol",
    "Sec-WebSocket-Version",
)
BODY_SECONDS = 60.0  # without a byte of a body
LIVE = "live"  # the path of a page's web socket
# Of "x.nii.gz", aiohttp 3.9 says that it is "x.nii", compressed for the transport: a browser would
# unpack it.
AS_THEY_ARE = ("results/", "image/")
MOST_BYTES = 64 << 20  # of one message


async def passRequest(
    request: web.Request, tab: TabProcess, path: str, client: ClientSession
) -> web.StreamResponse:
    """One request; bodies flow through, none is kept."""
    url = URL.build(scheme="http", host="127.0.0.1", port=tab.port, path=f"/{path}")
    headers = {name: request.headers[name] for name in SENT if name in request.headers}
    headers[SECRET] = tab.secret
    headers["Accept-Encoding"] = "identity"  # bytes are passed on as they are, with their length
    body, response = _Body(request), None
    try:
        async with client.request(
            request.method,
            url.with_query(request.query),
            headers=headers,
            data=body.parts() if request.can_read_body else None,
            allow_redirects=False,
        ) as answer:
            kept = {name: answer.headers[name] for name in _KEPT if name in answer.headers}
            if path.startswith(AS_THEY_ARE):
                kept.pop("Content-Encoding", None)
                kept["Content-Type"] = "application/octet-stream"
            response = web.StreamResponse(status=answer.status, headers=kept)
            await response.prepare(request)
            async for data in answer.content.iter_chunked(1 << 16):
                await response.write(data)
            await response.write_eof()
            return response
    except (ClientError, asyncio.TimeoutError) as error:
        if response is not None and response.prepared:
            # A second answer can't be sent behind the first; the browser sees that it was cut off.
            raise ConnectionResetError("The tab's answer was cut off.") from error
        if body.late:
            words = f"Nothing more came for {BODY_SECONDS:g} seconds. Try again."
            return web.Response(status=408, text=words)
        if tab.running:
            return web.Response(status=502, text="This tab does not answer. Try again.")
        return web.Response(status=502, text="This tab's process has ended. Open a new tab.")


class _Body:
    """A request's body, part by part, with a limit of time for each.

    Attributes:
        late: the limit was reached.
    """

    def __init__(self, request: web.Request) -> None:
        self._request = request
        self.late = False

    async def parts(self) -> AsyncIterator[bytes]:
        """Yield the parts as they come."""
        while True:
            try:
                part = await asyncio.wait_for(self._request.content.readany(), BODY_SECONDS)
            except asyncio.TimeoutError:
                self.late = True
                raise
            if not part:
                return
            yield part


async def passSocket(
    request: web.Request, tab: TabProcess, client: ClientSession
) -> web.StreamResponse:
    """A page's connection; a tab may have several, and tells each what it is."""
    browser = web.WebSocketResponse(max_msg_size=MOST_BYTES, heartbeat=30, compress=False)
    await browser.prepare(request)
    tab.sockets.add(browser)
    try:
        async with client.ws_connect(
            URL.build(
                scheme="ws", host="127.0.0.1", port=tab.port, path=f"/{LIVE}", query=request.query
            ),
            headers={SECRET: tab.secret},
            max_msg_size=MOST_BYTES,
        ) as inside:
            ways = [
                asyncio.create_task(w) for w in (_pump(browser, inside), _pump(inside, browser))
            ]
            _, others = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in others:
                way.cancel()
    except ClientError:
        pass  # the tab has ended; the page says so when its connection closes
    finally:
        tab.sockets.discard(browser)
        tab.left = time.monotonic()
        await browser.close()
    return browser


async def _pump(source: Any, target: Any) -> None:
    with contextlib.suppress(ConnectionError, RuntimeError):
        async for message in source:
            if message.type == WSMsgType.TEXT:
                await target.send_str(message.data)
            elif message.type == WSMsgType.BINARY:
                await target.send_bytes(message.data)
