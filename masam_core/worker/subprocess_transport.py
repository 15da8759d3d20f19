"""The worker as a child process of a program without an event loop."""

from __future__ import annotations

import contextlib
import queue
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from masam_core.process_tree import kill_tree
from masam_core.worker.client import Steps, Task, WorkerClient
from masam_core.worker.protocol import Message

KILL_AFTER_SECONDS = 3.0


class SubprocessTransport:
    """Pipes to a child process; what it says is delivered by :meth:`pump`, on the caller's thread.

    Bytes are written by a thread: a process that is stopped, or still loading its libraries, reads
    nothing, and its pipe holds less than a part of a volume. It alone closes the pipe, too.

    Args:
        command: program and arguments.
        environment: of the process; None is this one's.
    """

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str] | None = None
    ) -> None:
        self._command = list(command)
        self._environment = dict(environment) if environment is not None else None
        self._events: queue.Queue[tuple[str, Any]] = queue.Queue()
        self._outgoing: queue.Queue[bytes | None] = queue.Queue()  # None: nothing more comes
        self._later: list[tuple[float, Callable[[], None]]] = []
        self.process: subprocess.Popen[bytes] | None = None
        self.on_output: Callable[[bytes], None] = lambda _: None
        self.on_log: Callable[[bytes], None] = lambda _: None
        self.on_closed: Callable[[int | None], None] = lambda _: None

    def start(self) -> None:
        """Start the process; OSError when it can't be started."""
        self.process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self._environment,
            bufsize=0,
        )
        for target, arguments in (
            (self._read, ("log", self.process.stderr)),
            (self._read, ("output", self.process.stdout)),
            (self._write, (self.process,)),
            (self._watch, (self.process,)),
        ):
            threading.Thread(target=target, args=arguments, daemon=True).start()

    def write(self, data: bytes) -> None:
        """Send bytes to its standard input, in order, a little later; never waits."""
        self._outgoing.put(data)

    def stop(self) -> None:
        """Close its input, so that it ends by itself, and kill it if it does not.

        With everything that it has started: it may be a launcher.
        """
        self._outgoing.put(None)
        if self.process is None:
            return
        try:
            self.process.wait(KILL_AFTER_SECONDS)
        except subprocess.TimeoutExpired:
            kill_tree(self.process.pid)
            self.process.wait()

    def pump(self, seconds: float) -> None:
        """Deliver what has come; wait at most so long for something."""
        first = min((due for due, _ in self._later), default=float("inf"))
        try:
            wait = max(0.0, min(seconds, first - time.monotonic()))
            self.dispatch(*self._events.get(timeout=wait))
        except queue.Empty:
            pass
        now = time.monotonic()
        due = [call for when, call in self._later if when <= now]
        self._later = [item for item in self._later if item[0] > now]
        for call in due:
            call()

    def call_later(self, seconds: float, call: Callable[[], None]) -> None:
        """Call once after so long, from :meth:`pump`."""
        self._later.append((time.monotonic() + seconds, call))

    def deliver(self, kind: str, data: Any) -> None:
        """Take what a reading thread has got, for :meth:`pump`; on that thread."""
        self._events.put((kind, data))

    def dispatch(self, kind: str, data: Any) -> None:
        """Tell the client; on the client's thread."""
        if kind == "closed":
            self.on_closed(data)
        elif kind == "log":
            self.on_log(data)
        else:
            self.on_output(data)

    def _watch(self, process: subprocess.Popen[bytes]) -> None:
        """Tell a worker whose launcher has died: it has the pipes still, and would go on."""
        process.wait()
        self._outgoing.put(None)

    def _write(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None
        # OSError: the process has ended, as the reading threads say, too.
        with contextlib.suppress(OSError), process.stdin as pipe:
            while (data := self._outgoing.get()) is not None:
                view = memoryview(data)
                while view:
                    view = view[pipe.write(view) :]

    def _read(self, kind: str, pipe: Any) -> None:
        while data := pipe.read(1 << 20):
            self.deliver(kind, data)
        if kind == "output":
            assert self.process is not None
            self.deliver("closed", self.process.wait())


class BlockingWorker:
    """A worker for programs that wait: the command line, scripts, Slicer without a window.

    Args:
        command, environment: see :class:`SubprocessTransport`.
    """

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str] | None = None
    ) -> None:
        self.transport: SubprocessTransport | None = None

        def make() -> SubprocessTransport:
            self.transport = SubprocessTransport(command, environment)
            return self.transport

        self.client = WorkerClient(make)

    def run(
        self,
        steps: Steps,
        on_event: Callable[[Message], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
        seconds: float | None = None,
    ) -> Any:
        """Run a task to its end.

        Raises:
            WorkerError: what the worker refused, or its death.
            Cancelled: ``cancelled`` said so.
            TimeoutError: it took longer than ``seconds``.
        """
        results: list[Any] = []
        errors: list[Exception] = []
        task = Task(self.client, steps, results.append, errors.append, on_event)
        task.start()
        deadline = None if seconds is None else time.monotonic() + seconds
        while not task.finished:
            if cancelled is not None and cancelled():
                task.cancel()
            elif deadline is not None and time.monotonic() > deadline:
                task.cancel()
                raise TimeoutError(f"The worker did not answer within {seconds} seconds.")
            else:
                self.pump(0.05)
        if errors:
            raise errors[0]
        return results[0]

    def pump(self, seconds: float) -> None:
        """Deliver what the worker has said."""
        if self.transport is not None:
            self.transport.pump(seconds)

    def close(self) -> None:
        """End the worker."""
        self.client.close()
        self.transport = None
