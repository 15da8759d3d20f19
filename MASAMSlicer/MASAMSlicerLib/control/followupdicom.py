"""A follow-up as DICOM: each later study's segmentation and report, and a report on all studies.

Files are read, measured and written by a process of its own (``python -m
masam_core.followup.dicom_job``), so that the front end stays usable. The scene is not changed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from masam_core.errors import MasamError
from masam_core.followup.reading import State
from masam_core.image.formats.dicom.origin import SourceImages
from masam_core.image.plain_nrrd import write_plain_nrrd
from masam_core.lesion.terminology import MASS, TUMOUR_TYPES

from ..scene.dicomfiles import kindOf
from ..scene.followup import FOLLOWS, followedBy
from ..scene.lesions import LesionEntry
from ..scene.provenance import Provenance
from ..scene.volumes import volumeFromNode
from ..session.session import Session
from ..translation import tr as _
from .toldprocess import MakeProcess, ToldProcess
from .twostudies import becameOf


@dataclass(frozen=True, eq=False)
class DicomStudy:
    """A study of the scene, and the DICOM images that it came from.

    Attributes:
        node: its volume node.
        files: of the DICOM images; none where ``images`` says what they were.
        images: the names of its slices along k.
        date: YYYY-MM-DD, as a person has said; empty takes that of the images.
    """

    node: Any
    files: tuple[Path, ...] = ()
    images: SourceImages | None = None
    date: str = ""


@dataclass(frozen=True)
class Written:
    """What was written.

    Attributes:
        folder: that was made for it.
        files: in it, segmentations before the reports that refer to them.
        notes: for the user.
    """

    folder: Path
    files: tuple[Path, ...]
    notes: tuple[str, ...]


class FollowUpDicom:
    """Writes it, one at a time.

    Args:
        session: the lesions.
        makeProcess: a transport to a process that is not started yet (see ``Improving``).
        show: called with the fraction done and words while it runs.
        onWritten: called at the end.
        onEnd: called at an end without: with what went wrong, or an empty text where it was
            stopped.
        onDoubt: called at an end where the studies bear different patient IDs, with words; a
            person may start it again with ``samePatient``.
    """

    def __init__(
        self,
        session: Session,
        makeProcess: MakeProcess,
        show: Callable[[float, str], None],
        onWritten: Callable[[Written], None],
        onEnd: Callable[[str], None],
        onDoubt: Callable[[str], None],
    ) -> None:
        self._session = session
        self._show, self._onWritten = show, onWritten
        self._onEnd, self._onDoubt = onEnd, onDoubt
        self._process = ToldProcess(
            makeProcess, "masam_core.followup.dicom_job", self._onEvent, self._onClosed
        )
        self._problem = self._doubt = ""

    @property
    def running(self) -> bool:
        """Whether it is being written."""
        return self._process.running

    def start(
        self, studies: Sequence[DicomStudy], target: Path, plane: str, samePatient: bool = False
    ) -> None:
        """Begin to write.

        Args:
            studies: oldest first.
            target: folder in which a new one is made.
            plane: in which diameters are taken.
            samePatient: somebody has said so, though the patient IDs differ.

        Raises:
            MasamError: the later study has no mask; or it is going on already.
            OSError: the process can't be started.
        """
        if self.running:
            raise MasamError(_("The follow-up is being written already."))
        tracks = tracksOf(self._session, [study.node for study in studies])
        last = studies[-1].node
        if not any(track[-1] is not None and hasMask(track[-1]) for track in tracks):
            words = _("'{name}' has no segment yet: press Segment first.")
            raise MasamError(words.format(name=last.GetName()))
        self._problem = self._doubt = ""
        values = {"target": str(target), "plane": plane, "same_patient": samePatient}
        self._process.start(lambda place: self._write(place, values, studies, tracks))
        self._show(0.0, _("Starting ..."))

    def cancel(self) -> None:
        """Ask it to stop; nothing is written."""
        self._process.say("cancel")

    def stop(self) -> None:
        """End it now, without a word."""
        self._process.stop()

    def _write(
        self,
        folder: Path,
        values: dict[str, Any],
        studies: Sequence[DicomStudy],
        tracks: Sequence[Sequence[LesionEntry | None]],
    ) -> Path:
        """Images, masks and the job, for the process to read; the job's file."""
        values["studies"] = [_study(folder, n, study) for n, study in enumerate(studies)]
        values["tracks"] = [
            self._track(folder, n, track, studies) for n, track in enumerate(tracks)
        ]
        here = [track[-1].segment for track in tracks if track[-1] is not None]
        kinds = {id(kind): kind for kind in map(kindOf, filter(None, here))}
        kind = next(iter(kinds.values())) if len(kinds) == 1 else MASS
        values["kind"] = next(key for key, each in TUMOUR_TYPES.items() if each is kind)
        job = folder / "job.json"
        job.write_text(json.dumps(values), "utf-8")
        return job

    def _track(
        self,
        folder: Path,
        number: int,
        track: Sequence[LesionEntry | None],
        studies: Sequence[DicomStudy],
    ) -> dict[str, Any]:
        findings: list[dict[str, Any]] = []
        for place, entry in enumerate(track):
            finding: dict[str, Any] = {"state": State.UNKNOWN.value}
            before = track[place - 1] if place else None
            if entry is not None and hasMask(entry):
                mask, offset = self._session.lesions.maskOf(entry)
                file = folder / f"{number}-{place}.npy"
                np.save(file, np.asarray(mask, dtype=bool))
                finding = {
                    "state": State.MEASURED.value,
                    "mask": str(file),
                    "offset_kji": [int(n) for n in offset],
                    "first": _first(entry.provenance),
                }
            elif entry is None and before is not None:
                finding = {"state": becameOf(before).value}
            elif entry is None and not any(track[:place]):
                finding = {"state": State.ABSENT.value}
            findings.append(finding)
        there = [place for place, entry in enumerate(track) if entry is not None]
        first = track[there[0]]
        assert first is not None
        return {
            "name": first.name,
            "color": [float(c) for c in first.color],
            "new_in": there[0] or None,
            "findings": findings,
        }

    def _onEvent(self, event: dict[str, Any]) -> None:
        kind = event["event"]
        if kind == "progress":
            self._show(float(event["fraction"]), str(event["text"]))
        elif kind == "end":
            folder = Path(str(event["folder"]))
            files = tuple(folder / str(name) for name in event["files"])
            notes = tuple(str(note) for note in event["notes"])
            self.stop()
            self._onWritten(Written(folder, files, notes))
        elif kind == "error":
            self._problem = str(event["message"])
        elif kind == "doubt":
            self._doubt = str(event["message"])

    def _onClosed(self, words: str) -> None:
        if self._doubt:
            self._onDoubt(self._doubt)
        else:
            self._onEnd(self._problem or words)


def chainOf(session: Session, earlierNode: Any, laterNode: Any) -> list[Any]:
    """Volumes of the studies, oldest first, as lesions were carried over from one to the next.

    Args:
        session: the lesions.
        earlierNode, laterNode: the last two.
    """
    chain = [earlierNode, laterNode]
    while True:
        pairs = followedBy(session.lesions, chain[0])
        before = {each.volume.GetID(): each.volume for each, _now in pairs if each.volume}
        found = [node for node in before.values() if node not in chain]
        if len(found) != 1:  # none; or of several nobody knows which was the study before
            return chain
        chain.insert(0, found[0])


def tracksOf(session: Session, nodes: Sequence[Any]) -> list[list[LesionEntry | None]]:
    """Each lesion through all studies: an entry a study, None where it is in none.

    Lesions without a segment in any study are left out.

    Args:
        session: the lesions.
        nodes: volumes of the studies, oldest first.
    """
    tracks: list[list[LesionEntry | None]] = []
    for place, node in enumerate(nodes):
        before = {
            track[place - 1].id: track  # type: ignore[union-attr]
            for track in tracks
            if place and track[place - 1] is not None
        }
        for entry in session.lesions.lesions(node):
            follows = entry.roi.GetAttribute(FOLLOWS) if entry.roi is not None else None
            track = before.pop(follows or "", None)  # of two that follow one, the first is it
            if track is None:
                track = [None] * len(nodes)
                tracks.append(track)
            track[place] = entry
    return [track for track in tracks if any(entry and hasMask(entry) for entry in track)]


def hasMask(entry: LesionEntry) -> bool:
    """Whether a lesion has a segment."""
    return entry.segment is not None


def _study(folder: Path, number: int, study: DicomStudy) -> dict[str, Any]:
    volume = volumeFromNode(study.node)
    image = folder / f"study{number + 1}.nrrd"
    write_plain_nrrd(image, volume.array, volume.geometry)
    values: dict[str, Any] = {
        "image": str(image),
        "name": study.node.GetName(),
        "modality": volume.modality,
        "date": study.date,
        "files": [str(file) for file in study.files],
    }
    if study.images is not None:
        names = folder / f"study{number + 1}.json"
        names.write_text(json.dumps(study.images.to_dict()), "utf-8")
        values["images"] = str(names)
    return values


def _first(made: Provenance | None) -> str:
    """The prompt that a segment began with, as JSON; empty where it is drawn by hand."""
    if made is None:
        return ""
    first = made.prompts.get("first")
    return json.dumps(first or {"kind": "box", "name": "", "corners_lps": made.corners.tolist()})
