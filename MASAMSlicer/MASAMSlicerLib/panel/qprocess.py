"""The worker as a QProcess: its answers arrive as Qt events, so that nothing ever waits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import qt

from masam_core.process_tree import kill_tree

START_MS = 10_000
END_MS = 1_500
_ended: list[qt.QProcess] = []  # kept until no signal of theirs can be on its way any more


class QProcessTransport:
    """Pipes to a child process for ``masam_core.worker.client.WorkerClient``.

    Args:
        command: program and arguments.
        environment: of the process.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._command = list(command)
        self._environment = dict(environment)
        self._process: qt.QProcess | None = None
        self.on_output: Callable[[bytes], None] = lambda _: None
        self.on_log: Callable[[bytes], None] = lambda _: None
        self.on_closed: Callable[[int | None], None] = lambda _: None

    def start(self) -> None:
        """Start the process; OSError when it can't be started."""
        process = qt.QProcess()
        environment = qt.QProcessEnvironment()
        for name, value in self._environment.items():
            environment.insert(name, value)
        process.setProcessEnvironment(environment)
        process.connect("readyReadStandardOutput()", self._onOutput)
        process.connect("readyReadStandardError()", self._onLog)
        process.connect("finished(int,QProcess::ExitStatus)", self._onFinished)
        process.start(self._command[0], self._command[1:])
        self._process = process
        if not process.waitForStarted(START_MS):
            self._process = None
            raise OSError(f"{self._command[0]}: {process.errorString()}")

    def write(self, data: bytes) -> None:
        """Send bytes to its standard input; Qt keeps what the pipe does not take at once."""
        if self._process is not None:
            self._process.write(qt.QByteArray(data))

    def stop(self) -> None:
        """Close its input, at which the worker ends by itself, and kill it if it does not.

        With everything that it has started: PythonSlicer is a launcher, and Python lives below it.
        """
        process, self._process = self._process, None
        if process is None:
            return
        _letGo(process)
        process.closeWriteChannel()
        if not process.waitForFinished(END_MS):
            kill_tree(int(process.processId()))
            process.waitForFinished(END_MS)

    def call_later(self, seconds: float, call: Callable[[], None]) -> None:
        """Call once after so long, on Qt's thread."""
        qt.QTimer.singleShot(int(1000 * seconds), call)

    def _onOutput(self) -> None:
        if self._process is not None:
            self.on_output(_bytes(self._process.readAllStandardOutput()))

    def _onLog(self) -> None:
        if self._process is not None:
            self.on_log(_bytes(self._process.readAllStandardError()))

    def _onFinished(self, code: int, _status: object = None) -> None:
        if self._process is None:
            return
        self._onOutput()
        self._onLog()
        process, self._process = self._process, None
        if process is not None:  # else what it said last has stopped it
            _letGo(process)
            self.on_closed(int(code))


def _letGo(process: qt.QProcess) -> None:
    """Forget a process a moment later: what its own signal has called must not delete it.

    Its last words may lead to its end, and Qt goes on with it once they have been heard.
    """
    _ended.append(process)
    qt.QTimer.singleShot(0, lambda: _ended.remove(process))


def _bytes(array: object) -> bytes:
    """A QByteArray's bytes."""
    return bytes(array.data())  # type: ignore[attr-defined]
