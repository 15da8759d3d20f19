"""Lesions to segments: asks the worker, and changes the scene in one step at the end."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from masam_core.errors import MasamError

from ..scene.handles import MoveHandles
from ..scene.history import History
from ..scene.lesions import DONE, EDITED, NEW, LesionEntry, LesionList
from ..scene.placing import isDrawn
from ..scene.visibility import Visibility
from ..scene.volumes import forgetVolumes, volumeFromNode
from .asking import jobSteps
from .commit import Commit
from .jobs import Job, byImage, jobsOf
from .measuring import Measuring
from .reports import LesionReport, RunReport
from .whole import WholeCommit, WholeReport

if TYPE_CHECKING:
    from masam_core.inference.options import SegmentOptions
    from masam_core.worker.automatic import WholeOutcome
    from masam_core.worker.client import Task, Transport
    from masam_core.worker.steps import ModelChoice, Outcome

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
        self._measuring = Measuring(self.lesions)
        self._task: Task | None = None
        self._running: list[str] = []
        self._whole = False  # a volume is being segmented without prompts

    @property
    def busy(self) -> bool:
        """Whether something is being computed."""
        return self._task is not None and not self._task.finished

    @property
    def segmenting(self) -> bool:
        """Whether lesions or a whole volume are segmented; measuring alone does not count."""
        running = any(word == "running" for word, _ in self.states.values())
        return self.busy and (self._whole or running)

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
        beside: bool = True,
        extend: tuple[str, ...] = (),
    ) -> None:
        """Segment lesions. The scene changes once, at the end, in one step that can be undone.

        A lesion that can't be segmented is reported and does not stop the others; when the worker
        fails or the user cancels, nothing has changed.

        Args:
            lesionIds: which.
            choice, options: model and settings.
            onProgress: called with the fraction done and words.
            onDone, onError: one of them is called, once, later or at once.
            segmentationNode: for lesions that have none yet; None takes that of the volume's
                other lesions, or a new one.
            allFrames: a segment for every frame, where the volume shows a frame of a sequence.
            beside: False for a new segmentation, where None was chosen, even if there is one that
                the volume's other lesions are in.
            extend: words of ``masam_core.lesion.cut.Side``: the sides at which boxes are extended
                until they cut the lesion off no more.

        Raises:
            MasamError: something is being computed already, or there is no lesion to segment.
        """
        if self.busy:
            raise MasamError("MASAM is still computing. Wait or cancel first.")
        if not lesionIds:
            raise MasamError("There is no lesion to segment. Draw a box around one first.")
        began = time.monotonic()
        with self.lesions.held():
            jobs, reports = self._prepare(lesionIds, allFrames, segmentationNode, beside, extend)
        report = RunReport(reports)
        if not jobs:
            self._finish([], report, began, segmentationNode, beside)
            onDone(report)
            return
        self._running = [job.lesionId for job in jobs]
        for job in jobs:
            self.states[job.lesionId] = ("running", "")
        groups = byImage(jobs)
        image = 0  # the number of the one that is being worked on

        def onEvent(message: dict[str, Any]) -> None:
            if message["type"] == "progress":
                fraction = (image + float(message["fraction"])) / len(groups)
                onProgress(fraction, str(message["text"]))

        def onImage(number: int) -> None:
            nonlocal image
            image = number

        def done(outcome: Outcome) -> None:
            report.model = outcome.model
            for job in jobs:
                job.found = outcome.results.get(job.key)
            try:
                self._finish(jobs, report, began, segmentationNode, beside)
            except Exception as error:  # the scene is as it was; the caller must hear of it
                failed(error)
            else:
                onDone(report)

        def failed(error: Exception) -> None:
            self._clearRunning()
            onError(error)

        onProgress(0.0, "starting")
        self._start(jobSteps(groups, choice, options, onImage), done, failed, onEvent)

    def segmentAll(
        self,
        volumeNode: Any,
        choice: ModelChoice,
        options: SegmentOptions,
        onProgress: OnProgress,
        onDone: Callable[[WholeReport], None],
        onError: Callable[[Exception], None],
        classes: Sequence[str] = (),
        segmentationNode: Any = None,
    ) -> None:
        """Segment a whole volume without prompts: a segment a class, in one step to be undone.

        A class that is not found gets no segment, which the report says; when the worker fails or
        the user cancels, nothing has changed.

        Args:
            volumeNode: the volume.
            choice: an automatic model, and device.
            options: quality, slice axis and plane of diameters count.
            onProgress: called with the fraction done and words.
            onDone, onError: one of them is called, once, later or at once.
            classes: names of those that are wanted; empty for all.
            segmentationNode: for the result; None takes that of an earlier run of the same model
                on this volume, or a new one.

        Raises:
            MasamError: something is being computed already, or a volume that can't be segmented.
        """
        from masam_core.worker.automatic import automatic_steps

        if self.busy:
            raise MasamError("MASAM is still computing. Wait or cancel first.")
        began, image = time.monotonic(), volumeFromNode(volumeNode)
        report = WholeReport(volumeNode.GetName())
        commit = WholeCommit(
            *(self.scene, self.lesions, self.history),
            *(volumeNode.GetID(), image, segmentationNode),
        )

        def onEvent(message: dict[str, Any]) -> None:
            if message["type"] == "progress":
                onProgress(float(message["fraction"]), str(message["text"]))

        def done(outcome: WholeOutcome) -> None:
            self._whole = False
            outcome.model.update(options=options.to_dict())
            try:
                commit.write(outcome, report)
            except Exception as error:  # the scene is as it was; the caller must hear of it
                onError(error)
                return
            report.seconds = time.monotonic() - began
            onDone(report)

        def failed(error: Exception) -> None:
            self._whole = False
            onError(error)

        self._whole = True
        onProgress(0.0, "starting")
        self._start(automatic_steps(choice, image, options, classes), done, failed, onEvent)

    def measure(
        self,
        lesionIds: Sequence[str],
        onDone: Callable[[int], None],
        onError: Callable[[Exception], None],
        plane: str | None = None,
    ) -> None:
        """Measure segments as they are now, e.g. after a touch-up by hand.

        Args:
            lesionIds: which; those without a segment are left out.
            onDone: called with the number of segments that were measured.
            onError: see :meth:`segment`.
            plane: in which diameters are taken, a word of ``DiameterPlane``; None keeps each
                lesion's own.

        Raises:
            MasamError: something is being computed already.
        """
        if self.busy:
            raise MasamError("MASAM is still computing. Wait or cancel first.")

        def done(results: Any) -> None:
            self._measuring.write(results)
            onDone(len(results))

        steps = self._measuring.steps(self._byId(lesionIds), plane)
        self._start(steps, done, onError, lambda _: None)

    def unmeasured(self, volumeNode: Any, plane: str | None = None) -> list[LesionEntry]:
        """The volume's lesions whose numbers are of another mask, or of another plane if given."""
        return self._measuring.outdated(volumeNode, plane)

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
        self._measuring.clear()
        self.lesions.forget()
        forgetVolumes()

    def pending(self, volumeNode: Any) -> list[LesionEntry]:
        """The volume's lesions that Segment is for: new ones and those whose prompts have changed.

        Locked and hand-edited segments are left alone unless they are asked for by name, or by
        another correction, which respects the hand's work.
        """
        return [
            lesion
            for lesion in self.lesions.lesions(volumeNode)
            if lesion.roi is not None
            and not lesion.locked
            and (lesion.prompts or lesion.status != NEW or isDrawn(lesion.roi))
            and lesion.status != DONE
            and (lesion.status != EDITED or lesion.asks)
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
        self,
        lesionIds: Sequence[str],
        allFrames: bool,
        segmentationNode: Any,
        beside: bool,
        extend: tuple[str, ...],
    ) -> tuple[list[Job], list[LesionReport]]:
        jobs: list[Job] = []
        reports: list[LesionReport] = []
        for identity in lesionIds:
            lesion = self.lesions.lesion(identity)
            report = LesionReport(identity, lesion.name if lesion else "A lesion")
            reports.append(report)
            try:
                jobs += jobsOf(
                    self.lesions, lesion, report, allFrames, segmentationNode, beside, extend
                )
                self.states.pop(identity, None)
            except MasamError as error:
                report.error = str(error)
                self.states[identity] = ("failed", report.error)
        return jobs, reports

    def _finish(
        self,
        jobs: list[Job],
        report: RunReport,
        began: float,
        segmentationNode: Any,
        beside: bool,
    ) -> None:
        """Write what was found, all in one step; when that fails, nothing has changed."""
        report.seconds = time.monotonic() - began
        self._clearRunning()
        Commit(self.scene, self.lesions, self.history, segmentationNode, beside).write(jobs, report)
        for job in jobs:
            if job.report.error:
                self.states[job.lesionId] = ("failed", job.report.error)

    def _clearRunning(self) -> None:
        for identity in self._running:
            if self.states.get(identity, ("", ""))[0] == "running":
                del self.states[identity]
        self._running = []
