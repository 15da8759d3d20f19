"""Check this installation, from the page; the worker's Python lacks PyTorch, which is quick."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from Testing.workbench.client import Page
from Testing.workbench.conftest import Server, requireWorkbench, startServer

WORKER = (
    "import sys\n"
    "sys.modules.update(torch=None, torchvision=None, openvino=None)\n"
    "from masam_core.worker.server import serve\n"
    "serve()\n"
)


@pytest.fixture
def lacking(tmp_path: Path) -> Iterator[Server]:
    """A workbench whose worker finds no PyTorch."""
    requireWorkbench()
    script = tmp_path / "worker.py"
    script.write_text(WORKER)
    running = startServer("--worker", f'"{sys.executable}" "{script}"')
    yield running
    running.stop()


def test_one_click_checks_the_installation_beside_the_image(lacking: Server) -> None:
    async def play() -> None:
        async with Page(lacking.address) as page:
            image = await page.open("sarcoma_mr")
            await page.done("check")
            await page.until(lambda s: s["check"].get("text"))
            check, report = page.state["check"], page.state["check"]["text"]
            words = "Something is wrong. PyTorch is not installed, so nothing can be segmented."
            assert (check["verdict"], check["state"]) == (words, "problem")
            assert "python -m pip install" in report
            assert "Not tried: something is wrong with PyTorch." in report
            assert "This program: the workbench" in report
            assert "started by a command of yours" in report
            assert str(lacking.folder) not in report
            await page.done("leave")  # Esc closes the window, and does nothing else
            await page.until(lambda s: s["check"] == {})
            assert page.state["image"] == image
            assert page.state["lesions"] == []

    asyncio.run(play())


def test_a_check_that_waits_for_its_worker_can_be_stopped() -> None:
    """As a command that asks for a password: it says nothing, and never ends by itself."""
    requireWorkbench()
    silent = f'"{sys.executable}" -c "import time; time.sleep(600)"'
    server = startServer("--worker", silent)

    async def play() -> None:
        async with Page(server.address) as page:
            await page.done("check")
            begun = "Checking: starting the worker, 1 s"
            await page.until(lambda s: s["check"].get("verdict") == begun)
            await page.done("check")
            stopped = "Stopped (starting the worker"
            await page.until(lambda s: s["check"].get("verdict", "").startswith(stopped))
            await page.done("check")
            await page.until(lambda s: s["check"].get("verdict", "").startswith("Checking"))
            await page.done("checked")
            await page.until(lambda s: s["check"] == {})

    try:
        asyncio.run(play())
    finally:
        server.stop()
