"""One job in a process of its own, which is stopped by a word and tells what it does in lines."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from .. import workerprocess
from ..translation import tr as _

MakeProcess = Callable[[Sequence[str], Mapping[str, str]], Any]


class ToldProcess:
    """Starts ``python -m MODULE JOB``, and passes its events on.

    Args:
        makeProcess: a transport to a process that is not started yet, of a command and an
            environment (``start``, ``write``, ``stop``, ``on_output``, ``on_closed``).
        module: which.
        onEvent: called with each of its events.
        onEnd: called when it has ended by itself: with an empty text, or with words where it ended
            as no such process should.
    """

    def __init__(
        self,
        makeProcess: MakeProcess,
        module: str,
        onEvent: Callable[[dict[str, Any]], None],
        onEnd: Callable[[str], None],
    ) -> None:
        self._makeProcess, self._module = makeProcess, module
        self._onEvent, self._onEnd = onEvent, onEnd
        self._process: Any = None
        self._folder: Any = None
        self._rest = b""

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None

    def start(self, write: Callable[[Path], Path]) -> None:
        """Start it.

        Args:
            write: writes the job into a folder, which lasts as long as the process; gives its file.

        Raises:
            OSError: it can't be started. What ``write`` raises comes through, too.
        """
        name = self._module.rpartition(".")[2]
        self._folder = tempfile.TemporaryDirectory(prefix=f"masam-{name}-")
        try:
            job = write(Path(self._folder.name))
            command = [workerprocess.pythonExecutable(), "-m", self._module, str(job)]
            process = self._makeProcess(command, workerprocess.workerEnvironment())
            process.on_output = lambda data: self._onOutput(process, data)
            process.on_closed = lambda code: self._onClosed(process, code)
            self._rest = b""
            process.start()
        except BaseException:
            self._clear()
            raise
        self._process = process

    def say(self, words: str) -> None:
        """Send it a line; nothing where there is none."""
        if self._process is not None:
            self._process.write(f"{words}\n".encode())

    def stop(self) -> None:
        """End it now, without a word."""
        process, self._process = self._process, None
        if process is not None:
            process.stop()
        self._clear()

    def _onOutput(self, process: Any, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if process is self._process:
                self._onEvent(json.loads(line))

    def _onClosed(self, process: Any, code: int | None) -> None:
        if process is not self._process:
            return
        self._process = None
        self._clear()
        words = _("The process ended unexpectedly (exit code {code}). Nothing was changed.")
        self._onEnd("" if code == 0 else words.format(code=code))

    def _clear(self) -> None:
        folder, self._folder = self._folder, None
        if folder is not None:
            folder.cleanup()
