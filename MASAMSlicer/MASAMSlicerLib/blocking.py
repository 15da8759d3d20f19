"""A session that waits: for scripts, self-tests and Slicer without a main window."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from . import workerprocess
from .session.reports import RunReport
from .session.session import Session
from .session.whole import WholeReport

if TYPE_CHECKING:
    from masam_core.inference.options import SegmentOptions
    from masam_core.worker.steps import ModelChoice
    from masam_core.worker.subprocess_transport import SubprocessTransport

R = TypeVar("R")
OnError = Callable[[Exception], None]


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

        def begin(
            onDone: Callable[[RunReport], None], onError: Callable[[Exception], None]
        ) -> None:
            self.segment(
                lesionIds,
                choice or ModelChoice(),
                options or SegmentOptions(),
                lambda *_: None,
                onDone,
                onError,
                segmentationNode,
                allFrames,
                extend=extend,
            )

        return self._ended(begin, seconds)

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

        def begin(onDone: Callable[[WholeReport], None], onError: OnError) -> None:
            self.segmentAll(
                volumeNode,
                choice,
                options or SegmentOptions(),
                lambda *_: None,
                onDone,
                onError,
                classes,
                segmentationNode,
            )

        return self._ended(begin, seconds)

    def _ended(
        self,
        begin: Callable[[Callable[[R], None], OnError], None],
        seconds: float,
    ) -> R:
        """Begin a run, wait for its end, and return its report or raise its error."""
        reports: list[R] = []
        errors: list[Exception] = []
        begin(reports.append, errors.append)
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
