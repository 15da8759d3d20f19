"""The process that injects: ``python -m Testing.fuzz.child``; it may hang or fall.

Orders come as lines of JSON on standard input (kind, seed, count); on standard output one line goes
out before each injection, one where another reader is asked, and one with the verdict. What is
being injected lies meanwhile in a folder that the parent knows.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings

from Testing.fuzz.injection import Injection, Kind, Place
from Testing.fuzz.kinds.registry import kind as kind_of
from Testing.fuzz.oracle import CANARY, CANARY_FILE, REFUSED, Verdict, judge

QUIETLY = settings(
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
    print_blob=False,
)


def inject(kind: Kind, number: int, count: int, each: Callable[[Injection], None]) -> None:
    """Make injections of a kind and hand each on; the same number makes the same ones."""

    @seed(number)
    @settings(QUIETLY, max_examples=count)
    @given(kind.injections)
    def run(injection: Injection) -> None:
        each(injection)

    run()


def judged(
    kind: Kind, injection: Injection, room: Path, phase: Callable[[str], None] = lambda words: None
) -> Verdict:
    """Lay an injection out in an empty folder of ``room``, and judge what comes of it."""
    (room / CANARY_FILE).write_bytes(CANARY * 200)
    folder, results = room / "injection", room / "results"
    for each in (folder, results):
        shutil.rmtree(each, ignore_errors=True)
        each.mkdir()
    try:
        target = injection.lay(folder)
    except (OSError, ValueError) as error:  # a name that this system does not take can't be met
        return Verdict(REFUSED, f"by the system: {error}")
    return judge(kind, injection, Place(folder, target, results, phase))


def main() -> None:
    """Work until there are no more orders."""
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)

    def say(**event: Any) -> None:
        out.write(json.dumps(event) + "\n")

    room = Path(tempfile.mkdtemp(prefix="masam-fuzz-"))
    say(event="ready", room=str(room))
    for line in sys.stdin:
        order = json.loads(line)
        kind = kind_of(order["kind"])
        say(event="loaded")  # which takes a while

        def each(injection: Injection, kind: Kind = kind) -> None:
            with contextlib.suppress(OSError, ValueError):
                injection.keep(room / "now", kind=kind.name)
            say(event="begin")
            verdict = judged(kind, injection, room, lambda words: say(event="phase", words=words))
            where = ""
            if verdict.is_finding:  # the next injection comes before this one is looked at
                where = tempfile.mkdtemp(prefix="found-", dir=room)
                with contextlib.suppress(OSError, ValueError):
                    injection.keep(Path(where), kind=kind.name)
            say(event="end", where=where, **vars(verdict))

        inject(kind, order["seed"], order["count"], each)
        say(event="done")
    shutil.rmtree(room, ignore_errors=True)


if __name__ == "__main__":
    main()
