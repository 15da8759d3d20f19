"""A check of the whole installation, beside everything else that a program does."""

from __future__ import annotations

import platform
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from masam_core.check.report import Report, last_lines
from masam_core.installation.finding import Finding, State, guarded
from masam_core.installation.python import (
    FOR_PROGRAM,
    MSGPACK,
    check_masam,
    check_packages,
    check_python,
)

if TYPE_CHECKING:
    from masam_core.check.steps import Gathered
    from masam_core.worker.client import Task, Transport, WorkerClient

ANSWER_SECONDS = 120.0  # for the worker's first word; ssh to a busy machine takes a while
NO_ANSWER = (
    "Is the worker command right? It must neither ask for a password nor wait for anything else; "
    "try it in a terminal."
)


@dataclass(frozen=True)
class Plan:
    """What is to be checked.

    Attributes:
        program: who asks, for example ``3D Slicer 5.10.0``.
        model: the chosen model.
        device: as chosen.
        elsewhere: whether the worker is started by a command of the user's.
    """

    program: str
    model: str = "bundled"
    device: str = "auto"
    elsewhere: bool = False


class CheckRun:
    """A check with a worker of its own, so that nothing of the user's is disturbed.

    It holds no thread and never waits: the transport's events drive it, and :meth:`tick`.

    Args:
        plan: what is to be checked.
        make_transport: a new transport to a worker, not yet started; may raise MasamError.
        on_done: called once with the report: at the end, after :meth:`cancel`, or when the worker
            fails.

    Attributes:
        fraction: how much is done, in [0, 1].
        words: what is going on.
        finished: whether the report has been handed over.
    """

    def __init__(
        self,
        plan: Plan,
        make_transport: Callable[[], Transport],
        on_done: Callable[[Report], None],
    ) -> None:
        self.plan = plan
        self.fraction, self.words, self.finished = 0.0, "looking at this program", False
        self._make_transport, self._on_done = make_transport, on_done
        self._own: list[Finding] = []
        self._gathered: Gathered | None = None
        self._client: WorkerClient | None = None
        self._task: Task | None = None
        self._base, self._share = 0.0, 0.0
        self._began = 0.0

    @property
    def seconds(self) -> float:
        """Since the start."""
        return time.monotonic() - self._began

    def start(self) -> None:
        """Look at this program, then start the worker and return."""
        self._began = time.monotonic()
        self._own = [
            check_masam(),
            guarded("Python", check_python),
            guarded("Packages", lambda: check_packages(FOR_PROGRAM)),
        ]
        try:
            from masam_core.check.steps import Gathered, check_steps
            from masam_core.worker.client import Task, WorkerClient
        except ImportError:  # msgpack or numpy, which the packages' finding names
            self._finish()
            return
        self._gathered = Gathered()
        try:
            transport = self._make_transport()
        except Exception as error:  # a command that can't be read
            self._fail(error)
            return
        waiting = [transport]
        # One start only: a worker that has died says so in the report.
        self._client = WorkerClient(lambda: waiting.pop() if waiting else self._make_transport())
        steps = check_steps(self._gathered, self.plan.model, self.plan.device, self._stage)
        self._task = Task(self._client, steps, self._ended, self._fail, self._event)
        self._task.start()

    def tick(self) -> None:
        """Give up on a worker that does not answer; to be called now and then."""
        if self.finished or self._gathered is None or self._gathered.findings:
            return
        if self.seconds > ANSWER_SECONDS:
            words = f"The worker did not answer within {ANSWER_SECONDS:.0f} s."
            self._gathered.findings.append(Finding("Worker", State.PROBLEM, words, NO_ANSWER))
            self._finish()

    def cancel(self) -> None:
        """Stop; the report tells what was found until then."""
        if not self.finished:
            self._finish(stopped=f"{self.words}, {self.seconds:.0f} s after the start")

    def _stage(self, base: float, share: float, words: str) -> None:
        self._base, self._share = base, share
        self.fraction, self.words = base, words

    def _event(self, message: dict[str, Any]) -> None:
        if message["type"] == "progress":
            self.fraction = self._base + self._share * float(message["fraction"])
            self.words = f"{self.words.split(':')[0]}: {message['text']}"

    def _ended(self, _result: Any) -> None:
        self._finish()

    def _fail(self, error: Exception) -> None:
        if self.finished or self._gathered is None:
            return
        answered = bool(self._gathered.findings)
        # What the client says about the scene and the next request does not belong here.
        words = (str(error) or type(error).__name__).partition(" Nothing has been changed;")[0]
        advice = _advice(getattr(error, "code", ""), answered, self._log())
        self._gathered.findings.append(Finding("Worker", State.PROBLEM, words, advice))
        self._finish()

    def _log(self) -> tuple[str, ...]:
        return tuple(self._client.log) if self._client is not None else ()

    def _finish(self, stopped: str = "") -> None:
        if self.finished:
            return
        self.finished, self.fraction = True, 1.0
        if self._task is not None and not self._task.finished:
            self._task.cancel()
        report = self._report(stopped)
        if self._client is not None:
            self._client.close()
        self._on_done(report)

    def _report(self, stopped: str) -> Report:
        here = (f"This program: {self.plan.program}", tuple(self._own))
        if self._gathered is None:
            lacking = Finding(
                "Worker",
                State.SKIPPED,
                f"Not started: without {MSGPACK.name} this program can't talk to it.",
            )
            return Report((here, ("The worker", (lacking,))), stopped)
        found = tuple(finding.without_names() for finding in self._gathered.findings)
        wrong = any(f.title == "Worker" and f.state is State.PROBLEM for f in found)
        log = last_lines(self._log()) if wrong else ()
        return Report((here, (self._place(self._gathered.host), found)), stopped, log)

    def _place(self, host: str) -> str:
        if not self.plan.elsewhere:
            return "The worker: on this machine, as it comes"
        if not host:
            return "The worker: started by a command of yours"
        if host == platform.node():
            return "The worker: on this machine, started by a command of yours"
        return "The worker: on another machine, started by a command of yours"


def _advice(code: str, answered: bool, log: tuple[str, ...]) -> str:
    """What the worker's end calls for."""
    if code == "version":
        return ""  # the message says it
    if answered:
        return "Too little memory is the usual reason: close other programs, and check again."
    for line in reversed(log):
        found = re.search(r"No module named '?(\w+)", line)
        if found is not None and found[1] == "masam_core":
            return "Install MASAM in the Python that the worker command starts."
        if found is not None:
            return f"Install {found[1]} in the worker's Python: python -m pip install {found[1]}"
    return NO_ANSWER
