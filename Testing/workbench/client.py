"""A page without a browser: what it sends, and what it is told."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any
from urllib.parse import quote

import numpy as np

SECONDS = 90.0  # longest wait; a first run loads PyTorch and the model
LEFT_SECONDS = 8.0  # so long after it was left a tab is there for certain: half of its time


class Page:
    """One connection to a tab.

    Args:
        address: that the workbench has printed, or a tab's own address.
        cookies: of a browser that has opened the tab.
        query: of the connection.
        kept: where the tab is found that a test before has used, with its image and lesions, to be
            used again, and where it is noted. Empty, or with a tab that may have ended: a new one.
    """

    def __init__(
        self,
        address: str,
        cookies: Any = None,
        query: str = "",
        kept: dict[str, Any] | None = None,
    ) -> None:
        self._kept = kept
        self._address, self._cookies, self._query = address, cookies, query
        self.state: dict[str, Any] = {}
        self.beats = 0
        self.messages = 0
        self._answers: dict[int, dict[str, Any]] = {}
        self._number = 0
        self._told = asyncio.Event()

    async def __aenter__(self) -> Page:
        from aiohttp import ClientSession, CookieJar
        from yarl import URL

        jar = self._cookies or CookieJar(unsafe=True)
        if self._kept:
            jar.update_cookies(self._kept["cookies"], URL(self._kept["base"]))
        self.client = ClientSession(cookie_jar=jar, auto_decompress=False)
        self.base = await self._again() or await self._opened()
        if self._kept is not None:
            cookies = jar.filter_cookies(URL(self.base))
            given = {name: cookie.value for name, cookie in cookies.items()}
            self._kept |= {"base": self.base, "cookies": given, "left": 0.0}
        origin = "/".join(self.base.split("/")[:3])
        self.socket = await self.client.ws_connect(
            f"{self.base}live{self._query}", headers={"Origin": origin}, max_msg_size=1 << 26
        )
        self._hearing = asyncio.create_task(self._hear())
        await self.until(lambda state: "lesions" in state)
        if self._kept is not None:  # the page before is known to have gone
            await self.until(lambda state: state["role"] == "first")
        return self

    async def _again(self) -> str:
        """Where the tab is that is to be used again; empty where there is none."""
        if not self._kept or time.monotonic() - self._kept["left"] > LEFT_SECONDS:
            return ""
        async with self.client.get(self._kept["base"] + "index.html") as answer:
            return self._kept["base"] if answer.status == 200 else ""

    async def _opened(self) -> str:
        """Open the page, as soon as there is room for a tab; where it is."""
        deadline = time.monotonic() + SECONDS
        while True:
            async with self.client.get(self._address) as answer:
                # Tabs that tests before this one have left end after a while.
                if answer.status != 503 or time.monotonic() > deadline:
                    assert answer.status == 200, await answer.text()
                    return str(answer.url).rsplit("/", 1)[0] + "/"
            await asyncio.sleep(0.2)

    async def __aexit__(
        self, kind: type[BaseException] | None, _: object, __: TracebackType | None
    ) -> None:
        if self._kept is not None:
            self._kept["left"] = time.monotonic()
        self._hearing.cancel()
        await self.client.close()

    async def _hear(self) -> None:
        async for message in self.socket:
            self.messages += 1
            told = json.loads(message.data)
            self.state.update(told.get("state", {}))
            self.beats += "beat" in told
            if "answer" in told:
                self._answers[told["answer"]] = told
            self._told.set()
        self._told.set()

    async def do(self, name: str, *arguments: Any) -> dict[str, Any]:
        """Ask for an action; its answer."""
        self._number += 1
        number = self._number
        await self.socket.send_str(json.dumps({"do": name, "with": arguments, "n": number}))
        await self.until(lambda _: number in self._answers)
        return self._answers.pop(number)

    async def done(self, name: str, *arguments: Any) -> Any:
        """Ask for an action that must succeed; what it gives back."""
        answer = await self.do(name, *arguments)
        assert "error" not in answer, answer
        return answer.get("value")

    async def until(self, holds: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
        """Wait for the state to be so; of a lesion that it does not have yet, nothing is so."""
        deadline = time.monotonic() + SECONDS

        def held() -> Any:
            try:
                return holds(self.state)
            except IndexError:
                return False

        while not held():
            assert not self.socket.closed, "The connection has ended"
            assert time.monotonic() < deadline, self.state
            self._told.clear()
            try:
                await asyncio.wait_for(self._told.wait(), 1.0)
            except asyncio.TimeoutError:
                continue
        return self.state

    async def idle(self) -> dict[str, Any]:
        """Wait for the end of a run."""
        return await self.until(lambda state: not state["busy"] and not state["loading"])

    async def upload(self, files: dict[str, bytes], title: str, action: str = "uploaded") -> None:
        """Send files as one batch, and have them opened."""
        batch = ""
        for name, body in files.items():
            url = f"{self.base}upload?name={quote(name)}&batch={batch}"
            headers = {"X-Masam": "1", "Origin": "/".join(self.base.split("/")[:3])}
            async with self.client.post(url, data=body, headers=headers) as answer:
                batch = await answer.text()
                assert answer.status == 200, batch
        await self.done(action, batch, title)

    async def get(self, path: str) -> tuple[int, Any, bytes]:
        """Fetch something: status, headers, and the body as it was sent."""
        async with self.client.get(self.base + path) as answer:
            return answer.status, answer.headers, await answer.read()

    async def mask(self, lesion: dict[str, Any], shape: tuple[int, ...]) -> np.ndarray:
        """A lesion's mask on the whole volume, bool KJI."""
        status, headers, body = await self.get(f"mask/{lesion['id']}/{lesion['mask']['version']}")
        assert status == 200
        out = np.zeros(shape, bool)
        i, j, k, ni, nj, nk = map(int, headers["X-Masam-Extent"].split(","))
        assert [i, j, k, ni, nj, nk] == lesion["mask"]["extent"]
        if body:
            values = np.frombuffer(gzip.decompress(body), np.uint8).reshape(nk, nj, ni)
            out[k : k + nk, j : j + nj, i : i + ni] = values
        return out

    async def open(self, sample: str) -> dict[str, Any]:
        """Open a bundled sample."""
        before = (self.state["image"] or {}).get("version")
        await self.done("openSample", sample)
        await self.until(lambda s: s["image"] and s["image"]["version"] != before)
        return dict((await self.idle())["image"])
