"""What has come in and lies in the folder: kept whole, found again after a restart."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from masam_core.atomic import write_bytes
from masam_core.errors import PacsError, WriteError
from masam_core.pacs.files import file_name, what_is_wrong
from masam_core.watch.objects import Came, came_of
from masam_core.watch.places import Places


class NoRoom(WriteError):
    """The disk has no room for more."""


@dataclass
class Group:
    """Objects of one series.

    Attributes:
        series, study: unique ids.
        images: unique ids of the images that are here.
        last: when the last one came (seconds since the epoch).
    """

    series: str
    study: str
    images: set[str] = field(default_factory=set)
    last: float = 0.0


class Shelf:
    """The objects, by series. May be used by several threads.

    Args:
        places: of the night shift.
        now: tells the time, in seconds since the epoch.
    """

    def __init__(self, places: Places, now: Callable[[], float] = time.time) -> None:
        self._places, self._now = places, now
        self._busy = threading.Lock()
        self._groups: dict[str, Group] = {}
        self._measurements: dict[str, Came] = {}
        self._came: dict[str, float] = {}

    def restore(self) -> list[str]:
        """Find again what lies in the folder; gives a sentence for each file that can't be read."""
        notes = []
        for path in sorted(self._places.incoming.glob("*/*")):
            if path.name.startswith("."):  # of a write that was killed; nobody was told it is here
                path.unlink(missing_ok=True)
                continue
            try:
                with path.open("rb") as file:
                    came = came_of(file)
                # A clock that was put back must not keep anything waiting.
                self._enter(came, min(path.stat().st_mtime, self._now()))
            except (PacsError, OSError) as error:
                notes.append(f"{path.parent.name}/{path.name}: {error}")
        return notes

    def take(self, data: bytes) -> Came:
        """Keep an object that came; once this returns, it outlives the process.

        One that is here already is not kept twice.

        Raises:
            NoRoom: the disk is (nearly) full.
            WriteError: it can't be written.
            PacsError: it is damaged, or no DICOM object.
        """
        came = came_of(io.BytesIO(data))
        fault = what_is_wrong(data, came.instance, came.series)
        if fault:
            raise PacsError(f"An object came damaged: {fault}.")
        if self._places.is_full():
            raise NoRoom(
                f"The disk of {self._places.work} is nearly full; nothing more is taken in."
            )
        path = self.path_of(came)
        with self._busy:
            if path.is_file() and path.read_bytes() == data:
                return came
            try:
                path.parent.mkdir(exist_ok=True)
                write_bytes(path, data)
            except OSError as error:
                if self._places.is_full():
                    raise NoRoom(str(error)) from error
                raise
            self._enter(came, self._now())
        return came

    def path_of(self, came: Came) -> Path:
        """File of an object."""
        return self._places.series(came.series) / file_name(came.instance)

    def measurements(self) -> list[tuple[Came, float]]:
        """The measurements that are here, and when each came; the oldest first."""
        with self._busy:
            found = [(came, self._came[came.instance]) for came in self._measurements.values()]
        return sorted(found, key=lambda pair: pair[1])

    def groups_of(self, came: Came) -> list[Group]:
        """The series on whose images a measurement was made, as far as they are here."""
        with self._busy:
            return [
                Group(g.series, g.study, set(g.images), g.last)
                for g in self._groups.values()
                if g.images & came.refers
            ]

    def last(self) -> float:
        """Time at which the last object of any series came (seconds since the epoch)."""
        with self._busy:
            return max((group.last for group in self._groups.values()), default=0.0)

    def renew(self, came: Came) -> None:
        """Have a measurement count as if it had come just now, also after a restart."""
        with self._busy:
            now = self._now()
            with contextlib.suppress(FileNotFoundError):
                os.utime(self.path_of(came), (now, now))
            self._came[came.instance] = now

    def forget(self, came: Came) -> None:
        """Delete a measurement that is worked through."""
        with self._busy:
            self._measurements.pop(came.instance, None)
            self._came.pop(came.instance, None)
            path = self.path_of(came)
            path.unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # it still holds something
                path.parent.rmdir()

    def clean(self, older: float) -> int:
        """Delete series on which no measurement waits and to which nothing has come for long.

        Args:
            older: time before which the last object must have come.

        Returns:
            How many were deleted.
        """
        with self._busy:
            wanted = {uid for came in self._measurements.values() for uid in came.refers}
            old = [g for g in self._groups.values() if g.last < older and not g.images & wanted]
            for group in old:
                del self._groups[group.series]
                shutil.rmtree(self._places.series(group.series), ignore_errors=True)
        return len(old)

    def _enter(self, came: Came, when: float) -> None:
        if came.is_measurement:
            self._measurements[came.instance] = came
            self._came[came.instance] = when
            return
        group = self._groups.setdefault(came.series, Group(came.series, came.study))
        if came.is_image:
            group.images.add(came.instance)
        group.last = max(group.last, when)
