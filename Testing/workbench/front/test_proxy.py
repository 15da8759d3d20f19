"""What is passed on between browser and tab."""

from __future__ import annotations

import asyncio
import gzip
from types import SimpleNamespace
from typing import Any

import pytest

from Testing.workbench.conftest import requireWorkbench

VOXELS = gzip.compress(b"voxels " * 10_000)


class Front:
    """A tab's own server, and the front before it; ``ask`` is the browser."""

    async def __aenter__(self) -> Front:
        from aiohttp import ClientSession, web
        from aiohttp.test_utils import TestServer

        from masam_workbench.front import gate, proxy

        async def result(request: web.Request) -> web.Response:
            # As aiohttp 3.9 serves a file whose name ends in ".gz".
            headers = {"Content-Encoding": "gzip", "Content-Type": "application/x-nifti"}
            return web.Response(body=VOXELS, headers=headers)

        inside = web.Application()
        inside.router.add_get("/{path:.*}", result)
        self.inside = TestServer(inside)
        await self.inside.start_server()
        self.client = gate._client()
        self.tab: Any = SimpleNamespace(port=self.inside.port, secret="s", socket=None, left=0.0)

        async def passOn(request: web.Request) -> web.StreamResponse:
            path = request.match_info["path"]
            if path == "ws":
                return await proxy.passSocket(request, self.tab, self.client)
            return await proxy.passRequest(request, self.tab, path, self.client)

        outside = web.Application()
        outside.router.add_get("/{path:.*}", passOn)
        self.outside = TestServer(outside)
        await self.outside.start_server()
        self.browser = ClientSession(auto_decompress=False)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.browser.close()
        await self.outside.close()
        await self.client.close()
        await self.inside.close()

    async def ask(self, path: str) -> tuple[int, Any, bytes]:
        async with self.browser.get(self.outside.make_url(path)) as answer:
            return answer.status, answer.headers, await answer.read()


@pytest.fixture(autouse=True)
def _needed(harness: Any) -> None:
    requireWorkbench()


def test_a_compressed_image_arrives_as_the_file_that_was_saved() -> None:
    async def check() -> None:
        async with Front() as front:
            status, headers, body = await front.ask("/results/x.nii.gz")
            assert (status, body) == (200, VOXELS)
            assert "Content-Encoding" not in headers  # a browser would unpack it
            assert headers["Content-Type"] == "application/octet-stream"

    asyncio.run(check())


def test_what_a_tab_compresses_for_the_way_is_said_to_be_compressed() -> None:
    async def check() -> None:
        async with Front() as front:
            status, headers, body = await front.ask("/page.js")
            assert (status, body) == (200, VOXELS)
            assert headers["Content-Encoding"] == "gzip"

    asyncio.run(check())


def test_a_web_socket_that_does_not_come_about_leaves_the_tab_without_a_page() -> None:
    async def check() -> None:
        async with Front() as front:
            status, _, _ = await front.ask("/ws")  # no handshake
            assert status == 400
            assert front.tab.socket is None

    asyncio.run(check())
