"""Workers that are started by a launcher, as in the application: no Python is left behind."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from masam_core.worker.client import Task, WorkerClient
from masam_core.worker.protocol import PROTOCOL
from masam_core.worker.steps import ask_steps
from masam_core.worker.subprocess_transport import SubprocessTransport

SECONDS = 90.0


class Running:
    """A worker that has said hello.

    Attributes:
        python: process of the worker proper.
        launcher: process above it.
    """

    def __init__(self, make: Callable[[], Any], work: Callable[[Any, float], None]) -> None:
        self.transport: Any = None
        self.work = work
        self.errors: list[Exception] = []

        def keep() -> Any:
            self.transport = make()
            return self.transport

        self.client = WorkerClient(keep)
        Task(
            self.client, ask_steps("hello", protocol=PROTOCOL), lambda _: None, self.errors.append
        ).start()
        self.until(lambda: self.client.hello is not None)
        assert self.client.hello is not None
        self.python = int(self.client.hello["pid"])
        self.launcher = int(
            Path(f"/proc/{self.python}/stat").read_text().rsplit(")", 1)[1].split()[1]
        )

    def until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + SECONDS
        while not condition():
            assert time.monotonic() < deadline, "it did not come so far"
            self.work(self.transport, 0.05)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture(params=["subprocess", "qprocess", "loop"])
def running(request: pytest.FixtureRequest, harness: Any) -> Iterator[Running]:
    if not Path("/proc").is_dir():
        pytest.skip("looks at processes in /proc")
    from MASAMSlicerLib import workerprocess as worker

    command, environment = worker.defaultCommand(), worker.workerEnvironment()
    if request.param == "subprocess":
        made = Running(
            lambda: SubprocessTransport(command, environment),
            lambda transport, seconds: transport.pump(seconds),
        )
    elif request.param == "qprocess":
        harness.loadModule(Path(worker.__file__).parents[1] / "MASAMSlicer.py", ("MASAMSlicerLib",))
        from MASAMSlicerLib.panel.qprocess import QProcessTransport

        made = Running(
            lambda: QProcessTransport(command, environment),
            lambda _, seconds: harness.process(seconds),
        )
    else:
        from masam_workbench.front.transport import LoopTransport

        loop = asyncio.new_event_loop()
        made = Running(
            lambda: LoopTransport(command, environment, loop),
            lambda _, seconds: loop.run_until_complete(asyncio.sleep(seconds)),
        )
    yield made
    for pid in (made.python, made.launcher):
        if alive(pid):
            os.kill(pid, signal.SIGKILL)
    made.client.close()


def test_stopping_leaves_no_python_though_it_hangs(running: Running) -> None:
    assert running.launcher != os.getpid()
    os.kill(running.python, signal.SIGSTOP)  # hears nothing, not even the end of its input
    running.client.close()
    running.until(lambda: not alive(running.python) and not alive(running.launcher))


def test_a_killed_launcher_is_told_and_the_python_below_it_ends(running: Running) -> None:
    Task(
        running.client,
        ask_steps("load_model", model="bundled", device="cpu"),
        lambda _: None,
        running.errors.append,
    ).start()
    os.kill(running.launcher, signal.SIGKILL)
    running.until(lambda: bool(running.errors))
    assert "ended unexpectedly" in str(running.errors[0])
    running.until(lambda: not alive(running.python))


@pytest.mark.parametrize("how", ["stopped by its words", "ended by itself"])
def test_a_process_outlives_the_signal_that_ends_it(harness: Any, how: str) -> None:
    """Qt goes on with it after the signal; deleted by then, it ends the whole application."""
    from MASAMSlicerLib import workerprocess as worker

    harness.loadModule(Path(worker.__file__).parents[1] / "MASAMSlicer.py", ("MASAMSlicerLib",))
    from MASAMSlicerLib.panel.qprocess import QProcessTransport

    events: list[str] = []
    command = [worker.pythonExecutable(), "-c", "print('words', flush=True); input()"]
    transport = QProcessTransport(command, worker.workerEnvironment())

    def heard(_data: bytes) -> None:
        if how.startswith("stopped"):
            transport.stop()
            events.append("told")
        else:
            transport.write(b"go\n")

    def closed(_code: int | None) -> None:
        events.append("told")

    transport.on_output, transport.on_closed = heard, closed
    transport.start()
    transport._process.destroyed.connect(lambda *_: events.append("deleted"))
    harness.process(lambda: len(events) == 2, SECONDS)
    assert events == ["told", "deleted"]


def test_what_is_put_off_comes_by_the_clock_on_the_thread_of_the_answers(running: Running) -> None:
    called: list[int] = []
    running.transport.call_later(0.05, lambda: called.append(threading.get_ident()))
    assert not called
    running.until(lambda: bool(called))
    assert called == [threading.get_ident()]
