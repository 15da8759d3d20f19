"""One worker for all tabs: their requests, one after the other."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

from masam_core.worker.client import Transport, WorkerClient, WorkerError
from masam_core.worker.protocol import Message, error_message
from masam_workbench.front.link import FORGET

UPLOAD_SECONDS = 20.0  # without a further part, after which a volume is not waited for
WAITING = "waiting for another tab"
_COMPUTES = ("segment", "refine")  # with the model that the tab has loaded
_OF_A_TASK = (*_COMPUTES, "measure", "load_model", "put_volume")  # after which no part comes

Reply = Callable[[Message], None]


@dataclass(eq=False)
class _Request:
    tab: Hashable
    number: int
    kind: str
    fields: dict[str, Any]
    reply: Reply

    def fail(self, code: str, words: str) -> None:
        """Answer that it can't be."""
        self.reply(error_message(self.number, code, words))


class SharedWorker:
    """Asks the worker for tabs, so that model and volumes are in memory once.

    A request is sent when the one before it is answered, so that one that was cancelled before its
    turn costs nothing, and a worker that does not stop when it is told to, is known. What one tab
    has loaded or is sending stays its own: another one's model is loaded again before its next
    request, and nobody's request comes between the parts of a volume.

    Args:
        makeTransport: a new process for the worker.
    """

    def __init__(self, makeTransport: Callable[[], Transport]) -> None:
        self._client = WorkerClient(makeTransport)
        self._waiting: deque[_Request] = deque()
        self._current: tuple[_Request, int] | None = None  # and its number for the worker
        self._choices: dict[Hashable, dict[str, Any]] = {}
        self._loaded: dict[str, Any] | None = None  # None: not known
        self._uploading: Hashable = None  # tab that is in the middle of a volume
        self._late: asyncio.TimerHandle | None = None

    def hear(self, tab: Hashable, message: Message, reply: Reply) -> None:
        """Take a request of a tab.

        Args:
            tab: whose.
            message: of the worker's protocol, or FORGET.
            reply: called with the answers.
        """
        kind, number = message["type"], message.get("id")
        if kind == FORGET:
            self.forget(tab)
            return
        if type(number) is not int:
            return
        if kind == "cancel":
            found = self._cancel(tab, message.get("target"))
            reply({"type": "ok", "id": number, "found": found})
            return
        fields = {name: value for name, value in message.items() if name not in ("type", "id")}
        request = _Request(tab, number, kind, fields, reply)
        self._waiting.append(request)
        if any(each.tab != tab for each in self._ahead()):
            reply({"type": "progress", "id": number, "fraction": 0.0, "text": WAITING})
        self._next()

    def forget(self, tab: Hashable) -> None:
        """A tab has gone, or wants nothing more of what it has asked."""
        self._waiting = deque(each for each in self._waiting if each.tab != tab)
        self._choices.pop(tab, None)
        self._uploaded(tab)
        if self._current is not None and self._current[0].tab == tab:
            self._stopCurrent()
        self._next()

    def close(self) -> None:
        """End the worker; the next request starts another."""
        self._waiting.clear()
        self._current = self._loaded = None
        self._client.close()

    def _ahead(self) -> list[_Request]:
        """What is asked already, without the newest."""
        current = [] if self._current is None else [self._current[0]]
        return [*current, *list(self._waiting)[:-1]]

    def _cancel(self, tab: Hashable, target: Any) -> bool:
        for request in self._waiting:
            if (request.tab, request.number) == (tab, target):
                self._waiting.remove(request)
                request.fail("cancelled", "Cancelled before it began.")
                self._uploaded(tab)
                self._next()
                return True
        if self._current is not None:
            request = self._current[0]
            if (request.tab, request.number) == (tab, target):
                self._uploaded(tab)
                self._stopCurrent()
                request.fail("cancelled", "Cancelled.")
                self._next()
                return True
        return False

    def _stopCurrent(self) -> None:
        assert self._current is not None
        _, number = self._current
        self._current = None
        # One that does not stop is replaced, and the new one has loaded nothing.
        self._loaded = None
        self._client.cancel(number)

    def _next(self) -> None:
        """Send the first request whose turn it is."""
        if self._current is not None:
            return
        own = self._uploading
        for request in self._waiting:
            if own is None or request.tab == own:
                break
        else:
            return
        self._waiting.remove(request)
        if request.tab == own and request.kind in _OF_A_TASK:  # it has given the volume up
            self._uploaded(own)
        choice = self._choices.get(request.tab)
        if request.kind in _COMPUTES and choice is not None and choice != self._loaded:
            self._ask(request, "load_model", choice, self._goOn)
        else:
            self._ask(request, request.kind, request.fields, self._answer)

    def _goOn(self, request: _Request, _answer: Message) -> None:
        """The model is the tab's own again."""
        self._loaded = self._choices.get(request.tab)
        self._ask(request, request.kind, request.fields, self._answer)

    def _answer(self, request: _Request, answer: Message) -> None:
        if request.kind == "load_model":
            self._loaded = self._choices[request.tab] = request.fields
        elif request.kind == "release":
            self._loaded = None
        elif request.kind == "put_volume" and not answer.get("known"):
            self._await(request.tab)
        elif request.kind == "volume_part":
            if answer.get("complete"):
                self._uploaded(request.tab)
            else:
                self._await(request.tab)
        request.reply({**answer, "id": request.number})
        self._next()

    def _ask(
        self,
        request: _Request,
        kind: str,
        fields: dict[str, Any],
        done: Callable[[_Request, Message], None],
    ) -> None:
        def answered(answer: Message) -> None:
            self._current = None
            done(request, answer)

        def failed(error: WorkerError) -> None:
            self._current = None
            if error.code in ("died", "start", "closed"):
                self._loaded = None
            self._uploaded(request.tab)
            request.fail(error.code, str(error))
            self._next()

        def onTheWay(message: Message) -> None:
            request.reply({**message, "id": request.number})

        self._current = request, 0
        number = self._client.request(kind, fields, answered, failed, onTheWay)
        if self._current is not None and self._current[0] is request:  # it may have failed at once
            self._current = request, number

    def _await(self, tab: Hashable) -> None:
        """Keep the others waiting for the next part of a volume, but not for ever."""
        self._uploaded(tab)
        self._uploading = tab
        with contextlib.suppress(RuntimeError):  # without a loop, as in a test
            loop = asyncio.get_running_loop()
            self._late = loop.call_later(UPLOAD_SECONDS, self._givenUp, tab)

    def _givenUp(self, tab: Hashable) -> None:
        self._uploaded(tab)
        self._next()

    def _uploaded(self, tab: Hashable) -> None:
        if self._uploading is not None and self._uploading == tab:
            self._uploading = None
            if self._late is not None:
                self._late.cancel()
                self._late = None
