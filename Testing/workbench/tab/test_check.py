"""Check this installation, in the browser; the worker's Python lacks PyTorch, which is quick."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from Testing.workbench.bench import Bench
from Testing.workbench.conftest import Server, requireWorkbench, startServer

WORKER = (
    "import sys\n"
    "sys.modules.update(torch=None, torchvision=None)\n"
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


def test_one_click_checks_the_installation_beside_the_image(
    browser: Any, lacking: Server, screenshots: Path
) -> None:
    with Bench(browser, lacking.address) as bench:
        bench.context.grant_permissions(["clipboard-read", "clipboard-write"])
        bench.open("sarcoma_mr")
        before = bench.places()
        shown = bench.get("check").bounding_box()
        assert shown["y"] + shown["height"] <= bench.page.viewport_size["height"]
        bench.click("check")
        bench.get("check-report").wait_for()
        words = "Something is wrong. PyTorch is not installed, so nothing can be segmented."
        assert bench.text("check-verdict") == words
        report = bench.text("check-report")
        assert "python -m pip install" in report
        assert "Not tried: something is wrong with PyTorch." in report
        assert "This program: the workbench" in report
        assert "started by a command of yours" in report
        assert str(lacking.folder) not in report
        bench.click("check-copy")
        bench.untilText("check-copy", "Copied")
        copied = bench.page.evaluate("() => navigator.clipboard.readText()")
        assert copied.split() == report.split()
        bench.page.screenshot(path=screenshots / "workbench_check.png")
        # The window keeps the keys; Esc closes it.
        bench.page.keyboard.press("b")
        bench.page.keyboard.press("Escape")
        bench.get("check-window").wait_for(state="detached")
        assert bench.page.evaluate("() => window.trame.state.get('tool')") == ""
        assert bench.places() == before
        assert bench.get("lesion").count() == 0


def test_a_check_that_waits_for_its_worker_can_be_stopped(browser: Any, tmp_path: Path) -> None:
    """As a command that asks for a password: it says nothing, and never ends by itself."""
    requireWorkbench()
    silent = f'"{sys.executable}" -c "import time; time.sleep(600)"'
    server = startServer("--worker", silent)
    try:
        with Bench(browser, server.address) as bench:
            bench.click("check")
            bench.untilText("check-verdict", "Checking: starting the worker, 1 s")
            bench.click("check-cancel")
            bench.untilText("check-verdict", "Stopped (starting the worker")
            bench.click("check-again")
            bench.get("check-cancel").wait_for()
            bench.click("check-close")
            bench.get("check-window").wait_for(state="detached")
    finally:
        server.stop()
