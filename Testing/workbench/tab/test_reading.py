"""Reading an image in a process of its own: cancelled, nothing of it is left."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from Testing.workbench.conftest import requireWorkbench

SECONDS = 60.0  # longest wait; reached only where something is broken

# Unpacks a part of an archive beside its target, as the real one does, and then takes for ever.
UNPACKS = """
import json, pathlib, sys, time
target = pathlib.Path(json.loads(sys.stdin.readline())["target"])
(target.parent / "tmp1").mkdir()
(target.parent / "tmp1" / "0.nii").write_bytes(bytes(1000))
(target.parent / "tmp1" / "ready").touch()
time.sleep(600)
"""


class State:
    """As far as it is used here."""

    series: Any = None
    loading = ""


class Context:
    """What reading an image needs of a tab."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.state, self.said = folder, State(), list[str]()

    def say(self, text: str, *_: object) -> None:
        self.said.append(text)

    def sayError(self, error: Exception) -> None:
        self.said.append(f"{type(error).__name__}: {error}")

    def refresh(self) -> None:
        pass


@pytest.fixture
def images(harness: Any, tmp_path: Path) -> Any:
    """Of a tab without a scene."""
    requireWorkbench()
    from masam_workbench.tab.images import Images

    (tmp_path / "tab").mkdir()
    context: Any = Context(tmp_path / "tab")
    return Images(context, None, lambda: None)


@contextmanager
def unpacking(monkeypatch: pytest.MonkeyPatch, commands: list[list[str]]) -> Any:
    """A reader that unpacks for ever."""
    from masam_core.image import apart

    run = subprocess.Popen

    def start(command: list[str], **rest: Any) -> Any:
        commands.append(command)
        return run([sys.executable, "-c", UNPACKS], **rest)

    with monkeypatch.context() as patch:
        patch.setattr(apart.subprocess, "Popen", start)
        yield


async def until(found: Any) -> None:
    deadline = time.monotonic() + SECONDS
    while not found():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


def test_cancel_while_an_archive_is_unpacked_leaves_nothing(
    images: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, commands = tmp_path / "tab", list[list[str]]()

    async def check() -> None:
        opening = asyncio.create_task(images.open(tmp_path / "Doe^John.zip", "Doe^John.zip"))
        await until(lambda: list(folder.glob("*/tmp1/ready")))
        assert images.reading
        assert images.cancel()
        await asyncio.wait_for(opening, SECONDS)
        assert not images.reading

    with unpacking(monkeypatch, commands):
        asyncio.run(check())
    assert list(folder.iterdir()) == []
    assert images.context.said == ["Cancelled; everything is as it was."]
    assert "Doe" not in str(commands)  # whoever lists this machine's processes sees no names


def test_a_reading_that_takes_too_long_leaves_nothing(
    images: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from masam_workbench.tab import images as module

    monkeypatch.setattr(module, "READ_SECONDS", 0.3)
    with unpacking(monkeypatch, []):
        asyncio.run(images.open(tmp_path / "a.zip", "a.zip"))
    assert list((tmp_path / "tab").iterdir()) == []
    (said,) = images.context.said
    assert "'a.zip' took longer than 0.3 s" in said


def test_cancel_before_the_reader_has_begun_stops_it(harness: Any, tmp_path: Path) -> None:
    requireWorkbench()
    from masam_workbench.tab.images import read

    async def check() -> None:
        reading = asyncio.create_task(read(tmp_path / "a.nii", tmp_path / "out.nrrd", "a.nii"))
        await asyncio.sleep(0)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(reading, SECONDS)

    asyncio.run(check())


@pytest.mark.parametrize("name", ["scan.nii", "Sch\udce4del \x1b[2J.nii"])
def test_an_image_is_read_and_its_files_are_gone(
    images: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    from masam_core.image.volume import read_volume
    from Testing.core.image.formats.making import ARRAY, nifti

    taken: list[tuple[str, Any]] = []
    monkeypatch.setattr(
        images, "_take", lambda path, name, *_: taken.append((name, read_volume(path).array))
    )
    asyncio.run(images.open(nifti(tmp_path / "scan.nii"), name))
    ((shown, array),) = taken
    assert shown == ("scan.nii" if name == "scan.nii" else "Sch_del _[2J.nii")
    assert np.array_equal(array, ARRAY)
    assert list((tmp_path / "tab").iterdir()) == []


def test_a_folder_that_can_not_be_made_is_told(
    images: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(**_: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.mkdtemp", full)
    asyncio.run(images.open(tmp_path / "scan.nii", "scan.nii"))
    assert images.context.said == [
        "VolumeError: 'scan.nii' can't be read: No space left on device."
    ]
