"""A night shift in a temporary folder, and a PACS of the test's own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pydicom
import pytest

from masam_core.pacs.records import Stored
from masam_core.watch.spec import WatchSpec
from masam_core.watch.watch import Watch

from ..pacs.conftest import orthanc, running, settings  # noqa: F401
from .making import Quick


class Archive:
    """A target that keeps what it is sent, or does what it is told.

    Attributes:
        kept: files by their unique ids.
        asked: unique ids, each time that one was sent.
        answer: what is said instead of keeping; None keeps.
    """

    words = "the archive"

    def __init__(self) -> None:
        self.kept: dict[str, pydicom.Dataset] = {}
        self.asked: list[str] = []
        self.answer: Stored | None = None

    def store(self, path: Path) -> Stored:
        """Keep a file."""
        dataset = pydicom.dcmread(path)
        self.asked.append(str(dataset.SOPInstanceUID))
        if self.answer is not None:
            return self.answer
        self.kept[str(dataset.SOPInstanceUID)] = dataset
        return Stored(True)

    def modalities(self) -> list[str]:
        """Of what was kept, sorted."""
        return sorted(str(one.Modality) for one in self.kept.values())


class Clock:
    """Time that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def archive() -> Archive:
    """Where results go."""
    return Archive()


@pytest.fixture
def clock() -> Clock:
    """The time of the night shift."""
    return Clock()


Make = Callable[..., Watch]


@pytest.fixture
def make(
    tmp_path: Path, archive: Archive, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Make]:
    """Makes night shifts in one folder, one after the other, and closes them."""
    monkeypatch.setattr("masam_core.watch.watch._POLL_S", 0.01)
    made: list[Watch] = []

    def build(**more: Any) -> Watch:
        for other in made:
            other.close()
        given = {"segmenter": Quick(), "target": archive, "now": clock, "source": None} | {
            key: more.pop(key) for key in ("segmenter", "target", "say", "source") if key in more
        }
        spec = WatchSpec(
            tmp_path / "work", reserve_bytes=0, first_pause_s=0.001, most_pause_s=0.002, **more
        )
        made.append(Watch(spec, **given))
        return made[-1]

    yield build
    for other in made:
        other.close()
