"""One table and one report of a folder of results, from the states that all shards have written."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import masam_core
from masam_core.atomic import write_text
from masam_core.batch.names import file_key
from masam_core.batch.queue import TABLE_COLUMNS, table_rows
from masam_core.batch.states import (
    DONE,
    FAILED,
    PENDING,
    RUNNING,
    TABLE_FILE,
    CaseState,
    StateFolder,
    reported,
)
from masam_core.errors import SegmentationError
from masam_core.export.measurements import write_long_measurements

REPORT_FILE = "report.txt"
_BEGINS = b"MASAM "  # of each report
_MOST_SHOWN = 1000  # failed cases in the report; the table has all


@dataclass
class Merged:
    """What was found.

    Attributes:
        counts: cases of each status; what ran when its process ended waits.
        lesions: rows of cases that are done.
        seconds: that all cases took together.
        failed: names and messages, the first thousand.
    """

    counts: Counter[str] = field(default_factory=Counter)
    lesions: int = 0
    seconds: float = 0.0
    failed: list[tuple[str, str]] = field(default_factory=list)

    @property
    def summary(self) -> str:
        """One line for people."""
        waiting = self.counts[PENDING]
        words = f"{self.counts[DONE]} done, {self.counts[FAILED]} failed"
        return f"{words}, {waiting} not run." if waiting else f"{words}."

    def add(self, name: str, case: CaseState) -> None:
        """Count a case."""
        self.counts[PENDING if case.status == RUNNING else case.status] += 1
        self.seconds += case.seconds
        if case.status == DONE:
            self.lesions += len(case.rows)
        if case.status == FAILED and len(self.failed) < _MOST_SHOWN:
            self.failed.append((name, case.message))


def merge(results: Path, names: Iterable[str] = ()) -> Merged:
    """Write measurements.csv and report.txt, one row after the other: a million cases fit.

    May be called while shards are at work, and by several at once: each file is whole, and what
    was written last is at least as complete as what its writer saw.

    Args:
        results: folder of the results.
        names: cases that there are, so that those of which nothing is known yet are shown, too.

    Raises:
        ConfigError: the folder holds results of something else.
        SegmentationError: a file can't be written, e.g. because it is open in Excel, or the report
            would replace a file that is none.
    """
    merged = Merged()
    rows = all_rows(StateFolder(results).all(), names, merged)
    write_long_measurements(results / TABLE_FILE, rows, TABLE_COLUMNS)
    _require_own(results / REPORT_FILE)
    write_text(results / REPORT_FILE, _report(merged), SegmentationError)
    return merged


def _require_own(report: Path) -> None:
    """Refuse to replace somebody's own report; SegmentationError."""
    with reported(report):
        if not report.exists():
            return
        with report.open("rb") as file:
            begins = file.read(len(_BEGINS))
    if begins and begins != _BEGINS:
        raise SegmentationError(
            f"{report} is there already, and no batch has written it. Move it away and give "
            f"--merge; {TABLE_FILE} is written."
        )


def all_rows(
    states: Iterable[tuple[str, CaseState]], names: Iterable[str], merged: Merged
) -> Iterator[dict[str, Any]]:
    """The rows of the table, case after case, which are counted as they pass.

    Args:
        states: names and states of cases.
        names: cases that there are; those without a state wait, and come last.
        merged: counts.
    """
    missing = {file_key(name): name for name in names}
    for name, case in states:
        missing.pop(file_key(name), None)
        merged.add(name, case)
        yield from table_rows(name, case)
    for name in sorted(missing.values()):
        merged.add(name, CaseState())
        yield from table_rows(name, CaseState())


def _report(merged: Merged) -> str:
    ended = merged.counts[DONE] + merged.counts[FAILED]
    each = f", {merged.seconds / ended:.2f} s a case" if ended else ""
    lines = [
        f"MASAM {masam_core.__version__}, {time.strftime('%Y-%m-%d %H:%M')}",
        f"{sum(merged.counts.values())} cases: {merged.summary}",
        f"{merged.lesions} lesions in {TABLE_FILE}.",
        f"All cases together took {merged.seconds / 3600:.2f} hours of work{each}.",
    ]
    if merged.failed:
        lines += ["", "Failed (--retry-failed runs them again):"]
        lines += [f"  {name}: {message}" for name, message in merged.failed]
    if (more := merged.counts[FAILED] - len(merged.failed)) > 0:
        lines.append(f"  and {more} more, in {TABLE_FILE}.")
    return "\n".join(lines) + "\n"
