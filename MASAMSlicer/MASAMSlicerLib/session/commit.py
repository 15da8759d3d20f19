"""The end of a run: every mask into the scene, in one step that can be undone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from masam_core.errors import MasamError
from masam_core.prompts.boxes import BoxPrompt

from ..scene import prompts
from ..scene.asked import keptOf
from ..scene.belonging import otherVolume, segmentationFor
from ..scene.handedits import agreeing
from ..scene.history import History, Touched
from ..scene.keptprompts import KeptPrompts
from ..scene.lesions import LABEL, MOVED_MM, LesionEntry, LesionList
from ..scene.placing import isDrawn
from ..scene.promptnodes import writePrompts
from ..scene.provenance import BY_PROMPTS, Provenance
from ..scene.segments import newSegmentation, requireWritable, writeSegment
from .jobs import Job
from .reports import RunReport

if TYPE_CHECKING:
    from masam_core.lesion.lesion import Lesion


@dataclass
class Commit:
    """Writes what a run has found.

    Attributes:
        scene: vtkMRMLScene.
        lesions: the list.
        history: where the step is kept.
        segmentationNode: that was chosen for new segments, or None.
        beside: where none was chosen, whether that of the volume's other lesions will do.
        targets: by the volume's ID, the segmentation that its new segments go to.
        created: segmentations that were made on the way.
    """

    scene: Any
    lesions: LesionList
    history: History
    segmentationNode: Any = None
    beside: bool = True
    targets: dict[str, Any] = field(default_factory=dict)
    created: list[Any] = field(default_factory=list)

    def write(self, jobs: Sequence[Job], report: RunReport) -> None:
        """Write every mask in one step; when that fails, nothing has changed.

        A mask that can't be written becomes an error in its lesion's report and stops no other.
        """
        names = [job.report.name for job in jobs if job.found is not None]
        title = f"Segment {names[0]}" if len(set(names)) == 1 else f"Segment {len(names)} lesions"
        try:
            with self.history.step(title) as touched:
                for job in jobs:
                    try:
                        self._write(job, report, touched)
                    except MasamError as error:  # this one only; writing a segment is all or none
                        job.report.error = str(error)
        except BaseException:
            for node in self.created:
                self.scene.RemoveNode(node)
            raise

    def _write(self, job: Job, report: RunReport, touched: Touched) -> None:
        """Write one mask; MasamError where there is none, or what it belongs to is gone by now."""
        found = job.found
        lesions = self.lesions.lesions()
        lesion = next((each for each in lesions if each.id == job.lesionId), None)
        volumeNode = self.scene.GetNodeByID(job.volumeId)
        if found is None:
            raise MasamError("The worker gave no answer.")
        if isinstance(found, MasamError):
            raise found
        if lesion is None or volumeNode is None:
            raise MasamError("Deleted from the scene while it was being segmented.")
        if not found.mask.any():
            raise MasamError(_nothing(job))
        if lesion.locked:
            raise MasamError("Locked while it was being segmented.")
        own = lesion.segmentation
        before = _asBefore(self.scene, lesion)
        target = self._target(job, lesion, volumeNode, lesions)
        notes = list(found.messages)
        if own is not None and target is not own:
            other = otherVolume(own, volumeNode, lesions)
            notes.append(
                f"'{own.GetName()}' belongs to {other}, so the result is in '{target.GetName()}'."
            )
        job.report.notes += [note for note in notes if note not in job.report.notes]
        further = job.frame is not None and job.frame[0] > 0
        if not further:
            touched.prompts(before, again=lesion.provenance is not None)
            self._lay(job, lesion, found, volumeNode)
        made = _provenance(job, lesion, found, report)
        segmentId = lesion.segmentId if target is own else None
        segmentId = segmentId or target.GetSegmentation().GenerateUniqueSegmentID(
            f"MASAM_{lesion.id}"
        )
        look = lesion.look
        if job.frame is not None:
            number, count = job.frame
            look = replace(look, name=f"{lesion.name}, frame {number + 1} of {count}")
            if further:
                # No rows of the list, which would segment the frame that is shown, not their own.
                segmentId, made = f"{segmentId}_{number + 1}", replace(made, lesion="")
        touched.append((target, segmentId))
        tags = {**made.tags(), LABEL: str(lesion.label)} if not further else made.tags()
        written = writeSegment(
            target, segmentId, volumeNode, found.mask, found.offset_kji, look, tags
        )
        if further:
            return
        self.lesions.handEdits.made(lesion.id, made.maskHash, found.mask, found.offset_kji)
        if lesion.segment is not None and target is not own:  # it moves out of another volume's
            touched.append((own, str(lesion.segmentId)))
            own.GetSegmentation().RemoveSegment(lesion.segmentId)
        self.lesions.recordSegment(lesion, target, written)

    def _lay(self, job: Job, lesion: LesionEntry, found: Lesion, volumeNode: Any) -> None:
        """Lay the box where the worker has found or extended it; one that moved since stays.

        A lesion that begins with its box begins with no other prompt.
        """
        roi = lesion.roi
        if roi is None or job.record.started_from_mask:
            return
        if isinstance(job.record.first, BoxPrompt):
            others = [prompt for prompt in lesion.prompts if not prompt.first]
            if len(others) < len(lesion.prompts):
                writePrompts(self.scene, lesion.id, volumeNode, others)
            if not job.extend or job.corners is None:
                return
            if np.abs(prompts.cornersInVolume(roi, volumeNode) - job.corners).max() > MOVED_MM:
                return
        elif isDrawn(roi) and lesion.boxMoved:
            return
        prompts.layRoi(roi, volumeNode, found.geometry.lps_from_ijk(found.box.corners_ijk))
        job.corners = prompts.cornersInVolume(roi, volumeNode)

    def _target(
        self, job: Job, lesion: LesionEntry, volumeNode: Any, lesions: list[LesionEntry]
    ) -> Any:
        """The segmentation that a mask goes to, made anew where there is none."""
        chosen = [self.targets.get(job.volumeId), self.segmentationNode]
        target = segmentationFor(lesion, volumeNode, lesions, chosen, self.beside)
        if target is None:
            target = newSegmentation(volumeNode, f"{volumeNode.GetName()} lesions")
            self.created.append(target)
        self.targets[job.volumeId] = target
        requireWritable(target, volumeNode)
        return target


def _nothing(job: Job) -> str:
    if job.standing is not None:
        return "The correction would leave nothing of the mask. Delete the lesion instead."
    if isinstance(job.record.first, BoxPrompt):
        return "Nothing was found in this box. Is it around the lesion, and in the right volume?"
    return "Nothing was found there. Is it on the lesion, and in the right volume?"


def _asBefore(scene: Any, lesion: LesionEntry) -> KeptPrompts:
    """What is asked when a result is taken back: what the mask before it was the answer to."""
    now, made = KeptPrompts.of(scene, lesion.id), lesion.provenance
    if made is None:
        return now
    corners = now.corners if made.byHand else made.corners
    return KeptPrompts(lesion.id, corners, keptOf(made, now.prompts))


def _provenance(job: Job, lesion: LesionEntry, found: Lesion, report: RunReport) -> Provenance:
    geometry = found.geometry
    corners = job.corners
    if corners is None or job.record.started_from_mask:
        corners = geometry.lps_from_ijk(found.box.corners_ijk)
    record = found.prompts
    if record is not None and isinstance(record.first, BoxPrompt):
        # The one that the lesion has now: extended, or drawn tightly around hand work.
        own = BoxPrompt(geometry.ijk_from_lps(corners), record.first.name)
        record = replace(record, first=own)
    painted = job.drawn or agreeing(job.painted, found.mask, found.offset_kji)
    return replace(
        Provenance.ofAnswer(lesion.id, corners, report.model, found, job.image),
        roi=job.roiName,
        messages=tuple(job.report.notes),
        prompts={} if record is None else record.to_dict(geometry),
        cuts=tuple(cut.to_dict() for cut in found.cuts),
        lookedMm=found.looked_mm,
        painted=painted,
        corrected=BY_PROMPTS
        if painted is not None or (record is not None and record.corrections)
        else "",
    )
