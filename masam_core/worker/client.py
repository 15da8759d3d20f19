"""Asking the worker, from an event loop (Qt) or from a plain program; needs no torch.

The client holds no thread and never waits: a transport hands it bytes, it hands back answers
through callbacks. A :class:`Task` runs a generator of requests (``masam_core.worker.steps``).
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from masam_core.errors import Cancelled, MasamError
from masam_core.worker.protocol import PROTOCOL, Decoder, Message, ProtocolError, encode

LOG_LINES = 400
GRACE_SECONDS = 15.0  # for a worker that was told to cancel, before it is taken for hung


class WorkerError(MasamError):
    """The worker refused or failed; ``code`` is the protocol's word for it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


# What a message without its fields, or with others, ends in where it is used.
_NOT_UNDERSTOOD = (KeyError, IndexError, TypeError, ValueError, AttributeError)


def not_understood(error: Exception) -> WorkerError:
    """Say that the worker has answered something else than its protocol has."""
    return WorkerError(
        "internal",
        f"The worker's answer can't be understood ({type(error).__name__}: {error}). Install the "
        "same version of MASAM on both sides.",
    )


def _is_event(message: Message) -> bool:
    """Whether a message on the way to an answer has what those that hear it use."""
    if message["type"] == "progress":
        fraction, text = message.get("fraction"), message.get("text")
        return isinstance(fraction, (int, float)) and isinstance(text, str)
    return message["type"] == "lesion" and "box" in message


class Transport(Protocol):
    """A process with pipes. The client sets the two callbacks before ``start``.

    ``on_closed`` is called once, with the exit code (None where unknown), after the last bytes.
    """

    on_output: Callable[[bytes], None]
    on_log: Callable[[bytes], None]
    on_closed: Callable[[int | None], None]

    def start(self) -> None:
        """Start the process; OSError when it can't be started."""

    def write(self, data: bytes) -> None:
        """Send bytes to its standard input."""

    def stop(self) -> None:
        """Close its input, so that it ends by itself, and kill it if it does not."""

    def call_later(self, seconds: float, call: Callable[[], None]) -> None:
        """Call once after so long, on the thread on which the callbacks come."""


@dataclass
class _Waiting:
    on_ok: Callable[[Message], None]
    on_error: Callable[[WorkerError], None]
    on_event: Callable[[Message], None] | None
    again: bool = True  # sent to the next worker where this one has to be replaced
    kind: str = ""
    fields: dict[str, Any] = field(default_factory=dict)
    abandoned: float | None = None


@dataclass(frozen=True)
class Ask:
    """One request of a task.

    Attributes:
        type, fields: of the request.
        on_event: called with the messages that come before its answer, besides the task's own.
    """

    type: str
    fields: dict[str, Any] = field(default_factory=dict)
    on_event: Callable[[Message], None] | None = None


class WorkerClient:
    """One worker, started when it is first needed and again after it has died.

    Args:
        make_transport: a new, not yet started transport.

    Attributes:
        log: the last lines that the worker wrote to stderr.
        hello: the worker's answer to the handshake, or None before it came.
    """

    def __init__(self, make_transport: Callable[[], Transport]) -> None:
        self._make_transport = make_transport
        self._transport: Transport | None = None
        self._waiting: dict[int, _Waiting] = {}
        self._decoder = Decoder()
        self._next_id = 1
        self._log_rest = b""
        self.log: deque[str] = deque(maxlen=LOG_LINES)
        self.hello: Message | None = None

    @property
    def running(self) -> bool:
        """Whether there is a worker process."""
        return self._transport is not None

    def request(
        self,
        kind: str,
        fields: dict[str, Any],
        on_ok: Callable[[Message], None],
        on_error: Callable[[WorkerError], None],
        on_event: Callable[[Message], None] | None = None,
    ) -> int:
        """Send a request; its answer comes by callback. Returns its number, for cancelling."""
        self._restart_if_hung()
        if self._transport is None and not self._start(on_error):
            return 0
        return self._send(kind, fields, _Waiting(on_ok, on_error, on_event))

    def cancel(self, request_id: int) -> None:
        """Forget a request at once and tell the worker to stop working on it."""
        waiting = self._waiting.get(request_id)
        if waiting is None or self._transport is None:
            return
        waiting.abandoned = time.monotonic()
        ignore: Callable[[Any], None] = lambda _: None  # noqa: E731
        self._send("cancel", {"target": request_id}, _Waiting(ignore, ignore, None, again=False))
        if self._transport is not None:
            # By the clock: who waits for another request's answer sends none that would look.
            self._transport.call_later(GRACE_SECONDS, self._restart_if_hung)

    def close(self) -> None:
        """End the worker; requests without an answer fail."""
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.stop()
        self._fail_all(WorkerError("closed", "The worker was stopped."))

    def _start(self, on_error: Callable[[WorkerError], None]) -> bool:
        transport = self._make_transport()
        transport.on_output = lambda data: self._on_output(transport, data)
        transport.on_log = self._on_log
        transport.on_closed = lambda code: self._on_closed(transport, code)
        self._decoder, self.hello = Decoder(), None
        try:
            transport.start()
        except OSError as error:
            on_error(
                WorkerError("start", f"The worker could not be started: {error.strerror or error}.")
            )
            return False
        self._transport = transport
        greeting = _Waiting(self._on_hello, self._on_bad_hello, None, again=False)
        self._send("hello", {"protocol": PROTOCOL}, greeting)
        return True

    def _send(self, kind: str, fields: dict[str, Any], waiting: _Waiting, number: int = 0) -> int:
        if not number:
            number, self._next_id = self._next_id, self._next_id + 1
        waiting.kind, waiting.fields = kind, fields
        self._waiting[number] = waiting
        assert self._transport is not None
        try:
            self._transport.write(encode({"type": kind, "id": number, **fields}))
        except ProtocolError as error:
            del self._waiting[number]
            waiting.on_error(WorkerError("bad_request", str(error)))
        except OSError:
            pass  # the process has just ended: on_closed is on its way and fails this request
        return number

    def _on_hello(self, answer: Message) -> None:
        self.hello = answer

    def _on_bad_hello(self, error: WorkerError) -> None:
        if error.code != "version":
            return
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.stop()
        self._fail_all(error)

    def _on_output(self, transport: Transport, data: bytes) -> None:
        if transport is not self._transport:
            return
        for message in self._decoder.feed(data):
            if isinstance(message, ProtocolError):
                self.log.append(f"[not understood] {message}")
            else:
                self._on_message(message)

    def _on_message(self, message: Message) -> None:
        number = message.get("id")
        waiting = self._waiting.get(number) if type(number) is int else None
        if waiting is None:
            self.log.append(f"[no request for] {message.get('message', message['type'])}")
            return
        final = message["type"] in ("ok", "error")
        if final and isinstance(number, int):
            del self._waiting[number]
        if waiting.abandoned is not None:
            return
        if message["type"] == "ok":
            waiting.on_ok(message)
        elif message["type"] == "error":
            text = str(message.get("message", "The worker failed without a word."))
            waiting.on_error(WorkerError(str(message.get("code", "internal")), text))
        elif not _is_event(message):
            self.log.append(f"[not understood] a message of type '{message['type'][:40]}'")
        elif waiting.on_event is not None:
            waiting.on_event(message)

    def _on_log(self, data: bytes) -> None:
        *lines, self._log_rest = (self._log_rest + data).split(b"\n")
        self.log.extend(line.decode("utf-8", "replace").rstrip() for line in lines)

    def _on_closed(self, transport: Transport, code: int | None) -> None:
        if transport is not self._transport:
            return
        self._transport = None
        how = "" if code is None else f" (exit code {code})"
        words = [line for line in self.log if line.strip()][-1:]
        last = f" Its last words: {words[0]}" if words and self.hello is None else ""
        self._fail_all(
            WorkerError(
                "died",
                f"The worker process ended unexpectedly{how}. Nothing has been changed; the next "
                f"request starts a new one.{last}",
            )
        )

    def _fail_all(self, error: WorkerError) -> None:
        waiting, self._waiting = list(self._waiting.values()), {}
        for item in waiting:
            if item.abandoned is None:
                item.on_error(error)

    def _restart_if_hung(self) -> None:
        now = time.monotonic()
        hung = [w for w in self._waiting.values() if w.abandoned is not None]
        if not any(now - (w.abandoned or now) >= GRACE_SECONDS for w in hung):
            return
        self.log.append("[restarted] It did not stop when it was told to.")
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.stop()
        waiting, self._waiting = self._waiting, {}
        # What was asked after the cancelling goes to a new worker.
        asked = {
            number: item
            for number, item in waiting.items()
            if item.abandoned is None and item.again
        }
        for number, item in asked.items():
            if self._transport is None and not self._start(item.on_error):
                continue
            self._send(item.kind, item.fields, item, number)


Steps = Generator[Ask, Message, Any]


class Task:
    """Requests that follow from each other, run by answers as they come.

    Args:
        client: the worker.
        steps: yields an :class:`Ask`, is sent its answer (a :class:`WorkerError` is thrown into
            it), and returns the result.
        on_done: called with the result.
        on_error: called with the WorkerError, or Cancelled.
        on_event: called with ``progress`` and ``lesion`` messages.

    One of ``on_done`` and ``on_error`` is called, once.
    """

    def __init__(
        self,
        client: WorkerClient,
        steps: Steps,
        on_done: Callable[[Any], None],
        on_error: Callable[[Exception], None],
        on_event: Callable[[Message], None] | None = None,
    ) -> None:
        self._client = client
        self._steps = steps
        self._on_done = on_done
        self._on_error = on_error
        self._on_event = on_event
        self._current = 0
        self.finished = False

    def start(self) -> Task:
        """Send the first request."""
        self._advance(lambda: next(self._steps))
        return self

    def cancel(self) -> None:
        """End now, for the caller; the worker stops as soon as it can."""
        if not self.finished:
            self._client.cancel(self._current)
            self._fail(Cancelled("Cancelled."))

    def _advance(self, move: Callable[[], Ask], answered: bool = False) -> None:
        if self.finished:
            return
        try:
            ask = move()
        except StopIteration as stop:
            self.finished = True
            self._on_done(stop.value)
            return
        except Exception as error:  # whatever it is, the task has ended and must say so
            odd = answered and isinstance(error, _NOT_UNDERSTOOD)
            self._fail(not_understood(error) if odd else error)
            return
        self._current = self._client.request(
            ask.type,
            ask.fields,
            lambda answer: self._advance(lambda: self._steps.send(answer), answered=True),
            lambda error: self._advance(lambda: self._steps.throw(error)),
            lambda message: self._event(ask, message),
        )

    def _event(self, ask: Ask, message: Message) -> None:
        if self.finished:
            return
        for hear in (ask.on_event, self._on_event):
            if hear is not None:
                hear(message)

    def _fail(self, error: Exception) -> None:
        self.finished = True
        self._steps.close()
        self._on_error(error)


def split_command(text: str) -> Sequence[str]:
    """A worker command as typed, into its words, as the platform's shell would.

    Raises:
        WorkerError: quotes that don't match, or nothing.
    """
    import os
    import shlex

    try:
        words = shlex.split(text, posix=os.name != "nt")
    except ValueError as error:
        raise WorkerError("start", f"The worker command can't be read: {error}.") from error
    if not words:
        raise WorkerError("start", "The worker command is empty.")
    return [w[1:-1] if len(w) > 1 and w[0] == w[-1] == '"' else w for w in words]
