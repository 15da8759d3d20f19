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
        self._ready: list[_Actor] = []
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
            if not self._waits() and not any(actor.cases for actor in self._ready):
                return
            while self._wants_more():
                actor = _Actor(self._start())
                self._starting[actor.handle.ready.remote()] = actor
            waiting = [*self._starting, *(ref for one in self._ready for ref in one.cases)]
            done, _ = self._ray.wait(waiting, num_returns=1, timeout=_LOOK_SECONDS)
            for ref in done:
                if ref in self._starting:
                    self._welcome(ref)
                else:
                    yield from self._take(ref)

    def close(self) -> None:
        """End all actors, at once."""
        for actor in [*self._starting.values(), *self._ready]:
            self._end(actor)
        self._starting.clear()
        self._ready.clear()

    def _fill(self) -> None:
        """Give cases to actors with room, the emptiest first."""
        while room := [actor for actor in self._ready if len(actor.cases) < AHEAD]:
            case = self._next_case()
            if case is None:
                return
            actor = min(room, key=lambda one: len(one.cases))
            actor.cases[actor.handle.run.remote(case)] = case.name

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
        self._ready.append(actor)

    def _take(self, ref: Any) -> Iterator[Ended]:
        actor = next((one for one in self._ready if ref in one.cases), None)
        if actor is None:  # it has died meanwhile, and was told with its other case
            return
        name = actor.cases[ref]
        try:
            outcome = self._ray.get(ref)
        except self._ray.exceptions.RayError:
            self._ready.remove(actor)
            self._end(actor)
            for lost in actor.cases.values():
                self._deaths[lost] += 1
                yield Ended(lost, None, self._deaths[lost])
            return
        del actor.cases[ref]
        yield Ended(name, outcome)

    def _end(self, actor: _Actor) -> None:
        self._ray.kill(actor.handle, no_restart=True)


def _reason(error: Exception) -> str:
    """The words of the error on the node, without its traceback."""
    cause = getattr(error, "cause", None)
    lines = [line for line in str(cause or error).splitlines() if line.strip()]
    return lines[-1].strip() if lines else type(error).__name__
