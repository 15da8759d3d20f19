"""Cases given to actors of Ray as these have room for them, and given again where one has died."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import masam_core
from masam_core.batch.case import BatchCase
from masam_core.cluster.ray_worker import Outcome
from masam_core.errors import ConfigError

AHEAD = 2  # cases with an actor: one is computed, the next one is read
MOST_DEATHS = 3  # of actors that had a case: then it is the case
_LOOK_SECONDS = 0.5


@dataclass(frozen=True)
class Ended:
    """What has come of a case.

    Attributes:
        name: of the case.
        outcome: None where its actor died.
        deaths: how many actors have died with it.
    """

    name: str
    outcome: Outcome | None
    deaths: int = 0


@dataclass(eq=False)
class _Actor:
    handle: Any
    cases: dict[Any, str] = field(default_factory=dict)  # by the reference of the answer

    @property
    def has_room(self) -> bool:
        return len(self.cases) < AHEAD


class RayPool:
    """Actors that work on cases.

    Args:
        ray: the module, connected.
        start: starts an actor.
        count: how many there are to be.
        next_case: the next case, or None; asked when an actor has room for one.
        waits: whether there is a next case.
    """

    def __init__(
        self,
        ray: Any,
        start: Callable[[], Any],
        count: int,
        next_case: Callable[[], BatchCase | None],
        waits: Callable[[], bool],
    ) -> None:
        self._ray, self._start, self._count = ray, start, count
        self._next_case, self._waits = next_case, waits
        self._starting: dict[Any, _Actor] = {}
        self._ready: dict[_Actor, None] = {}
        self._room: dict[_Actor, None] = {}  # those with room, in turns
        self._at_work: dict[Any, _Actor] = {}
        self._deaths: Counter[str] = Counter()
        self._failed_starts = 0

    @property
    def workers(self) -> int:
        """How many actors are at work."""
        return len(self._ready)

    def run(self) -> Iterator[Ended]:
        """Work until there is no case any more; yields each one that ends or lost its actor.

        A case whose actor died may be given out again by ``next_case``.

        Raises:
            ConfigError: no actor can be started.
        """
        while True:
            self._fill()
            if not self._waits() and not self._at_work:
                return
            while self._wants_more():
                actor = _Actor(self._start())
                self._starting[actor.handle.ready.remote()] = actor
            waiting = [*self._starting, *self._at_work]
            for ref in self._done(waiting):
                if ref in self._starting:
                    self._welcome(ref)
                else:
                    yield from self._take(ref)

    def close(self) -> None:
        """End all actors, at once."""
        for actor in [*self._starting.values(), *self._ready]:
            self._end(actor)
        for held in (self._starting, self._ready, self._room, self._at_work):
            held.clear()

    def _done(self, waiting: list[Any]) -> list[Any]:
        """Answers that have come: after a while at least one, and all others that are there."""
        try:
            done, rest = self._ray.wait(waiting, num_returns=1, timeout=_LOOK_SECONDS)
            if done and rest:
                done += self._ray.wait(rest, num_returns=len(rest), timeout=0)[0]
        except SystemError as error:  # Ctrl-C at a moment at which Ray does not expect it
            if isinstance(error.__cause__, KeyboardInterrupt):
                raise KeyboardInterrupt from error
            raise
        return list(done)

    def _fill(self) -> None:
        """Give cases to actors with room, one to each in turn."""
        while self._room:
            case = self._next_case()
            if case is None:
                return
            actor = next(iter(self._room))
            del self._room[actor]
            ref = actor.handle.run.remote(case)
            actor.cases[ref] = case.name
            self._at_work[ref] = actor
            if actor.has_room:
                self._room[actor] = None

    def _wants_more(self) -> bool:
        """Whether an actor more is to be started; not where that has failed again and again."""
        few = len(self._starting) + len(self._ready) < self._count
        return few and self._waits() and self._failed_starts < self._most_failed

    @property
    def _most_failed(self) -> int:
        return max(MOST_DEATHS, self._count)

    def _welcome(self, ref: Any) -> None:
        actor = self._starting.pop(ref)
        try:
            version = self._ray.get(ref)
        except self._ray.exceptions.RayError as error:
            self._end(actor)
            self._failed_starts += 1
            if self._failed_starts >= self._most_failed and not self._ready:
                raise ConfigError(f"No worker could be started: {_reason(error)}") from error
            return
        if version != masam_core.__version__:
            self._end(actor)
            raise ConfigError(
                f"A node of Ray has MASAM {version}, this machine {masam_core.__version__}; "
                "install the same version everywhere."
            )
        self._failed_starts = 0
        self._ready[actor] = self._room[actor] = None

    def _take(self, ref: Any) -> Iterator[Ended]:
        actor = self._at_work.get(ref)
        if actor is None:  # it has died meanwhile, and was told with its other case
            return
        try:
            outcome = self._ray.get(ref)
        except self._ray.exceptions.RayError:
            del self._ready[actor]
            self._room.pop(actor, None)
            self._end(actor)
            for lost_ref, lost in actor.cases.items():
                del self._at_work[lost_ref]
                self._deaths[lost] += 1
                yield Ended(lost, None, self._deaths[lost])
            return
        del self._at_work[ref]
        self._room[actor] = None
        yield Ended(actor.cases.pop(ref), outcome)

    def _end(self, actor: _Actor) -> None:
        self._ray.kill(actor.handle, no_restart=True)


def _reason(error: Exception) -> str:
    """The words of the error on the node, without its traceback."""
    cause = getattr(error, "cause", None)
    lines = [line for line in str(cause or error).splitlines() if line.strip()]
    return lines[-1].strip() if lines else type(error).__name__
