"""Lesions to segments: asks the worker, and changes the scene in one step at the end."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import masam_core
from masam_core.errors import MasamError
from masam_core.image.volume import Volume
from masam_core.prompts.boxes import BoxPrompt

from .scene import prompts
from .scene.belonging import otherVolume, requireOwn, segmentationFor
from .scene.handles import MoveHandles
from .scene.history import History, Touched
from .scene.lesions import DONE, EDITED, LesionEntry, LesionList
from .scene.provenance import Provenance, maskDigest
from .scene.segments import newSegmentation, requireWritable, writeSegment
from .scene.visibility import Visibility
from .scene.volumes import forgetVolumes, framesOf, volumeFromNode

if TYPE_CHECKING:
    from masam_core.inference.options import SegmentOptions
    from masam_core.lesion.lesion import Lesion
    from masam_core.worker.client import Task, Transport
    from masam_core.worker.steps import ModelChoice, Outcome, Result


@dataclass
class LesionReport:
    """What came of one lesion: its notes, or why there is no mask."""

    lesion: str
    name: str
    notes: list[str] = field(default_factory=list)
    error: str = ""


@dataclass
class RunReport:
    """What came of a run.

    Attributes:
        lesions: in the order in which they were asked for.
        seconds: from start to the last mask, waiting included.
        model: the worker's description of the model (see ``load_model`` in the protocol).
    """

    lesions: list[LesionReport]
    seconds: float = 0.0
    model: dict[str, Any] = field(default_factory=dict)

    @property
    def failed(self) -> list[LesionReport]:
        """Lesions without a mask."""
        return [lesion for lesion in self.lesions if lesion.error]


@dataclass
class _Job:
    """One box on one image, with everything that the end needs and the scene may lose by then."""

    key: str
    lesionId: str
    report: LesionReport
    box: BoxPrompt
    image: Volume
    volumeId: str
    corners: Any
    roiName: str
    frame: tuple[int, int] | None  # number and count, where all frames were asked for
    found: Result | None = None


OnProgress = Callable[[float, str], None]


class Session:
    """The lesions of a scene and the worker that segments them.

    Args:
        scene: vtkMRMLScene.
        makeTransport: a process for the worker (see ``masam_core.worker.client.Transport``).

    Attributes:
        lesions: the list.
        history: undo and redo.
        visibility: what of it is on screen.
        handles: which handles its boxes have.
        states: lesion id to (``running`` or ``failed``, message); what the scene does not say.
    """

    def __init__(self, scene: Any, makeTransport: Callable[[], Transport]) -> None:
        from masam_core.worker.client import WorkerClient

        self.scene = scene
        self.lesions = LesionList(scene)
        self.history = History(scene)
        self.visibility = Visibility(scene, self.lesions)
        self.handles = MoveHandles(scene)
        self.client = WorkerClient(makeTransport)
        self.states: dict[str, tuple[str, str]] = {}
        self._measured: dict[str, tuple[str, str]] = {}
        self._task: Task | None = None
        self._running: list[str] = []

    @property
    def busy(self) -> bool:
        """Whether something is being computed."""
        return self._task is not None and not self._task.finished

    def segment(
        self,
        lesionIds: Sequence[str],
        choice: ModelChoice,
        options: SegmentOptions,
        onProgress: OnProgress,
        onDone: Callable[[RunReport], None],
        onError: Callable[[Exception], None],
        segmentationNode: Any = None,
        allFrames: bool = False,
    ) -> None:
        """Segment lesions. The scene changes once, at the end, in one step that can be undone.

        A lesion that can't be segmented is reported and does not stop the others; when the worker
        fails or the user cancels, nothing has changed.

        Args:
            lesionIds: which.
            choice, options: model and settings.
            onProgress: called with the fraction done and words.
            onDone, onError: one of them is called, once, later or at once.
            segmentationNode: for lesions that have none yet; None takes the volume's own or a new
                one.
            allFrames: a segment for every frame, where the volume shows a frame of a sequence.

        Raises:
            MasamError: something is being computed already, or there is no lesion to segment.
        """
        if self.busy:
            raise MasamError("MASAM is still computing. Wait or cancel first.")
        if not lesionIds:
            raise MasamError("There is no lesion to segment. Draw a box around one first.")
        began = time.monotonic()
        with self.lesions.held():
            jobs, reports = self._prepare(lesionIds, allFrames, segmentationNode)
        report = RunReport(reports)
        if not jobs:
            self._finish([], report, began, segmentationNode)
            onDone(report)
            return
        self._running = [job.lesionId for job in jobs]
        for job in jobs:
            self.states[job.lesionId] = ("running", "")
        groups = _byImage(jobs)
        place = {"share": 1 / len(groups), "base": 0.0}

        def onEvent(message: dict[str, Any]) -> None:
            if message["type"] == "progress":
                fraction = place["base"] + place["share"] * float(message["fraction"])
                onProgress(fraction, str(message["text"]))

        def done(outcome: Outcome) -> None:
            report.model = outcome.model
            for job in jobs:
                job.found = outcome.results.get(job.key)
            try:
                self._finish(jobs, report, began, segmentationNode)
            except Exception as error:  # the scene is as it was; the caller must hear of it
                failed(error)
            else:
                onDone(report)

        def failed(error: Exception) -> None:
            self._clearRunning()
            onError(error)

        onProgress(0.0, "starting")
        self._start(_steps(groups, choice, options, place), done, failed, onEvent)

    def measure(
        self,
        lesionIds: Sequence[str],
        onDone: Callable[[int], None],
        onError: Callable[[Exception], None],
    ) -> None:
        """Measure segments as they are now, e.g. after a touch-up by hand.

        Args:
            lesionIds: which; those without a segment are left out.
            onDone: called with the number of segments that were measured.
            onError: see :meth:`segment`.

        Raises:
            MasamError: something is being computed already.
        """
        from masam_core.worker.steps import measure_steps

        if self.busy:
            raise MasamError("MASAM is still computing. Wait or cancel first.")
        wanted = [
            lesion
            for lesion in self._byId(lesionIds)
            if lesion.provenance is not None and lesion.volume is not None
        ]
        results: list[tuple[LesionEntry, dict[str, Any], str]] = []

        def steps() -> Any:
            for lesion in wanted:
                mask, offset = self.lesions.maskOf(lesion)
                values: dict[str, Any] = {"voxels": 0, "volume_ml": 0.0}
                if mask.size:
                    made = lesion.provenance
                    axis = made.options.get("slice_axis") if made is not None else None
                    volume = volumeFromNode(lesion.volume)
                    values = yield from measure_steps(volume, mask, offset, axis)
                results.append((lesion, values, maskDigest(mask, offset)))

        def done(_: Any) -> None:
            for lesion, values, digest in results:
                if lesion.segment is not None and lesion.provenance is not None:
                    tags = replace(lesion.provenance, measurements=values).tags()
                    for name, text in tags.items():
                        lesion.segment.SetTag(name, text)
                    self._measured[lesion.id] = (digest, json.dumps(values))
            onDone(len(results))

        self._start(steps(), done, onError, lambda _: None)

    def unmeasured(self, volumeNode: Any) -> list[LesionEntry]:
        """The volume's lesions that were changed by hand after their numbers were taken."""
        found = []
        for lesion in self.lesions.lesions(volumeNode):
            if lesion.status == EDITED and lesion.provenance is not None:
                # Both: undo brings an old mask back, and with it the numbers of its time.
                now = (self.lesions.digest(lesion), json.dumps(lesion.provenance.measurements))
                if self._measured.get(lesion.id) != now:
                    found.append(lesion)
        return found

    def deleteLesions(self, lesionIds: Sequence[str]) -> None:
        """Remove boxes and segments; undo brings them back.

        Raises:
            MasamError: one of them is being segmented, or locked; nothing was removed.
        """
        found = self._byId(lesionIds)
        for lesion in found:
            if self.busy and lesion.id in self._running:
                raise MasamError(f"'{lesion.name}' is being segmented. Wait or cancel first.")
            if lesion.locked:
                raise MasamError(f"'{lesion.name}' is locked. Unlock it to delete it.")
        names = f"{len(found)} lesions" if len(found) != 1 else found[0].name
        with self.history.step(f"Delete {names}") as touched:
            for lesion in found:
                if lesion.segment is not None:
                    touched.append((lesion.segmentation, str(lesion.segmentId)))
                touched.box(lesion.id)
                self.lesions.remove(lesion)
                self.states.pop(lesion.id, None)

    def ask(
        self,
        kind: str,
        fields: dict[str, Any],
        onDone: Callable[[dict[str, Any]], None],
        onError: Callable[[Exception], None],
        onProgress: OnProgress | None = None,
    ) -> Task:
        """One request of the protocol beside the run, e.g. ``devices`` or ``download_model``."""
        from masam_core.worker.client import Task
        from masam_core.worker.steps import ask_steps

        def onEvent(message: dict[str, Any]) -> None:
            if message["type"] == "progress" and onProgress is not None:
                onProgress(float(message["fraction"]), str(message["text"]))

        return Task(self.client, ask_steps(kind, **fields), onDone, onError, onEvent).start()

    def cancel(self) -> None:
        """Stop at once; the scene is as it was."""
        if self._task is not None:
            self._task.cancel()

    def close(self) -> None:
        """End the worker and let go of the images."""
        self.cancel()
        self.client.close()
        forgetVolumes()

    def sceneClosed(self) -> None:
        """The scene is about to be emptied: stop, and forget what belonged to it."""
        self.cancel()
        self.history.clear()
        self.states.clear()
        self._measured.clear()
        forgetVolumes()

    def pending(self, volumeNode: Any) -> list[LesionEntry]:
        """The volume's lesions that Segment is for: new ones and those whose box has changed.

        Locked and hand-edited segments are left alone unless they are asked for by name.
        """
        return [
            lesion
            for lesion in self.lesions.lesions(volumeNode)
            if lesion.roi is not None and not lesion.locked and lesion.status not in (DONE, EDITED)
        ]

    def _byId(self, lesionIds: Sequence[str]) -> list[LesionEntry]:
        """The lesions that are still there, in the order asked for."""
        with self.lesions.held():
            found = map(self.lesions.lesion, lesionIds)
            return [lesion for lesion in found if lesion is not None]

    def _start(
        self,
        steps: Any,
        done: Callable[[Any], None],
        failed: Callable[[Exception], None],
        onEvent: Callable[[dict[str, Any]], None],
    ) -> None:
        from masam_core.worker.client import Task

        self._task = Task(self.client, steps, done, failed, onEvent)
        self._task.start()

    def _prepare(
        self, lesionIds: Sequence[str], allFrames: bool, segmentationNode: Any
    ) -> tuple[list[_Job], list[LesionReport]]:
        jobs: list[_Job] = []
        reports: list[LesionReport] = []
        for identity in lesionIds:
            lesion = self.lesions.lesion(identity)
            report = LesionReport(identity, lesion.name if lesion else identity)
            reports.append(report)
            try:
                jobs += self._jobsOf(lesion, report, allFrames, segmentationNode)
                self.states.pop(identity, None)
            except MasamError as error:
                report.error = str(error)
                self.states[identity] = ("failed", report.error)
        return jobs, reports

    def _jobsOf(
        self,
        lesion: LesionEntry | None,
        report: LesionReport,
        allFrames: bool,
        segmentationNode: Any,
    ) -> list[_Job]:
        if lesion is None:
            raise MasamError("This lesion is not in the scene any more.")
        if lesion.volume is None:
            raise MasamError(f"The volume of '{lesion.name}' is not in the scene any more.")
        if lesion.locked:
            raise MasamError(f"'{lesion.name}' is locked. Unlock it to segment it again.")
        lesions = self.lesions.lesions()
        target = segmentationFor(lesion, lesion.volume, lesions, [segmentationNode])
        if segmentationNode is not None and (target is None or target is not lesion.segmentation):
            requireOwn(segmentationNode, lesion.volume, lesions)  # what was chosen is not changed
        if target is not None:
            requireWritable(target, lesion.volume)
        frames = framesOf(lesion.volume) if allFrames else []
        jobs = []
        for number, node in enumerate(frames or [lesion.volume]):
            image = volumeFromNode(node)
            corners = self._corners(lesion)
            box = BoxPrompt(image.geometry.ijk_from_lps(corners), lesion.name)
            box.slice_boxes(image.geometry.canonical_frame())  # told now, if it lies outside
            jobs.append(
                _Job(
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

    def _corners(self, lesion: LesionEntry) -> Any:
        """Corners of the ROI; of the box that made the segment where the ROI was deleted."""
        if lesion.roi is None and lesion.provenance is not None:
            return lesion.provenance.corners
        return prompts.cornersInVolume(lesion.roi, lesion.volume)

    def _finish(
        self,
        jobs: list[_Job],
        report: RunReport,
        began: float,
        segmentationNode: Any,
    ) -> None:
        """Write what was found, all in one step; when that fails, nothing has changed."""
        report.seconds = time.monotonic() - began
        self._clearRunning()
        names = [job.report.name for job in jobs if job.found is not None]
        title = f"Segment {names[0]}" if len(set(names)) == 1 else f"Segment {len(names)} lesions"
        targets: dict[str, Any] = {}
        created: list[Any] = []
        try:
            with self.history.step(title) as touched:
                for job in jobs:
                    try:
                        self._commit(job, report, touched, targets, created, segmentationNode)
                    except MasamError as error:  # this one only; writing a segment is all or none
                        job.report.error = str(error)
        except BaseException:
            for node in created:
                self.scene.RemoveNode(node)
            raise
        for job in jobs:
            if job.report.error:
                self.states[job.lesionId] = ("failed", job.report.error)

    def _commit(
        self,
        job: _Job,
        report: RunReport,
        touched: Touched,
        targets: dict[str, Any],
        created: list[Any],
        segmentationNode: Any,
    ) -> None:
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
        own, chosen = lesion.segmentation, [targets.get(job.volumeId), segmentationNode]
        target = segmentationFor(lesion, volumeNode, lesions, chosen)
        if target is None:
            target = newSegmentation(volumeNode, f"{volumeNode.GetName()} lesions")
            created.append(target)
        targets[job.volumeId] = target
        requireWritable(target, volumeNode)
        notes = list(found.messages)
        if own is not None and target is not own:
            other = otherVolume(own, volumeNode, lesions)
            notes.append(
                f"'{own.GetName()}' belongs to {other}, so the result is in '{target.GetName()}'."
            )
        job.report.notes += [note for note in notes if note not in job.report.notes]
        made = self._provenance(job, lesion, found, report)
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

    def _provenance(
        self, job: _Job, lesion: LesionEntry, found: Lesion, report: RunReport
    ) -> Provenance:
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
        )

    def _clearRunning(self) -> None:
        for identity in self._running:
            if self.states.get(identity, ("", ""))[0] == "running":
                del self.states[identity]
        self._running = []


def _byImage(jobs: list[_Job]) -> list[list[_Job]]:
    groups: dict[int, list[_Job]] = {}
    for job in jobs:
        groups.setdefault(id(job.image), []).append(job)
    return list(groups.values())


def _steps(
    groups: list[list[_Job]],
    choice: ModelChoice,
    options: SegmentOptions,
    place: dict[str, float],
) -> Any:
    """Image after image; the result is the last outcome, with the lesions of all."""
    from masam_core.worker.steps import segment_steps

    outcome = None
    results: dict[str, Result] = {}
    for number, jobs in enumerate(groups):
        place["base"] = number * place["share"]
        boxes = [(job.key, job.box) for job in jobs]
        outcome = yield from segment_steps(choice, jobs[0].image, boxes, options)
        results |= outcome.results
    if outcome is not None:
        outcome.results.update(results)
        outcome.model.update(options=options.to_dict())
    return outcome
