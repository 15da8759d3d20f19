"""A session that waits: for scripts, self-tests and Slicer without a main window."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from . import workerprocess
from .session.reports import RunReport
from .session.session import Session
from .session.whole import WholeReport

if TYPE_CHECKING:
    from masam_core.inference.options import SegmentOptions
    from masam_core.worker.steps import ModelChoice
    from masam_core.worker.subprocess_transport import SubprocessTransport

Report = TypeVar("Report")


class BlockingSession(Session):
    """A :class:`Session` with a worker process that is waited for; a context manager.

    Args:
        scene: vtkMRMLScene.
        command: of the worker; None is the one on this machine.
    """

    def __init__(self, scene: Any, command: Sequence[str] | None = None) -> None:
        self.transport: SubprocessTransport | None = None

        def make() -> SubprocessTransport:
            from masam_core.worker.subprocess_transport import SubprocessTransport

            self.transport = SubprocessTransport(
                command or workerprocess.defaultCommand(), workerprocess.workerEnvironment()
            )
            return self.transport

        super().__init__(scene, make)

    def __enter__(self) -> BlockingSession:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def segmentNow(
        self,
        lesionIds: Sequence[str],
        choice: ModelChoice | None = None,
        options: SegmentOptions | None = None,
        segmentationNode: Any = None,
        allFrames: bool = False,
        seconds: float = 3600.0,
        extend: tuple[str, ...] = (),
    ) -> RunReport:
        """Segment and wait.

        Raises:
            MasamError, Cancelled: see :meth:`Session.segment`; nothing has changed.
            TimeoutError: it took longer than ``seconds``.
        """
        from masam_core.inference.options import SegmentOptions
        from masam_core.worker.steps import ModelChoice

        reports: list[RunReport] = []
        errors: list[Exception] = []
        self.segment(
            lesionIds,
            choice or ModelChoice(),
            options or SegmentOptions(),
            lambda *_: None,
            reports.append,
            errors.append,
            segmentationNode,
            allFrames,
            extend=extend,
        )
        return self._ended(reports, errors, seconds)

    def segmentAllNow(
        self,
        volumeNode: Any,
        choice: ModelChoice,
        options: SegmentOptions | None = None,
        classes: Sequence[str] = (),
        segmentationNode: Any = None,
        seconds: float = 3600.0,
    ) -> WholeReport:
        """Segment a whole volume without prompts and wait.

        Raises:
            MasamError, Cancelled: see :meth:`Session.segmentAll`; nothing has changed.
            TimeoutError: it took longer than ``seconds``.
        """
        from masam_core.inference.options import SegmentOptions

        reports: list[WholeReport] = []
        errors: list[Exception] = []
        self.segmentAll(
            volumeNode,
            choice,
            options or SegmentOptions(),
            lambda *_: None,
            reports.append,
            errors.append,
            classes,
            segmentationNode,
        )
        return self._ended(reports, errors, seconds)

    def _ended(self, reports: list[Report], errors: list[Exception], seconds: float) -> Report:
        """What a run has reported once it has ended; its error is raised."""
        self.wait(seconds)
        if errors:
            raise errors[0]
        return reports[0]

    def wait(self, seconds: float = 3600.0) -> None:
        """Until nothing is being computed any more; TimeoutError."""
        deadline = time.monotonic() + seconds
        while self.busy:
            if time.monotonic() > deadline:
                self.cancel()
                raise TimeoutError(f"Not done within {seconds:.0f} seconds.")
            self.pump(0.05)

    def pump(self, seconds: float) -> None:
        """Deliver what the worker has said; wait at most so long for something."""
        if self.transport is not None:
            self.transport.pump(seconds)
