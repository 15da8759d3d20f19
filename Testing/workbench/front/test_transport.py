"""The worker's pipes on an event loop."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from Testing.workbench.conftest import requireWorkbench

ECHO = "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read(%d)); sys.stdout.flush()"
SLEEPY = "import sys, time; time.sleep(1); print(len(sys.stdin.buffer.read(%d)))"


def run(work: Callable[[], Awaitable[None]]) -> None:
    """On a loop of its own, within a minute."""
    asyncio.run(asyncio.wait_for(work(), 60))


def transport(code: str) -> tuple[Any, list[bytes], asyncio.Future[Any]]:
    """A process, what it says, and the end of it."""
    from masam_workbench.front.transport import LoopTransport

    loop = asyncio.get_running_loop()
    made = LoopTransport([sys.executable, "-c", code], dict(os.environ), loop)
    said: list[bytes] = []
    closed: asyncio.Future[Any] = loop.create_future()
    made.on_output = said.append
    made.on_closed = closed.set_result
    return made, said, closed


@pytest.fixture(autouse=True)
def _needed(harness: Any) -> None:
    requireWorkbench()


def test_bytes_come_back_in_order_on_the_loops_thread() -> None:
    async def work() -> None:
        size = 3_000_000
        made, said, closed = transport(ECHO % size)
        made.start()
        data = bytes(range(256)) * (size // 256 + 1)
        for start in range(0, size, 1_000_000):
            made.write(data[start : start + 1_000_000])
        assert await closed == 0
        assert b"".join(said) == data[:size]

    run(work)


def test_a_process_that_does_not_read_yet_holds_nothing_up() -> None:
    async def work() -> None:
        made, said, closed = transport(SLEEPY % 5_000_000)
        made.start()
        began = asyncio.get_running_loop().time()
        made.write(b"x" * 5_000_000)  # far more than a pipe holds
        assert asyncio.get_running_loop().time() - began < 0.5
        await closed
        assert b"".join(said).strip() == b"5000000"

    run(work)


def test_the_end_of_a_process_is_told_with_its_code_and_writing_to_it_is_no_error() -> None:
    async def work() -> None:
        made, _, closed = transport("import sys; sys.exit(7)")
        made.start()
        assert await closed == 7
        made.write(b"too late")
        made.stop()

    run(work)


def test_stop_ends_a_process_that_would_go_on() -> None:
    async def work() -> None:
        made, _, closed = transport("import time; time.sleep(60)")
        made.start()
        began = asyncio.get_running_loop().time()
        made.stop()
        await closed
        assert asyncio.get_running_loop().time() - began < 10

    run(work)


def test_a_command_that_is_not_there_is_an_error() -> None:
    from masam_workbench.front.transport import LoopTransport

    async def work() -> None:
        loop = asyncio.get_running_loop()
        with pytest.raises(OSError, match="no such program"):
            LoopTransport(["/no such program"], dict(os.environ), loop).start()

    run(work)
