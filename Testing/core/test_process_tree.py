"""Ending a launcher together with what it has launched."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from masam_core import process_tree
from masam_core.process_tree import descendants, kill_tree

pytestmark = pytest.mark.skipif(os.name == "nt", reason="shell scripts")

SLEEP = f"{sys.executable} -c 'import os, time; os.write(1, bytes([49, 10])); time.sleep(600)'"


def alive(pid: int) -> bool:
    """Whether a process runs; one that waits to be reaped does not."""
    found = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True)
    state = found.stdout.strip()
    return bool(state) and not state.startswith("Z")


@pytest.fixture
def launcher() -> Iterator[subprocess.Popen[str]]:
    """A shell in a shell that runs two Pythons."""
    script = f'sh -c "{SLEEP}; true" & {SLEEP}; true'
    process = subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for _ in range(2):  # both are at work
        assert process.stdout.readline() == "1\n"
    yield process
    for pid in [*descendants(process.pid), process.pid]:
        if alive(pid):
            os.kill(pid, 9)
    process.wait()


def test_nothing_of_the_tree_is_left(launcher: subprocess.Popen[str]) -> None:
    below = descendants(launcher.pid)
    assert len(below) == 3  # a shell and two Pythons
    kill_tree(launcher.pid)
    launcher.wait(timeout=30)
    deadline = time.monotonic() + 30
    while any(map(alive, below)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert [pid for pid in below if alive(pid)] == []
    assert alive(os.getpid())


def test_a_process_that_has_ended_is_no_error() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    kill_tree(process.pid)
    assert process.wait(timeout=30) == 0


def test_the_tree_is_the_same_without_the_proc_folder(
    launcher: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    expected = descendants(launcher.pid)
    monkeypatch.setattr(process_tree, "Path", lambda _: tmp_path)
    assert sorted(descendants(launcher.pid)) == sorted(expected)
