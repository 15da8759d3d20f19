"""What a run has to do: a box on an image each, and the requests to the worker that follow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from masam_core.errors import MasamError
from masam_core.image.volume import Volume
from masam_core.prompts.boxes import BoxPrompt

from ..scene import prompts
from ..scene.belonging import requireOwn, segmentationFor
from ..scene.lesions import LesionEntry, LesionList
from ..scene.segments import requireWritable
from ..scene.volumes import framesOf, volumeFromNode
from .reports import LesionReport

if TYPE_CHECKING:
    from masam_core.inference.options import SegmentOptions
    from masam_core.worker.steps import ModelChoice, Result


@dataclass
class Job:
    """One box on one image, with everything that the end needs and the scene may lose by then.

    Attributes:
        key: names the box in the requests to the worker.
        lesionId: of the lesion.
        report: where notes and errors go; frames of one lesion share it.
        box: on the image's grid (IJK).
        image: the volume, or one frame of it.
        volumeId: of the volume node.
        corners: of the box on the volume as it was, (8, 3), LPS mm.
        roiName: of the ROI node, or an empty text.
        frame: number and count, where all frames were asked for.
        found: the worker's answer: a lesion, or the reason why there is none.
    """

    key: str
    lesionId: str
    report: LesionReport
    box: BoxPrompt
    image: Volume
    volumeId: str
    corners: Any
    roiName: str
    frame: tuple[int, int] | None
    found: Result | None = None


def jobsOf(
    lesions: LesionList,
    lesion: LesionEntry | None,
    report: LesionReport,
    allFrames: bool,
    segmentationNode: Any,
    beside: bool = True,
) -> list[Job]:
    """The jobs of one lesion: one, or one a frame.

    Args:
        lesions: the list.
        lesion: which; None where it is gone.
        report: of the lesion.
        allFrames: a job for every frame, where the volume shows a frame of a sequence.
        segmentationNode: that was chosen for new segments, or None.
        beside: where none was chosen, whether that of the volume's other lesions will do.

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
        corners = _corners(lesion)
        box = BoxPrompt(image.geometry.ijk_from_lps(corners), lesion.name)
        box.slice_boxes(image.geometry.canonical_frame())  # told now, if it lies outside
        jobs.append(
            Job(
                key=f"{lesion.id}/{number}",
                lesionId=lesion.id,
                report=report,
                box=box,
                image=image,
                volumeId=lesion.volume.GetID(),
                corners=corners,
                roiName=lesion.roi.GetName() if lesion.roi is not None else "",
                frame=(number, len(frames)) if frames else None,
            )
        )
    return jobs


def _corners(lesion: LesionEntry) -> Any:
    """Corners of the ROI; those of the box that made the segment where the ROI was deleted."""
    if lesion.roi is None and lesion.provenance is not None:
        return lesion.provenance.corners
    return prompts.cornersInVolume(lesion.roi, lesion.volume)


def byImage(jobs: Sequence[Job]) -> list[list[Job]]:
    """Jobs on the same image together, so that it is sent once."""
    groups: dict[int, list[Job]] = {}
    for job in jobs:
        groups.setdefault(id(job.image), []).append(job)
    return list(groups.values())


def jobSteps(
    groups: Sequence[Sequence[Job]],
    choice: ModelChoice,
    options: SegmentOptions,
    onImage: Callable[[int], None],
) -> Any:
    """Image after image; the result is the last outcome, with the lesions of all.

    Args:
        groups: see :func:`byImage`.
        choice, options: model and settings.
        onImage: called with the number of each group as its turn comes.
    """
    from masam_core.worker.steps import segment_steps

    outcome = None
    results: dict[str, Result] = {}
    for number, jobs in enumerate(groups):
        onImage(number)
        boxes = [(job.key, job.box) for job in jobs]
        outcome = yield from segment_steps(choice, jobs[0].image, boxes, options)
        results |= outcome.results
    if outcome is not None:
        outcome.results.update(results)
        outcome.model.update(options=options.to_dict())
    return outcome
