"""A section as a process of its own, which may crash, hang or be slow."""

from __future__ import annotations

import json
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from masam_core.process_tree import kill_tree

ERROR_CHARACTERS = 3000  # of the end of what a failed section has said


@dataclass(frozen=True)
class Done:
    """How a section has ended: ``done``, ``failed`` or ``stopped`` (its time was up)."""

    state: str
    seconds: float
    error: str


def run_section(
    command: Sequence[str],
    seconds: float,
    take: Callable[[dict[str, Any]], None],
    folder: Path,
) -> Done:
    """Run a command that prints findings as JSON objects, a line each.

    Args:
        command: to run.
        seconds: after which it is killed with all that it has started.
        take: called with each finding as it comes; other lines are passed over.
        folder: that it runs in.
    """
    began = time.monotonic()
    over = threading.Event()
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log:
        process = subprocess.Popen(
            list(command),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            encoding="utf-8",
            errors="replace",
        )

        def stop() -> None:
            over.set()
            kill_tree(process.pid)

        timer = threading.Timer(seconds, stop)
        timer.start()
        try:
            assert process.stdout is not None
            for line in process.stdout:
                finding = _object(line)
                if finding is not None:
                    take(finding)
            code = process.wait()
        finally:
            timer.cancel()
            if process.poll() is None:
                kill_tree(process.pid)
                process.wait()
        taken = time.monotonic() - began
        if over.is_set():
            return Done("stopped", taken, f"stopped after {seconds:.0f} s")
        if code == 0:
            return Done("done", taken, "")
        log.seek(0)
        said = log.read().strip()[-ERROR_CHARACTERS:]
        return Done("failed", taken, f"exit code {code}: {said}")


def _object(line: str) -> dict[str, Any] | None:
    if not line.startswith("{"):
        return None
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
