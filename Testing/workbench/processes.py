"""Processes below another."""

from __future__ import annotations

from pathlib import Path

import pytest


def processesBelow(pid: int) -> dict[int, str]:
    """Processes below one, with their command lines."""
    found = childrenOf(pid)
    for child in list(found):
        found |= processesBelow(child)
    return found


def childrenOf(pid: int) -> dict[int, str]:
    """Processes that one has started itself, with their command lines."""
    if not Path("/proc").is_dir():
        pytest.skip("Processes can be looked at on Linux alone")
    found: dict[int, str] = {}
    for entry in Path("/proc").iterdir():
        try:
            if not entry.name.isdigit():
                continue
            parent = int((entry / "stat").read_text().rsplit(") ", 1)[1].split()[1])
            if parent == pid:
                words = (entry / "cmdline").read_bytes().split(b"\0")
                found[int(entry.name)] = b" ".join(words).decode()
        except OSError:  # it has ended meanwhile
            continue
    return found
