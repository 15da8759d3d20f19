"""The end of a run: every mask into the scene, in one step that can be undone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import masam_core
from masam_core.errors import MasamError

from ..scene.belonging import otherVolume, segmentationFor
from ..scene.history import History, Touched
from ..scene.lesions import LesionEntry, LesionList
from ..scene.provenance import Provenance, maskDigest
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
            raise MasamError(
                "Nothing was found in this box. Is it around the lesion, and in the right volume?"
            )
        if lesion.locked:
            raise MasamError("Locked while it was being segmented.")
        own = lesion.segmentation
        target = self._target(job, lesion, volumeNode, lesions)
        notes = list(found.messages)
        if own is not None and target is not own:
            other = otherVolume(own, volumeNode, lesions)
            notes.append(
                f"'{own.GetName()}' belongs to {other}, so the result is in '{target.GetName()}'."
            )
        job.report.notes += [note for note in notes if note not in job.report.notes]
        made = _provenance(job, lesion, found, report)
        segmentId = lesion.segmentId if target is own else None
        segmentId = segmentId or target.GetSegmentation().GenerateUniqueSegmentID(
            f"MASAM_{lesion.id}"
        )
        look, further = lesion.look, job.frame is not None and job.frame[0] > 0
        if job.frame is not None:
            number, count = job.frame
            look = replace(look, name=f"{lesion.name}, frame {number + 1} of {count}")
            if further:
                # No rows of the list, which would segment the frame that is shown, not their own.
                segmentId, made = f"{segmentId}_{number + 1}", replace(made, lesion="")
        if lesion.provenance is not None and not further:
            touched.place(lesion.id, lesion.provenance.corners)  # of the box that it belonged to
        touched.append((target, segmentId))
        written = writeSegment(
            target, segmentId, volumeNode, found.mask, found.offset_kji, look, made.tags()
        )
        if further:
            return
        if lesion.segment is not None and target is not own:  # it moves out of another volume's
            touched.append((own, str(lesion.segmentId)))
            own.GetSegmentation().RemoveSegment(lesion.segmentId)
        self.lesions.recordSegment(lesion, target, written)

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


def _provenance(job: Job, lesion: LesionEntry, found: Lesion, report: RunReport) -> Provenance:
    return Provenance(
        lesion=lesion.id,
        corners=job.corners,
        model=str(report.model.get("name", "")),
        modelHash=str(report.model.get("sha256", "")),
        device=str(report.model.get("device", "")),
        version=masam_core.__version__,
        options=dict(report.model.get("options", {})),
        confidence=found.confidence,
        measurements=found.measurements.to_dict(),
        maskHash=maskDigest(found.mask, found.offset_kji),
        volumeHash=job.image.content_hash,
        roi=job.roiName,
        messages=tuple(job.report.notes),
        prompts={} if found.prompts is None else found.prompts.to_dict(found.geometry),
        cuts=tuple(cut.to_dict() for cut in found.cuts),
        lookedMm=found.looked_mm,
    )
