"""A night shift on a disk that really is full."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from masam_core.errors import WriteError
from masam_core.watch.inbox import Inbox
from masam_core.watch.shelf import NoRoom
from masam_core.watch.spec import WatchSpec
from masam_core.watch.status import status_of
from masam_core.watch.watch import Watch

from .conftest import Archive, Clock
from .making import Quick, write_case

pytest.importorskip("highdicom")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of 2 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    if not shutil.which("mount") or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("A small disk can be mounted by root on Linux alone.")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Fill a disk to its last byte."""
    path = folder / "fill"
    with path.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            pass
    return path


def test_nothing_is_lost_and_all_goes_on_when_there_is_room_again(
    small_disk: Path, tmp_path: Path, archive: Archive, clock: Clock
) -> None:
    write_case(tmp_path / "in")
    spec = WatchSpec(
        small_disk / "work", reserve_bytes=65536, first_pause_s=0.001, most_pause_s=0.002
    )
    said: list[str] = []
    watch = Watch(spec, archive, Quick(), said.append, now=clock)
    try:
        files = sorted((tmp_path / "in").rglob("*.dcm"))
        blocked = fill(small_disk)
        with pytest.raises((NoRoom, WriteError)):
            watch.shelf.take(files[0].read_bytes())
        watch.look_into(Inbox(tmp_path / "in", watch.shelf, watch.log))
        for _ in range(3):
            assert not watch.step()
        assert any("nearly full" in line for line in said)
        blocked.unlink()
        while len(list((small_disk / "work" / "incoming").rglob("*.dcm"))) < 6:
            watch.step()
        # All is here; now there is no room for the results.
        clock.now += 31
        blocked = fill(small_disk)
        for _ in range(8):
            assert not watch.step()
        assert archive.asked == []
        blocked.unlink()
        watch.run(once=True)
    finally:
        watch.close()
    assert archive.modalities() == ["SEG", "SR"]
    assert [(row.status, row.sent) for row in status_of(small_disk / "work")] == [("done", "yes")]
