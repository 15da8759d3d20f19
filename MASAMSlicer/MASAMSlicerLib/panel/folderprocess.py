"""A batch over a folder, in a process of its own."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from masam_core.batch.spec import BatchSpec

from .. import workerprocess
from .qprocess import QProcessTransport


class FolderProcess:
    """``python -m masam_core.batch`` as a process: the queue of ``masam batch``.

    Args:
        spec: of the batch.
        onEvent: called with each of its lines.
        onEnd: called once, with what went wrong, or an empty text.
    """

    def __init__(self, spec: BatchSpec, onEvent: Any, onEnd: Any) -> None:
        self._onEvent, self._onEnd = onEvent, onEnd
        self._folder = tempfile.TemporaryDirectory(prefix="masam-batch-")
        self._spec = Path(self._folder.name) / "spec.json"
        self._spec.write_text(json.dumps(spec.to_dict()), "utf-8")
        self._rest = b""
        self._ended = False
        self._transport: Any = None

    def start(self) -> None:
        """Start it; OSError when it can't be started."""
        command = [workerprocess.pythonExecutable(), "-m", "masam_core.batch", str(self._spec)]
        self._transport = QProcessTransport(command, workerprocess.workerEnvironment())
        self._transport.on_output = self._onOutput
        self._transport.on_closed = self._onClosed
        self._transport.start()

    def cancel(self) -> None:
        """Ask it to stop after what it is doing now; the folder can be gone on with."""
        self._transport.write(b"cancel\n")

    def stop(self) -> None:
        """End it now; the folder can be gone on with all the same."""
        self._transport.stop()
        self._folder.cleanup()

    def _onOutput(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            event = json.loads(line)
            self._ended = self._ended or event["event"] in ("end", "error")
            self._onEvent(event)

    def _onClosed(self, code: int | None) -> None:
        self._folder.cleanup()
        words = _("The batch process ended unexpectedly (exit code {code}). Run it again to go on.")
        self._onEnd("" if self._ended else words.format(code=code))
