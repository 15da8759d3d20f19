"""Children that inject, kept warm: one that hangs or falls is replaced, and what it had is kept."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from masam_core.process_tree import kill_tree
from Testing.fuzz.injection import Injection
from Testing.fuzz.oracle import CRASH, FINDINGS, HANG

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 600.0  # to load all that a kind needs, on a busy machine
LEAST_SECONDS = 2.0
SLACK = 4.0  # times the seconds of a kind, after which a child is ended: the machine may be busy


@dataclass(frozen=True)
class Finding:
    """What has to be mended.

    Attributes:
        kind: of the injection.
        outcome: one of FINDINGS.
        key: of its cause.
        words: what was seen.
        folder: where the injection is kept.
    """

    kind: str
    outcome: str
    key: str
    words: str
    folder: Path


@dataclass
class Counts:
    """What came of the injections so far.

    Attributes:
        outcomes: number of each outcome, by kind.
        findings: one for each cause.
        seconds: of the processor that each kind took.
    """

    outcomes: dict[str, Counter[str]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    seconds: Counter[str] = field(default_factory=Counter)

    @property
    def injections(self) -> int:
        """All of them."""
        return sum(sum(found.values()) for found in self.outcomes.values())

    def table(self) -> str:
        """A line a kind: injections, taken, refused, and each sort of finding."""
        columns = ("taken", "refused", *FINDINGS)
        head = f"{'kind':24}{'injections':>11}" + "".join(f"{c:>11}" for c in columns)
        lines = [head]
        total: Counter[str] = Counter()
        for kind, found in self.outcomes.items():
            total += found
            lines.append(_line(kind, found, columns))
        used = f"{sum(self.seconds.values()):.0f} s of the processor were used by the product."
        return "\n".join([*lines, _line("all", total, columns), used])


def _line(name: str, found: Counter[str], columns: tuple[str, ...]) -> str:
    return f"{name:24}{sum(found.values()):>11}" + "".join(f"{found[c]:>11}" for c in columns)


class Child:
    """One process of ``Testing.fuzz.child``, started when it is needed.

    Args:
        counts: to which its verdicts are added.
        keep: folder for the injections of findings.
    """

    def __init__(self, counts: Counts, keep: Path) -> None:
        self._counts, self._keep = counts, keep
        self._process: subprocess.Popen[str] | None = None
        self._lines: queue.Queue[str] = queue.Queue()
        self._room = Path()

    def work(self, kind: str, seed: int, count: int, seconds: float, ends: float) -> None:
        """Have it inject; one that hangs or falls is noted, and the rest of the order dropped.

        Args:
            kind: of the injections.
            seed, count: see ``child.inject``.
            seconds: after which one injection is a hang.
            ends: time (``time.monotonic``) after which no more verdicts are awaited.
        """
        process = self._running()
        assert process.stdin is not None
        process.stdin.write(json.dumps({"kind": kind, "seed": seed, "count": count}) + "\n")
        process.stdin.flush()
        found = self._counts.outcomes.setdefault(kind, Counter())
        phase, patience = "", START_SECONDS
        while True:
            event = self._event(patience)
            patience = max(seconds * SLACK, LEAST_SECONDS)
            name = event["event"]
            if name == "end":
                found[event["outcome"]] += 1
                self._counts.seconds[kind] += event["seconds"]
                if event["outcome"] in FINDINGS:
                    where = Path(event["where"])
                    self._note(kind, event["outcome"], event["key"], event["words"], where)
                if time.monotonic() > ends:
                    self.end()
                    return
            elif name == "phase":
                phase = event["words"]
            elif name in ("loaded", "begin"):
                phase = ""
            elif name == "done":
                return
            else:
                if phase:  # not the product, but what it was compared with
                    found["taken"] += 1
                else:
                    found[name] += 1
                    self._note(kind, name, name, event["words"], self._room / "now")
                self.end()
                return

    def _note(self, kind: str, outcome: str, key: str, words: str, where: Path) -> None:
        """Keep the injection of the first finding of each cause; it lies in ``where``."""
        if any(f.kind == kind and f.key == key for f in self._counts.findings):
            return
        folder = self._keep / f"{len(self._counts.findings):03d} {kind}"
        if where.is_dir():
            name, injection = Injection.kept(where)
            injection.keep(folder, kind=name, outcome=outcome, words=words)
        self._counts.findings.append(Finding(kind, outcome, key, words, folder))

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None:
            self._lines = queue.Queue()
            self._process = subprocess.Popen(
                [sys.executable, "-m", "Testing.fuzz.child"],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            threading.Thread(target=_listen, args=(self._process, self._lines), daemon=True).start()
            event = self._event(START_SECONDS)
            if event["event"] != "ready":
                raise RuntimeError(f"The process that injects did not start: {event}")
            self._room = Path(event["room"])
        return self._process

    def _event(self, seconds: float) -> dict[str, Any]:
        try:
            line = self._lines.get(timeout=seconds)
        except queue.Empty:
            return {"event": HANG, "words": f"no answer after {seconds:g} s"}
        if not line:
            assert self._process is not None
            return {"event": CRASH, "words": f"the process ended with {self._process.wait()}"}
        return dict(json.loads(line))

    def end(self) -> None:
        """End the process, and all that it has started."""
        import shutil

        process, self._process = self._process, None
        if process is not None:
            kill_tree(process.pid)
            process.wait()
            shutil.rmtree(self._room, ignore_errors=True)


def _listen(process: subprocess.Popen[str], lines: queue.Queue[str]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        lines.put(line)
    lines.put("")
