"""The report of a check: one line to read, and a text to copy."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from masam_core.installation.finding import Finding, State
from masam_core.installation.private import private

WIDTH = 96
MARKS = {State.OK: "ok", State.NOTE: "note", State.PROBLEM: "WRONG", State.SKIPPED: "-"}
_LOG_LINES = 10


@dataclass(frozen=True)
class Report:
    """What a check has found.

    Attributes:
        sections: heading and findings, for each place that was looked at.
        stopped: what was going on when the user stopped the check; empty where it came to its end.
        log: the worker's last lines, where something is wrong with it.
    """

    sections: tuple[tuple[str, tuple[Finding, ...]], ...]
    stopped: str = ""
    log: tuple[str, ...] = ()

    @property
    def findings(self) -> list[Finding]:
        """Findings of all places."""
        return [finding for _, findings in self.sections for finding in findings]

    @property
    def state(self) -> State:
        """The worst that was found; SKIPPED where the check was stopped before it found one."""
        states = {finding.state for finding in self.findings}
        if State.PROBLEM in states:
            return State.PROBLEM
        if self.stopped:
            return State.SKIPPED
        return State.NOTE if State.NOTE in states else State.OK

    @property
    def verdict(self) -> str:
        """One line: whether it works, and else what is wrong first."""
        problems = [f for f in self.findings if f.state is State.PROBLEM]
        notes = [f for f in self.findings if f.state is State.NOTE]
        if problems:
            return f"Something is wrong. {_first(problems)}"
        if self.stopped:
            return f"Stopped ({self.stopped}); nothing wrong was found until then."
        if notes:
            return f"Works, with a remark. {_first(notes)}"
        return "Everything works: the tumour of the sample was outlined as expected."

    def text(self, width: int = WIDTH) -> str:
        """Lines to copy and send; without the names of user, machine or patient.

        Args:
            width: characters of a line.
        """
        lines = ["MASAM: check of this installation", *_wrapped(self.verdict, "", width)]
        for heading, findings in self.sections:
            lines += ["", heading]
            for finding in findings:
                start = f"  {MARKS[finding.state]:<6}{finding.title:<13}"
                lines += _wrapped(finding.words, start, width)
                if finding.advice and finding.state is not State.OK:
                    lines += _wrapped(f"-> {finding.advice}", " " * len(start), width)
        if self.log:
            lines += ["", "Last lines of the worker's log", *(f"  {line}" for line in self.log)]
        return private("\n".join(lines)) + "\n"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "verdict": private(self.verdict),
            "state": self.state.value,
            "stopped": self.stopped,
            "sections": [
                {"heading": heading, "findings": [f.without_names().to_dict() for f in findings]}
                for heading, findings in self.sections
            ],
            "log": [private(line) for line in self.log],
        }


def last_lines(log: Sequence[str]) -> tuple[str, ...]:
    """The end of a log, without empty lines."""
    return tuple([line for line in log if line.strip()][-_LOG_LINES:])


def _first(findings: Sequence[Finding]) -> str:
    first, rest = findings[0], len(findings) - 1
    more = f" And {rest} more: see the report." if rest else ""
    words = first.words if first.words.endswith(".") else f"{first.words}."
    title = "" if words.startswith(first.title) else f"{first.title}: "
    return private(f"{title}{words}") + more


def _wrapped(words: str, start: str, width: int) -> list[str]:
    return textwrap.wrap(
        words,
        width,
        initial_indent=start,
        subsequent_indent=" " * len(start),
        break_long_words=False,
        break_on_hyphens=False,
    )
