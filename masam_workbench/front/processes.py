"""The processes of the tabs, each with its own folder and its own secrets."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import MASAMSlicerLib
from MASAMSlicerLib.workerprocess import workerEnvironment

from masam_core.errors import MasamError
from masam_core.process_tree import kill_tree
from masam_core.worker.protocol import Decoder, Message, ProtocolError, encode
from masam_workbench.front.link import END, IMAGE, PORT, SETTINGS

START_SECONDS = 90.0
END_SECONDS = 5.0
_READ_BYTES = 1 << 20


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
        ask: called with what the tab asks of the worker.
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
    ask: Callable[[Message], None] = lambda _: None
    _listening: asyncio.Task[None] | None = None
    _decoder: Decoder = field(default_factory=Decoder)

    @property
    def alone(self) -> float:
        """Seconds since a page was last connected; 0 while one is."""
        return 0.0 if self.sockets else time.monotonic() - self.left

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self.process.returncode is None

    def send(self, message: Message) -> None:
        """Say something to the tab; nothing where it has ended."""
        if self.process.stdin is not None and not self.process.stdin.is_closing():
            self.process.stdin.write(encode(message))

    async def reachable(self) -> None:
        """Wait until the tab says where it listens, and hear it from then on.

        Raises:
            ValueError: it has ended.
        """
        while not self.port:
            await self._hear()
        self._listening = asyncio.get_running_loop().create_task(self._listen())

    async def _listen(self) -> None:
        with contextlib.suppress(ValueError):
            while True:  # unread, its output would stop it one day
                await self._hear()

    async def _hear(self) -> None:
        assert self.process.stdout is not None
        data = await self.process.stdout.read(_READ_BYTES)
        if not data:
            raise ValueError("The tab has ended.")
        for message in self._decoder.feed(data):
            if isinstance(message, ProtocolError):
                continue
            if message["type"] == PORT:
                self.port = int(message["port"])
            elif message["type"] == IMAGE:
                self.hadImage = True
            else:
                self.ask(message)

    async def end(self) -> None:
        """End it, and delete its folder."""
        if self.running:
            if self.process.stdin is not None:
                self.send({"type": END})
                self.process.stdin.close()
            try:
                await asyncio.wait_for(self.process.wait(), END_SECONDS)
            except asyncio.TimeoutError:
                await asyncio.to_thread(kill_tree, self.process.pid)
                await self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


async def startTab(
    settings: dict[str, Any], ask: Callable[[TabProcess, Message], None] | None = None
) -> TabProcess:
    """Start a tab's process and wait until it answers.

    Args:
        settings: ``device``, ``worker``, ``limit``, ``timeout``, ``image``.
        ask: called with the tab and what it asks of the worker.

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
            limit=_READ_BYTES,
            start_new_session=True,  # Ctrl+C in the terminal is for the front process, ending this
        )
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise MasamError(
            f"Another tab could not be started ({error.strerror or error}). Close other tabs or "
            "programs, and try again."
        ) from error
    tab = TabProcess(process, folder, secret)
    if ask is not None:
        tab.ask = partial(ask, tab)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        tab.send({"type": SETTINGS, **settings, "folder": str(folder), "secret": secret})
        await process.stdin.drain()
        await asyncio.wait_for(tab.reachable(), START_SECONDS)
    except (asyncio.TimeoutError, OSError, ValueError) as error:
        await tab.end()
        raise MasamError("The tab could not be started; see the terminal.") from error
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
