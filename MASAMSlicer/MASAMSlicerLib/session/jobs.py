"""What a run has to do: what is asked on an image each, as far as it is not answered yet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from masam_core.errors import BoxError, MasamError
from masam_core.image.volume import Volume
from masam_core.lesion.painted import Painted
from masam_core.prompts.boxes import BoxPrompt
from masam_core.prompts.corrections import Correction, correction_voxels
from masam_core.prompts.record import PromptRecord

from ..scene import prompts
from ..scene.asked import added, correctionsOf, firstOf, knownRecord
from ..scene.belonging import requireOwn, segmentationFor
from ..scene.handedits import merged
from ..scene.lesions import EDITED, LesionEntry, LesionList
from ..scene.placing import isDrawn
from ..scene.segments import Mask, Offset, requireWritable
from ..scene.volumes import framesOf, volumeFromNode
from .reports import LesionReport

if TYPE_CHECKING:
    from masam_core.worker.steps import Result

    from ..scene.provenance import Provenance


@dataclass(frozen=True, eq=False)
class Standing:
    """A mask that is corrected, not made anew.

    Attributes:
        mask, offset: as it is now, a KJI crop.
        record: what it is the answer to.
        more: the corrections that have come since.
        made: its provenance.
    """

    mask: Mask
    offset: Offset
    record: PromptRecord
    more: tuple[Correction, ...]
    made: Provenance


@dataclass
class Job:
    """What is asked of one lesion on one image, and all that the scene may lose until the end.

    Attributes:
        key: names it in the requests to the worker.
        lesionId: of the lesion.
        report: where notes and errors go; frames of one lesion share it.
        record: the prompts, on the image's grid.
        box: on the image's grid (IJK); of a prompt without a third extent, what was found for it
            before, or None.
        image: the volume, or one frame of it.
        volumeId: of the volume node.
        corners: of the box on the volume as it was, (8, 3), LPS mm; None without one.
        roiName: of the ROI node, or an empty text.
        frame: number and count, where all frames were asked for.
        standing: the mask that is corrected; None to make one anew.
        painted: by hand, and to be respected; None for nothing.
        drawn: by hand, what the lesion began with; None where it began with a prompt.
        extend: words of the sides at which the box is extended; empty for none.
        found: the worker's answer: a lesion, or the reason why there is none.
    """

    key: str
    lesionId: str
    report: LesionReport
    record: PromptRecord
    box: BoxPrompt | None
    image: Volume
    volumeId: str
    corners: Any
    roiName: str
    frame: tuple[int, int] | None
    standing: Standing | None = None
    painted: Painted | None = None
    drawn: Painted | None = None
    extend: tuple[str, ...] = ()
    found: Result | None = None


def jobsOf(
    lesions: LesionList,
    lesion: LesionEntry | None,
    report: LesionReport,
    allFrames: bool,
    segmentationNode: Any,
    beside: bool = True,
    extend: tuple[str, ...] = (),
) -> list[Job]:
    """The jobs of one lesion: one, or one a frame.

    Args:
        lesions: the list.
        lesion: which; None where it is gone.
        report: of the lesion.
        allFrames: a job for every frame, where the volume shows a frame of a sequence.
        segmentationNode: that was chosen for new segments, or None.
        beside: where none was chosen, whether that of the volume's other lesions will do.
        extend: words of the sides at which the box is extended.

    Raises:
        MasamError: it can't be segmented as things are; nothing was changed.
    """
    if lesion is None:
        raise MasamError("This lesion is not in the scene any more.")
    if lesion.volume is None:
        raise MasamError(f"The volume of '{lesion.name}' is not in the scene any more.")
    if lesion.locked:
        raise MasamError(f"'{lesion.name}' is locked. Unlock it to segment it again.")
    every = lesions.lesions()
    target = segmentationFor(lesion, lesion.volume, every, [segmentationNode], beside)
    if segmentationNode is not None and (target is None or target is not lesion.segmentation):
        requireOwn(segmentationNode, lesion.volume, every)  # what was chosen is not changed
    if target is not None:
        requireWritable(target, lesion.volume)
    frames = framesOf(lesion.volume) if allFrames else []
    jobs = []
    for number, node in enumerate(frames or [lesion.volume]):
        image = volumeFromNode(node)
        record, corners = _asked(lesion, image)
        job = Job(
            key=f"{lesion.id}/{number}",
            lesionId=lesion.id,
            report=report,
            record=record,
            box=None
            if corners is None
            else BoxPrompt(image.geometry.ijk_from_lps(corners), lesion.name),
            image=image,
            volumeId=lesion.volume.GetID(),
            corners=corners,
            roiName=lesion.roi.GetName() if lesion.roi is not None else "",
            frame=(number, len(frames)) if frames else None,
            extend=extend,
        )
        _requireInside(job)
        if not frames and lesion.segment is not None and lesion.provenance is not None:
            _goOn(lesions, lesion, lesion.provenance, job)
        jobs.append(job)
    return jobs


def _asked(lesion: LesionEntry, image: Volume) -> tuple[PromptRecord, Any]:
    """What the scene asks about a lesion, and the corners of its box (LPS mm), or None.

    A lesion begins with its box, unless it began with another prompt and its box is still the one
    that was found for that.
    """
    made, geometry = lesion.provenance, image.geometry
    corrections = correctionsOf(lesion.prompts)
    first = None if lesion.boxMoved else firstOf(lesion.prompts, lesion.name)
    drawn = lesion.roi is not None and isDrawn(lesion.roi)
    if first is not None and not (drawn and made is None):
        return PromptRecord(first, corrections), None
    if made is not None and made.byHand and not drawn:
        known = knownRecord(made, geometry)
        return PromptRecord(known.first, corrections, True), made.corners
    corners = _corners(lesion)
    box = BoxPrompt(geometry.ijk_from_lps(corners), lesion.name)
    return PromptRecord(box, corrections), corners


def _corners(lesion: LesionEntry) -> Any:
    """Corners of the ROI; those of the box that made the segment where the ROI was deleted."""
    if lesion.roi is None and lesion.provenance is not None:
        return lesion.provenance.corners
    return prompts.cornersInVolume(lesion.roi, lesion.volume)


def _requireInside(job: Job) -> None:
    """Say now, not after the work, what lies outside the image."""
    frame = job.image.geometry.canonical_frame()
    if isinstance(job.record.first, BoxPrompt):
        job.record.first.slice_boxes(frame)
    else:
        job.record.first.require_inside(frame)
    for correction in job.record.corrections:
        correction_voxels(correction, job.image.geometry)


def _goOn(lesions: LesionList, lesion: LesionEntry, made: Provenance, job: Job) -> None:
    """Correct the mask that is there where nothing but corrections has come; keep hand work.

    What was done by hand goes only where the same prompts are asked again, to begin anew.
    """
    mask, offset = lesions.maskOf(lesion)
    since = lesions.handEdits.since(lesion.id, made.maskHash, mask, offset)
    again = not (lesion.boxMoved or lesion.asks or job.extend)
    more = added(made, lesion.prompts)
    if made.byHand and job.record.started_from_mask:
        # What it began with is corrected like any mask; what was painted since then is respected.
        job.drawn = merged(made.painted, since)
        job.painted = since if made.painted is not None else None
        job.standing = _byHand(lesion, made, job, (mask, offset), more)
        return
    if lesion.status != EDITED or not again:
        job.painted = merged(made.painted, since)
    if more and mask.any() and not (lesion.boxMoved or job.extend):
        known = knownRecord(made, job.image.geometry)
        if isinstance(known.first, BoxPrompt):  # to the last digit
            box = BoxPrompt(job.image.geometry.ijk_from_lps(made.corners))
            known = replace(known, first=box)
        known = replace(known, first=known.first.renamed(lesion.name))
        job.standing = Standing(mask, offset, known, more, made)


def _byHand(
    lesion: LesionEntry,
    made: Provenance,
    job: Job,
    now: tuple[Mask, Offset],
    more: tuple[Correction, ...] | None,
) -> Standing:
    """The correction of a mask that no prompt has begun: it is never made anew."""
    if more == ():
        raise BoxError(
            f"'{lesion.name}' was drawn by hand: there is nothing to segment again. Click where "
            "its mask is wrong, or draw a box around the lesion."
        )
    earlier = knownRecord(made, job.image.geometry).corrections
    if more is None:  # one was moved or deleted: again from what the hand has drawn
        now, more, earlier = _handMade(job.drawn) or now, job.record.corrections, ()
    mask, offset = now
    if not mask.any():
        raise BoxError(f"The mask of '{lesion.name}' is empty: there is nothing to correct.")
    first = BoxPrompt.from_voxels(*_tight(mask, offset), name=lesion.name)
    return Standing(mask, offset, PromptRecord(first, earlier, True), more, made)


def _handMade(painted: Painted | None) -> tuple[Mask, Offset] | None:
    if painted is None or not (painted.values > 0).any():
        return None
    return painted.values > 0, painted.offset_kji


def _tight(mask: Mask, offset: Offset) -> tuple[int, int, int, int, int, int]:
    where = np.argwhere(mask)
    (k0, j0, i0), (k1, j1, i1) = (where.min(axis=0) + offset, where.max(axis=0) + offset)
    return int(i0), int(i1), int(j0), int(j1), int(k0), int(k1)


def byImage(jobs: Sequence[Job]) -> list[list[Job]]:
    """Jobs on the same image together, so that it is sent once."""
    groups: dict[int, list[Job]] = {}
    for job in jobs:
        groups.setdefault(id(job.image), []).append(job)
    return list(groups.values())


OnImage = Callable[[int], None]
