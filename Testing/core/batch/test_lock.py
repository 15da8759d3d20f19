"""One batch at a time in a folder, whatever became of the one before."""

from __future__ import annotations

import errno
import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from masam_core.batch import lock
from masam_core.batch.lock import FolderLock
from masam_core.errors import ConfigError

HOLDS = """
import sys
from pathlib import Path
from masam_core.batch.lock import FolderLock
lock = FolderLock(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def without_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A drive that has no locks, such as some network drives."""

    def refuse(*_: Any) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    if sys.platform == "win32":
        monkeypatch.setattr("msvcrt.locking", refuse)
    else:
        monkeypatch.setattr("fcntl.flock", refuse)


def owner(folder: Path, **changes: Any) -> None:
    own = {"machine": platform.node(), "process": os.getpid(), "since": "2026-01-02 03:04"}
    (folder / "lock").write_text(json.dumps(own | changes))


def ended_process() -> int:
    """Number of a process that is no more."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        return process.pid


def test_another_process_holds_it_until_it_is_killed(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline().strip() == b"held"
        with pytest.raises(ConfigError, match=f"process {other.pid} on this machine, since 20"):
            FolderLock(tmp_path)
        other.kill()
    taken_over = FolderLock(tmp_path)
    assert f"process {other.pid}" in taken_over.note
    assert "was ended from outside" in taken_over.note
    taken_over.release()


def test_released_it_can_be_had_again_and_says_nothing(tmp_path: Path) -> None:
    first = FolderLock(tmp_path)
    with pytest.raises(ConfigError, match="Another batch is writing"):
        FolderLock(tmp_path)
    first.release()
    first.release()
    second = FolderLock(tmp_path)
    assert second.note == ""
    second.release()


@pytest.mark.parametrize("text", ["", "[1]", "{", '{"machine": "\\u001b[2J"}', '{"process": "x"}'])
def test_odd_words_in_the_file_stop_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "lock").write_text(text)
    taken = FolderLock(tmp_path)
    assert "\x1b" not in taken.note
    taken.release()


@pytest.mark.usefixtures("without_locks")
def test_without_locks_the_words_count(tmp_path: Path) -> None:
    first = FolderLock(tmp_path)
    with pytest.raises(ConfigError, match=r"on this machine.*delete .*lock"):
        FolderLock(tmp_path)
    first.release()
    owner(tmp_path, process=ended_process())
    assert "was ended from outside" in FolderLock(tmp_path).note
    owner(tmp_path, machine="elsewhere")
    with pytest.raises(ConfigError, match=r"on the machine elsewhere, since 2026.*delete"):
        FolderLock(tmp_path)


def test_only_this_machines_ended_processes_are_known_to_have_ended() -> None:
    said = {"machine": platform.node(), "process": ended_process()}
    assert lock._is_over(said) == (sys.platform != "win32")
    for other in ({"machine": "elsewhere"}, {"process": os.getpid()}, {"process": -1}):
        assert not lock._is_over(said | other)
