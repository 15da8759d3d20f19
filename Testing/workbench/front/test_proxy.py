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

        async def swallow(request: web.Request) -> web.Response:
            return web.Response(text=str(len(await request.read())))

        async def cut(request: web.Request) -> web.StreamResponse:
            answer = web.StreamResponse(headers={"Content-Length": "1000"})
            await answer.prepare(request)
            await answer.write(b"a part")
            assert request.transport is not None
            request.transport.close()
            return answer

        inside = web.Application()
        inside.router.add_post("/upload", swallow)
        inside.router.add_get("/cut", cut)
        inside.router.add_get("/{path:.*}", result)
        self.inside = TestServer(inside)
        await self.inside.start_server()
        self.client = gate._client()
        self.tab: Any = SimpleNamespace(
            port=self.inside.port, secret="s", sockets=set(), left=0.0, running=True
        )

        async def passOn(request: web.Request) -> web.StreamResponse:
            path = request.match_info["path"]
            if path == proxy.LIVE:
                return await proxy.passSocket(request, self.tab, self.client)
            return await proxy.passRequest(request, self.tab, path, self.client)

        outside = web.Application()
        outside.router.add_route("*", "/{path:.*}", passOn)
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
            status, _, _ = await front.ask("/live")  # no handshake
            assert status == 400
            assert front.tab.sockets == set()

    asyncio.run(check())


async def _stalls(wait: asyncio.Event) -> Any:
    yield b"beginning"
    await wait.wait()


def test_a_body_of_which_nothing_more_comes_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    from masam_workbench.front import proxy

    monkeypatch.setattr(proxy, "BODY_SECONDS", 0.1)

    async def check() -> None:
        async with Front() as front:
            never = asyncio.Event()
            url = front.outside.make_url("/upload")
            async with front.browser.post(url, data=_stalls(never)) as answer:
                assert answer.status == 408
                assert "Nothing more came for 0.1 seconds" in await answer.text()
            async with front.browser.post(url, data=b"x" * 1_000_000) as answer:
                assert (answer.status, await answer.text()) == (200, "1000000")

    asyncio.run(check())


def test_an_answer_that_is_cut_off_is_seen_to_be() -> None:
    async def check() -> None:
        from aiohttp import ClientError

        async with Front() as front:
            with pytest.raises(ClientError):
                await front.ask("/cut")

    asyncio.run(check())


def test_a_tab_that_does_not_answer_is_told_from_one_that_has_ended() -> None:
    async def check() -> None:
        async with Front() as front:
            front.tab.port = 1  # nobody listens there
            assert (await front.ask("/page.js"))[::2] == (
                502,
                b"This tab does not answer. Try again.",
            )
            front.tab.running = False
            assert b"has ended" in (await front.ask("/page.js"))[2]

    asyncio.run(check())
