"""``python -m masam_core.cluster.simulate``: the queue at a million cases, without an image.

The real shards, queues, pool and table, in memory, with a clock of their own: each case takes a
time that is drawn, and machines die. What is measured is what our own steps cost, at several sizes,
and how each grows: the slope of log(seconds) over log(cases), where 1 is linear.
"""

from __future__ import annotations

import argparse
import heapq
import math
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

import masam_core
from masam_core.batch.case import BatchCase
from masam_core.batch.merging import Merged, all_rows
from masam_core.batch.queue import BatchQueue
from masam_core.batch.shards import shard_of
from masam_core.batch.states import DONE, FAILED
from masam_core.cluster.ray_pool import MOST_DEATHS, RayPool
from masam_core.cluster.ray_worker import Outcome

SIZES = (1_000, 10_000, 100_000, 1_000_000)
RAY_WORKERS = 64
_RESTART_SECONDS = 120.0


@dataclass(frozen=True)
class Plan:
    """What is simulated.

    Attributes:
        workers: shards, each a job of its own.
        seconds: of a case, on average.
        hours_to_death: of a worker, on average.
        seed: makes it repeatable.
    """

    workers: int = 1000
    seconds: float = 3.0
    hours_to_death: float = 500.0
    seed: int = 1


@dataclass
class Found:
    """What came of it.

    Attributes:
        cases: how many there were.
        steps: seconds of the processor that each of our own steps took, by its name.
        hours: on the simulated clock, until the last one had ended; of the shards.
        busy: share of these that workers computed what counts.
        deaths: of workers, in both ways to run it.
        failed: cases that were given up after several deaths.
    """

    cases: int
    steps: dict[str, float] = field(default_factory=dict)
    hours: float = 0.0
    busy: float = 0.0
    deaths: int = 0
    failed: int = 0


def simulate(cases: int, plan: Plan) -> Found:
    """Run so many cases in shards, and by one queue with a pool of Ray's actors.

    Raises:
        AssertionError: a case ended not at all, or twice.
    """
    found = Found(cases)

    def timed(step: str, work: Callable[[], Any]) -> Any:
        began = time.process_time()  # what runs beside does not count
        result = work()
        found.steps[step] = time.process_time() - began
        return result

    names = [f"patient{number:07}" for number in range(cases)]
    parts = timed("partition into shards", lambda: _parts(names, plan.workers))
    queues = timed("queues of the shards", lambda: [BatchQueue(part) for part in parts])
    timed("cases begun and ended in shards", lambda: _run_shards(queues, plan, found))
    timed("table of all shards", lambda: _merge(queues, cases))
    timed("cases begun and ended by one pool", lambda: _run_pool(names, plan, found))
    return found


def slopes(results: Sequence[Found]) -> dict[str, float]:
    """How each step grows: the slope of log(seconds) over log(cases), by least squares.

    Not a number where a time was too short for the clock (Windows': steps of 16 ms).
    """

    def slope(step: str) -> float:
        seconds = [found.steps[step] for found in results]
        if min(seconds) <= 0:
            return math.nan
        return float(np.polyfit(np.log([found.cases for found in results]), np.log(seconds), 1)[0])

    return {step: slope(step) for step in results[0].steps}


def _parts(names: Sequence[str], count: int) -> list[list[str]]:
    parts: list[list[str]] = [[] for _ in range(count)]
    for name in names:
        parts[shard_of(name, count) - 1].append(name)
    return parts


class _Chance:
    """Times of cases, and deaths."""

    def __init__(self, plan: Plan) -> None:
        self._draw = random.Random(plan.seed)
        self._seconds, self._to_death = plan.seconds, 3600 * plan.hours_to_death

    def case(self) -> tuple[float, float | None]:
        """Seconds that a case takes, and after how many of them the worker dies, if it does."""
        # Lognormal, so that some take much longer; its mean is exp(mu + sigma^2 / 2).
        seconds = self._seconds * self._draw.lognormvariate(-0.125, 0.5)
        death = self._draw.expovariate(1 / self._to_death)
        return seconds, death if death < seconds else None


def _run_shards(queues: Sequence[BatchQueue], plan: Plan, found: Found) -> None:
    chance, useful, last = _Chance(plan), 0.0, 0.0
    for queue in queues:
        clock = 0.0
        while (name := queue.next()) is not None:
            queue.start(name)
            seconds, death = chance.case()
            if death is not None:  # the job is killed; run again, it takes the case up
                found.deaths += 1
                clock += death + _RESTART_SECONDS
                queue.cancel()
                continue
            clock += seconds
            useful += seconds
            queue.finish(name, [{"lesion": "a"}])
        last = max(last, clock)
    found.hours = last / 3600
    found.busy = useful / (last * len(queues)) if last else 1.0


def _merge(queues: Sequence[BatchQueue], cases: int) -> None:
    merged = Merged()
    states = (item for queue in queues for item in queue.cases.items())
    rows = sum(1 for _ in all_rows(states, (), merged))
    assert rows == merged.counts[DONE] == cases, merged.counts


class _Ray:
    """Ray on the simulated clock: answers come in the order of their times."""

    class RayError(Exception):
        """An actor died."""

    def __init__(self, plan: Plan) -> None:
        self.exceptions = SimpleNamespace(RayError=self.RayError)
        self.deaths = 0
        self._chance, self._clock, self._number = _Chance(plan), 0.0, 0
        self._events: list[tuple[float, int]] = []
        self._answers: dict[int, Any] = {}
        self._dead: set[int] = set()

    def start(self) -> Any:
        """An actor: one case after the other, until it dies."""
        actor = SimpleNamespace(free=0.0, dead=False, refs=set())
        actor.ready = SimpleNamespace(
            remote=lambda: self._later(actor, _RESTART_SECONDS, masam_core.__version__)
        )
        actor.run = SimpleNamespace(remote=lambda case: self._run(actor))
        return actor

    def wait(
        self, refs: list[int], num_returns: int, timeout: float
    ) -> tuple[list[int], list[int]]:
        """The next answer, or with no time to wait those of this moment."""
        done: list[int] = []
        while self._events and len(done) < num_returns:
            when, ref = self._events[0]
            if timeout == 0 and when > self._clock:
                break
            heapq.heappop(self._events)
            if ref not in self._answers:  # of an actor that was ended
                continue
            self._clock = max(self._clock, when)
            done.append(ref)
        return done, refs

    def get(self, ref: int) -> Any:
        """An answer; RayError where the actor has died."""
        actor, answer = self._answers.pop(ref)
        actor.refs.discard(ref)
        if answer is None:
            raise self.RayError
        return answer

    def kill(self, actor: Any, no_restart: bool) -> None:
        """End an actor."""
        for ref in actor.refs:
            self._answers.pop(ref, None)

    def _run(self, actor: Any) -> int:
        seconds, death = self._chance.case()
        begun = max(self._clock, actor.free)
        if death is not None and not actor.dead:
            actor.dead = True
            self.deaths += 1
        actor.free = begun + (death or seconds)
        return self._later(actor, actor.free - self._clock, None if actor.dead else Outcome())

    def _later(self, actor: Any, seconds: float, answer: Any) -> int:
        self._number += 1
        self._answers[self._number] = actor, answer
        actor.refs.add(self._number)
        heapq.heappush(self._events, (self._clock + seconds, self._number))
        return self._number


def _run_pool(names: Sequence[str], plan: Plan, found: Found) -> None:
    ray, queue, image = _Ray(plan), BatchQueue(names), Path("image")

    def next_case() -> BatchCase | None:
        if (name := queue.next()) is None:
            return None
        queue.start(name)
        return BatchCase(name, image)

    pool = RayPool(ray, ray.start, RAY_WORKERS, next_case, lambda: queue.next() is not None)
    ended = 0
    for one in pool.run():
        if one.outcome is not None:
            queue.finish(one.name, [])
        elif one.deaths >= MOST_DEATHS:
            queue.fail(one.name, "died")
        else:
            queue.requeue(one.name)
            continue
        ended += 1
    pool.close()
    found.deaths += ray.deaths
    found.failed += queue.count(FAILED)
    assert ended == queue.count(DONE) + queue.count(FAILED) == len(names), ended


def main(words: Sequence[str] | None = None) -> int:
    """Simulate, and print what each step costs and how it grows."""
    parser = argparse.ArgumentParser(prog="python -m masam_core.cluster.simulate")
    add = parser.add_argument
    add("--cases", type=int, nargs="+", default=list(SIZES), help="sizes; two or more")
    add("--workers", type=int, default=Plan.workers, help="shards, each a job")
    add("--seconds", type=float, default=Plan.seconds, help="of a case, on average")
    add("--hours-to-death", type=float, default=Plan.hours_to_death, help="of a worker")
    given = parser.parse_args(words)
    if len(set(given.cases)) < 2 or min(*given.cases, given.workers) < 1:
        parser.error("expected two sizes or more, and one worker or more")
    plan = Plan(given.workers, given.seconds, given.hours_to_death)
    results = []
    for cases in sorted(set(given.cases)):
        found = simulate(cases, plan)
        results.append(found)
        print(
            f"{cases} cases on {plan.workers} workers: {found.hours:.2f} hours on the simulated "
            f"clock, {100 * found.busy:.1f} % of them at work that counts, {found.deaths} deaths, "
            f"{found.failed} given up; every case ended once.",
            flush=True,
        )
        for step, seconds in found.steps.items():
            print(
                f"  {step}: {seconds:.2f} s of the processor, {1e6 * seconds / cases:.1f} us a case"
            )
    for step, slope in slopes(results).items():
        print(f"slope of '{step}': {slope:.2f} (1 is linear)")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
