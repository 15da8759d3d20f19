"""The pages' live connections: the state out, actions in."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from masam_workbench.tab.state import State
from masam_workbench.tab.words import wordsOf

BEAT_SECONDS = 1.0
HEARTBEAT_SECONDS = 30.0  # after which a connection that has died unnoticed is given up
MOST_BYTES = 8 << 20  # of one message from a page
FIRST, SECOND = "first", "second"
TAKE_OVER = "takeOver"
ONLOOKER = "This page only looks on. Press 'Work here' to take the tab over."
ODD = "This page asks for something that the workbench does not know. Reload the page."

Actions = Mapping[str, Callable[..., Any]]


@dataclass(eq=False)
class _Page:
    """One connection.

    Attributes:
        key: of the page's own choice: when it connects again, it takes its old place.
        changed: names of the values that it has not been told yet.
        wake: set when there is something to be sent.
    """

    socket: web.WebSocketResponse
    key: str
    changed: set[str]
    role: str = ""
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    answers: list[dict[str, Any]] = field(default_factory=list)


class Live:
    """Tells pages what has changed, and does what the first of them asks for.

    Args:
        state: what is told.
        actions: what may be asked for, by name; there is nothing else that a page can call.
        onError: called with the error of an action, to be shown.
        onWatched: called when the first page comes and when the last one has gone.
    """

    def __init__(
        self,
        state: State,
        actions: Actions,
        onError: Callable[[Exception], None],
        onWatched: Callable[[bool], None] = lambda _: None,
    ) -> None:
        self._state, self._actions, self._onError = state, actions, onError
        self._onWatched = onWatched
        self._pages: list[_Page] = []  # in the order in which they came; the first one works
        self._going: set[asyncio.Task[None]] = set()  # the loop itself would let go of them
        self.left = time.monotonic()
        state.listen(self._changed)

    @property
    def alone(self) -> float:
        """Seconds since a page was last connected; 0 while one is."""
        return 0.0 if self._pages else time.monotonic() - self.left

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """GET: a page's connection, until it ends."""
        socket = web.WebSocketResponse(
            heartbeat=HEARTBEAT_SECONDS, max_msg_size=MOST_BYTES, compress=False
        )
        await socket.prepare(request)
        page = _Page(socket, request.query.get("page", "")[:64], set(self._state.values()))
        self._enter(page)
        telling = asyncio.get_running_loop().create_task(self._tell(page))
        try:
            async for message in socket:
                if message.type == WSMsgType.TEXT:
                    self._hear(page, message.data)
        finally:
            telling.cancel()
            self._leave(page)
        return socket

    async def close(self) -> None:
        """End all connections."""
        for page in list(self._pages):
            with contextlib.suppress(ConnectionError, RuntimeError):
                await page.socket.close()

    def _enter(self, page: _Page) -> None:
        again = [each for each in self._pages if page.key and each.key == page.key]
        place = self._pages.index(again[0]) if again else len(self._pages)
        self._pages.insert(place, page)
        for old in again:  # the same page, whose old connection has not been missed yet
            self._pages.remove(old)
            task = asyncio.get_running_loop().create_task(old.socket.close())
            self._keep(task)
        self._setRoles()
        page.wake.set()
        if len(self._pages) == 1:
            self._onWatched(True)

    def _leave(self, page: _Page) -> None:
        if page in self._pages:
            self._pages.remove(page)
            self.left = time.monotonic()
            self._setRoles()
            if not self._pages:
                self._onWatched(False)

    def _setRoles(self) -> None:
        for number, page in enumerate(self._pages):
            role = SECOND if number else FIRST
            if page.role != role:
                page.role = role
                page.changed.add("role")
                page.wake.set()

    def _changed(self, name: str) -> None:
        for page in self._pages:
            page.changed.add(name)
            page.wake.set()

    async def _tell(self, page: _Page) -> None:
        """Send what has changed; while a page is slow, changes of the same value become one."""
        with contextlib.suppress(ConnectionError, RuntimeError):
            beat = 0.0
            while True:
                with contextlib.suppress(asyncio.TimeoutError):
                    left = beat + BEAT_SECONDS - time.monotonic()
                    await asyncio.wait_for(page.wake.wait(), max(left, 0.0))
                page.wake.clear()
                names, page.changed = page.changed, set()
                answers, page.answers = page.answers, []  # with the state: none overtakes its own
                values = {**self._state.values(), "role": page.role}
                if names:
                    told = {name: values[name] for name in names if name in values}
                    await page.socket.send_str(_text({"state": told}))
                for answer in answers:  # after the state: what was done can be seen by then
                    await page.socket.send_str(_text(answer))
                if time.monotonic() >= beat + BEAT_SECONDS:
                    beat = time.monotonic()
                    await page.socket.send_str(_text({"beat": round(time.time(), 3)}))

    def _hear(self, page: _Page, text: str) -> None:
        number: Any = None
        try:
            asked = json.loads(text)
            number = asked.get("n")
            name, arguments = str(asked["do"]), list(asked.get("with", []))
        except (ValueError, KeyError, TypeError, AttributeError):
            page.answers.append({"answer": number, "error": ODD})
        else:
            page.answers.append({"answer": number, **self._do(page, name, arguments)})
        page.wake.set()

    def _do(self, page: _Page, name: str, arguments: list[Any]) -> dict[str, Any]:
        if name == TAKE_OVER:
            self._pages.remove(page)
            self._pages.insert(0, page)
            self._setRoles()
            return {}
        if page.role != FIRST:
            return {"error": ONLOOKER}
        action = self._actions.get(name)
        if action is None or not _fits(action, arguments):
            return {"error": ODD}
        try:
            answer = action(*arguments)
        except Exception as error:
            self._onError(error)
            return {"error": wordsOf(error)}
        if inspect.isawaitable(answer):
            self._keep(asyncio.get_running_loop().create_task(self._finish(answer)))
            return {}
        return {} if answer is None else {"value": answer}

    async def _finish(self, answer: Awaitable[Any]) -> None:
        """What takes a while goes on by itself: the page's next message is not held up."""
        try:
            await answer
        except Exception as error:
            self._onError(error)

    def _keep(self, task: asyncio.Task[Any]) -> None:
        self._going.add(task)
        task.add_done_callback(self._going.discard)


def _fits(action: Callable[..., Any], arguments: list[Any]) -> bool:
    try:
        inspect.signature(action).bind(*arguments)
    except TypeError:
        return False
    return True


def _text(message: dict[str, Any]) -> str:
    return json.dumps(message, allow_nan=False, separators=(",", ":"))
