"""A running workbench, and a browser to work in it with."""

from __future__ import annotations

import importlib.util
import os
import queue
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from Testing.conftest import ROOT
from Testing.slicer.conftest import harness, scene

__all__ = ["harness", "scene"]  # fixtures

UPLOAD_LIMIT = 20_000_000
START_SECONDS = 60
ENDED = ""  # in place of a line
# Of ``startServer``: a worker that measures and computes no masks.
WITHOUT_MODEL = ("--worker", f'"{sys.executable}" -m Testing.workbench.without_model')


@dataclass
class Server:
    """The command line's own process.

    Attributes:
        folder: where it and its tabs keep their files.
        address: that it has printed, with the token.
        lines: what it has printed.
        tab: that a test has left, for another one that opens an image before all else; a tab takes
            seconds to start. See ``Page``.
    """

    process: subprocess.Popen[str]
    folder: Path
    lines: queue.Queue[str] = field(default_factory=queue.Queue)
    address: str = ""
    tab: dict[str, Any] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        """Where the shared one keeps models, settings and unsaved work."""
        return self.folder / "home"

    @property
    def token(self) -> str:
        """Of the address."""
        return self.address.split("token=")[1]

    @property
    def base(self) -> str:
        """Scheme, host and port."""
        return self.address.split("/?")[0]

    def stop(self) -> None:
        """As Ctrl+C does."""
        self.process.terminate()
        self.process.wait(20)
        shutil.rmtree(self.folder, ignore_errors=True)


def environment() -> dict[str, str]:
    """The checkout's own code, wherever the tests are started."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "MASAMSlicer")])}


def startServer(*arguments: str, home: Path | None = None) -> Server:
    """Run ``masam workbench`` and wait for its address.

    Args:
        arguments: of the command.
        home: where it keeps unsaved work; None is a folder of its own.
    """
    command = [sys.executable, "-m", "masam_core", "workbench", "--no-browser", *arguments]
    folder = Path(tempfile.mkdtemp(prefix="masam-test-"))
    values = {**environment(), "TMPDIR": str(folder), "TEMP": str(folder), "TMP": str(folder)}
    values["MASAM_HOME"] = str(home or folder / "home")
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=values)
    server = Server(process, folder)

    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            server.lines.put(line)
        server.lines.put(ENDED)

    threading.Thread(target=read, daemon=True).start()
    while not server.address:
        line = server.lines.get(timeout=START_SECONDS)
        assert line != ENDED, f"The workbench has ended with {process.wait()}"
        found = re.search(r"http://\S+", line)
        server.address = found[0] if found else ""
    return server


def requireWorkbench() -> None:
    """Skip where the extra is not installed."""
    for name in ("slicer_core", "aiohttp"):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"The workbench needs {name}, which is not installed")


@pytest.fixture(scope="package")
def server() -> Iterator[Server]:
    """A workbench on this machine, with a small limit for uploads.

    One for all tests of the workbench that one process runs, with one worker: the first mask of a
    worker takes seconds. Each test opens a tab of its own there, or opens its image in the one that
    the test before has left, and asks nothing of other tabs; a file whose tests need other
    settings, or end the server, has servers of its own.
    """
    requireWorkbench()
    # Each test leaves a tab behind, of which a few can be open at once.
    running = startServer("--upload-gb", str(UPLOAD_LIMIT / 1e9), "--keep-minutes", "0.25")
    yield running
    running.stop()


@pytest.fixture
def screenshots(tmp_path: Path) -> Path:
    """Where pictures go: with MASAM_SCREENSHOTS set, into that folder, for the README."""
    return Path(os.environ.get("MASAM_SCREENSHOTS") or tmp_path)
