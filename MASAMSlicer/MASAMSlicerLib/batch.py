"""A batch over loaded volumes: one after the other, whatever becomes of each."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from masam_core.batch.names import file_key
from masam_core.batch.queue import BatchQueue
from masam_core.errors import Cancelled, MasamError

from .report import rowsOf
from .scene.lesions import LesionEntry
from .scene.nodes import nodesOfClass
from .scene.pairing import (
    BY_FOLDER,
    BY_NAME,
    BY_SEGMENTS,
    lesionsFromRois,
    lesionsFromSegments,
    roisByFolder,
    roisByName,
)
from .session.reports import RunReport
from .session.session import Session

if TYPE_CHECKING:
    from masam_core.inference.options import SegmentOptions
    from masam_core.worker.steps import ModelChoice


@dataclass(frozen=True)
class VolumeCase:
    """A volume and its boxes."""

    name: str
    volumeId: str
    lesionIds: tuple[str, ...]


def findCases(
    session: Session, volumes: Sequence[Any], how: str, segmentationNode: Any = None
) -> list[VolumeCase]:
    """The volumes and their boxes, as lesions of the scene.

    Args:
        session: of the scene.
        volumes: volume nodes.
        how: BY_NAME, BY_FOLDER, or BY_SEGMENTS (boxes around the segments of a segmentation).
        segmentationNode: for BY_SEGMENTS.

    Raises:
        MasamError: nothing chosen. A volume without a box becomes a case that fails by itself.
    """
    if not volumes:
        raise MasamError("Check at least one volume.")
    if how == BY_SEGMENTS and segmentationNode is None:
        raise MasamError("Choose the segmentation whose segments give the boxes.")
    rois = nodesOfClass(volumes[0].GetScene(), "vtkMRMLMarkupsROINode")
    pairs: dict[str, list[Any]] = {}
    if how != BY_SEGMENTS:
        pairs = {BY_NAME: roisByName, BY_FOLDER: roisByFolder}[how](volumes, rois)
    cases, taken = [], set()
    for volume in volumes:
        made: list[LesionEntry]
        if how == BY_SEGMENTS:
            made = _ofSegments(session, volume, segmentationNode)
        else:
            made = lesionsFromRois(session.lesions, volume, pairs[volume.GetID()])
        name, number = volume.GetName(), 2
        while file_key(name) in taken:  # logs of their own, also where a and A are one name
            name, number = f"{volume.GetName()} ({number})", number + 1
        taken.add(file_key(name))
        cases.append(VolumeCase(name, volume.GetID(), tuple(lesion.id for lesion in made)))
    return cases


def _ofSegments(session: Session, volume: Any, segmentationNode: Any) -> list[LesionEntry]:
    try:
        return lesionsFromSegments(session.lesions, volume, segmentationNode)
    except MasamError:  # e.g. a colour image: its case fails with that message when it is run
        return []


class VolumeBatch:
    """Runs cases through a session, each in one undoable step of its own.

    Args:
        session: lesions and worker.
        cases: see :func:`findCases`.
        folder: for state, logs and the table, or None to keep them in memory.

    Attributes:
        queue: what has become of each case.
        problem: why the table could not be written, or an empty text.
    """

    def __init__(
        self, session: Session, cases: Sequence[VolumeCase], folder: Path | None = None
    ) -> None:
        self.session = session
        self.cases = {case.name: case for case in cases}
        # The segments are in the scene, not in the folder: nothing of it can be gone on with. What
        # the folder holds of files stays, also in the table.
        self.queue = BatchQueue([case.name for case in cases], folder, resumable=False)
        self.problem = ""
        self._stopped = False

    def start(
        self,
        choice: ModelChoice,
        options: SegmentOptions,
        onChanged: Callable[[str], None],
        onEnd: Callable[[], None],
    ) -> None:
        """Work through what is pending.

        Args:
            choice, options: model and settings.
            onChanged: called with a line for people whenever something has happened.
            onEnd: called once, when all is done or the batch was cancelled.

        Raises:
            ConfigError: another batch writes into the folder.
        """
        self.queue.hold()
        self._stopped = False
        self._run = partial(self._start, choice=choice, options=options, onChanged=onChanged)
        self._onEnd = onEnd
        self._next()

    def cancel(self) -> None:
        """Stop; the case that is running goes back to the queue."""
        self._stopped = True
        self.session.cancel()

    def _next(self) -> None:
        """Start the next case. Cases that end at once are a loop, not calls within calls."""
        while not self._stopped:
            name = self.queue.next()
            if name is None:
                break
            if not self._run(name):
                return  # its end calls this again
        try:
            self.queue.write_table()
            self.problem = ""
        except MasamError as error:  # e.g. it is open in Excel; the segments are there all the same
            self.problem = str(error)
        finally:
            self.queue.release()
        self._onEnd()

    def _start(
        self,
        name: str,
        choice: ModelChoice,
        options: SegmentOptions,
        onChanged: Callable[[str], None],
    ) -> bool:
        """Start a case; True if it has ended already."""
        self.queue.start(name)
        case = self.cases[name]
        began = time.monotonic()
        starting, ended = True, False

        def goOn() -> None:
            nonlocal ended
            ended = True
            onChanged(name)
            if not starting:
                self._next()

        def done(report: RunReport) -> None:
            if report.failed:
                words = [f"{lesion.name}: {lesion.error}" for lesion in report.failed]
                self.queue.fail(name, " ".join(words))
            else:
                self.queue.finish(name, self._rows(case))
            goOn()

        def failed(error: Exception) -> None:
            if isinstance(error, Cancelled):
                self.queue.cancel()
                self._stopped = True
            else:
                self.queue.fail(name, str(error))
            goOn()

        def progress(fraction: float, text: str) -> None:
            seconds = time.monotonic() - began
            onChanged(f"{name}: {text}, {seconds:.0f} s ({fraction:.0%})")

        try:
            if not case.lesionIds:
                raise MasamError(f"No box was found for '{name}'.")
            self.session.segment(case.lesionIds, choice, options, progress, done, failed)
        except MasamError as error:
            failed(error)
        starting = False
        return ended

    def rows(self) -> list[dict[str, Any]]:
        """Measurements of every case that is done."""
        return [row for case in self.cases.values() for row in self._rows(case)]

    def _rows(self, case: VolumeCase) -> list[dict[str, Any]]:
        found = [self.session.lesions.lesion(identity) for identity in case.lesionIds]
        return rowsOf([lesion for lesion in found if lesion is not None])
