"""The processes of the tabs, each with its own folder and its own secrets."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import MASAMSlicerLib
from MASAMSlicerLib.workerprocess import workerEnvironment

from masam_core.errors import MasamError
from masam_core.process_tree import kill_tree

START_SECONDS = 90.0
END_SECONDS = 5.0
HAD_IMAGE = b'{"image": true}'  # what a tab says when it shows its first image


@dataclass(eq=False)
class TabProcess:
    """A tab's process.

    Attributes:
        id: in the address of the tab; cannot be guessed.
        cookie: that the browser which opened the tab has, and no other.
        secret: between front process and tab, so that other users of this machine stay out.
        folder: the tab's own.
        port: on the loopback interface.
        sockets: the tab's present connections to pages.
        left: when it was last without one (``time.monotonic``).
        hadImage: whether there may be something in it to lose.
    """

    process: asyncio.subprocess.Process
    folder: Path
    secret: str
    port: int = 0
    id: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    cookie: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    sockets: set[Any] = field(default_factory=set)
    left: float = field(default_factory=time.monotonic)
    hadImage: bool = False
    _listening: asyncio.Task[None] | None = None

    @property
    def alone(self) -> float:
        """Seconds since a page was last connected; 0 while one is."""
        return 0.0 if self.sockets else time.monotonic() - self.left

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self.process.returncode is None

    def listen(self) -> None:
        """Hear what it says from now on; unread, its output would stop it one day."""
        self._listening = asyncio.get_running_loop().create_task(self._listen())

    async def _listen(self) -> None:
        assert self.process.stdout is not None
        rest = b""
        while data := await self.process.stdout.read(1 << 16):  # of any length: not by the line
            *lines, rest = (rest + data).split(b"\n")
            self.hadImage = self.hadImage or HAD_IMAGE in lines
            rest = rest[-len(HAD_IMAGE) - 1 :]

    async def end(self) -> None:
        """End it, and delete its folder."""
        if self.running:
            if self.process.stdin is not None:
                self.process.stdin.close()
            try:
                await asyncio.wait_for(self.process.wait(), END_SECONDS)
            except asyncio.TimeoutError:
                await asyncio.to_thread(kill_tree, self.process.pid)
                await self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


async def startTab(settings: dict[str, Any]) -> TabProcess:
    """Start a tab's process and wait until it answers.

    Args:
        settings: ``device``, ``worker``, ``limit``, ``timeout``, ``image``.

    Raises:
        MasamError: it did not start.
    """
    secret = secrets.token_urlsafe(24)
    folder = _ownFolder()
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "masam_workbench.tab",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=tabEnvironment(),
            start_new_session=True,  # Ctrl+C in the terminal is for the front process, ending this
        )
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise MasamError(
            f"Another tab could not be started ({error.strerror or error}). Close other tabs or "
            "programs, and try again."
        ) from error
    tab = TabProcess(process, folder, secret)
    assert process.stdin is not None
    assert process.stdout is not None
    line = json.dumps({**settings, "folder": str(folder), "secret": secret})
    try:
        process.stdin.write(line.encode() + b"\n")
        await process.stdin.drain()
        answer = await asyncio.wait_for(process.stdout.readline(), START_SECONDS)
        tab.port = int(json.loads(answer)["port"])
        tab.listen()
    except (asyncio.TimeoutError, OSError, ValueError) as error:
        await tab.end()
        raise MasamError("The workbench's views could not be started; see the terminal.") from error
    return tab


def _ownFolder() -> Path:
    """Make a folder for its owner's eyes alone.

    Raises:
        MasamError: the system's folder for temporary files is full or protected.
    """
    try:
        return Path(tempfile.mkdtemp(prefix="masam-tab-"))
    except OSError as error:
        raise MasamError(
            f"A tab needs a folder for its files, which could not be made "
            f"({error.strerror or error}). Make room where the system keeps temporary files, or "
            "set TMPDIR to another folder."
        ) from error


def tabEnvironment() -> dict[str, str]:
    """The same environment, with the folders of our packages on Python's path."""
    values = workerEnvironment()
    packages = (Path(__file__).parents[1], Path(MASAMSlicerLib.__file__).parent)
    folders = dict.fromkeys(str(package.resolve().parent) for package in packages)
    values["PYTHONPATH"] = os.pathsep.join(filter(None, [*folders, values.get("PYTHONPATH")]))
    return values
