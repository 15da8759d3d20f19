"""Ending a process with everything that it has started.

A launcher (Slicer's ``PythonSlicer``, ``python.exe`` of a virtual environment on Windows, a shell
script) starts the program proper as a process of its own; killing the launcher alone leaves that at
work.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

ROUNDS = 10  # of looking for processes that were started meanwhile


def kill_tree(pid: int) -> None:
    """Kill a process and all its descendants, at once; one that has ended already is no error.

    Args:
        pid: of the process; its parent must not have waited for it yet, else the number may belong
            to another one by now.
    """
    if sys.platform == "win32":
        subprocess.run(
            ["taskkill", "/PID", str(pid), "/T", "/F"],
            capture_output=True,
            check=False,
            creationflags=subprocess.CREATE_NO_WINDOW,
        )
        return
    # Stopped first, they can start no others while they are looked for.
    found: list[int] = []
    for _ in range(ROUNDS):
        new = [p for p in (pid, *descendants(pid)) if p not in found]
        if not new:
            break
        for process in new:
            _signal(process, signal.SIGSTOP)
        found += new
    for process in found:
        _signal(process, signal.SIGKILL)


def kill_below(pid: int) -> None:
    """Kill all that a process has started, also what is stopped and can't hear its input end."""
    for child in descendants(pid):
        kill_tree(child)


def descendants(pid: int) -> list[int]:
    """Processes that a process has started, and theirs, parents first."""
    children: dict[int, list[int]] = {}
    for own, parent in _parents():
        children.setdefault(parent, []).append(own)
    found: list[int] = []
    waiting = [pid]
    while waiting:
        below = children.get(waiting.pop(0), [])
        found += below
        waiting += below
    return found


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def _parents() -> list[tuple[int, int]]:
    """(process, parent) of every process."""
    folder = Path("/proc")
    if (folder / "self" / "stat").exists():
        found = (_parent_on_linux(entry) for entry in folder.iterdir() if entry.name.isdigit())
        return [pair for pair in found if pair is not None]
    table = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=False
    )
    lines = [line.split() for line in table.stdout.splitlines()]
    return [(int(line[0]), int(line[1])) for line in lines if len(line) == 2]


def _parent_on_linux(entry: Path) -> tuple[int, int] | None:
    """Parse ``/proc/PID/stat``: pid (name) state ppid ...; the name may hold anything."""
    try:
        text = (entry / "stat").read_text("utf-8", "replace")
    except OSError:  # it has just ended
        return None
    return int(entry.name), int(text.rpartition(")")[2].split()[1])
