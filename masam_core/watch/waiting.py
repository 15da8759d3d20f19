"""How long a measurement waits for its images, and what becomes of it then."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from masam_core.batch.states import DONE, FAILED, CaseState, StateFolder
from masam_core.errors import ConfigError
from masam_core.pacs.files import digest
from masam_core.watch.cases import case_name
from masam_core.watch.objects import Came
from masam_core.watch.shelf import Group, Shelf
from masam_core.watch.spec import WatchSpec

_LATE = "The images that this measurement lacked have come since."


class Waiting:
    """Ends the waiting of measurements. No measurement, and no series for its sake, stays for ever.

    A measurement without any of its images is told of after the waiting time. One that lacks a part
    of them is told of when the rest is worked through and nothing more has come for that time.
    Either may be tried again while it is kept: for as long as images are that nobody asks about.

    Args:
        spec: waiting time, and how long things are kept.
        shelf: what is here.
        states: of the cases.
        has_results: whether a case was segmented.
        log: called with a sentence; nothing identifying.
    """

    def __init__(
        self,
        spec: WatchSpec,
        shelf: Shelf,
        states: StateFolder,
        has_results: Callable[[str], bool],
        log: Callable[[str], None],
    ) -> None:
        self._spec, self._shelf, self._states = spec, shelf, states
        self._has_results, self._log = has_results, log

    def worked_through(self, came: Came, ended: str) -> None:
        """Let go of a measurement if all of its images are here and segmented.

        Args:
            came: the measurement.
            ended: the case of it that has just ended.
        """
        groups = self._shelf.groups_of(came)
        names = [case_name(came.instance, group.series) for group in groups]
        if _lacking(came, groups) or not all(n == ended or self._has_results(n) for n in names):
            return
        self._came_late(came)
        self._shelf.forget(came)

    def is_over(self, since: float, now: float) -> bool:
        """Whether a measurement has waited long enough (seconds since the epoch)."""
        return now - since > self._spec.wait_h * 3600

    def has_failed(self, came: Came) -> bool:
        """Whether it was told that a measurement lacks images."""
        return self._status(came) == FAILED

    def end(self, now: float, is_ended: Callable[[Came, Group], bool]) -> None:
        """Tell of what has waited too long, and let go of what was kept long enough since.

        Args:
            now: seconds since the epoch.
            is_ended: whether the case of a measurement and a series was worked through, well or
                not.
        """
        for came, arrived in self._shelf.measurements():
            if not self.is_over(arrived, now):
                break  # the oldest come first
            groups = self._shelf.groups_of(came)
            since = max([arrived, *(group.last for group in groups)])
            if not self.is_over(since, now) or not all(is_ended(came, g) for g in groups):
                continue
            lacking = _lacking(came, groups)
            if lacking:
                self.tell(came, self._words(lacking, len(came.refers)))
            done = all(self._has_results(case_name(came.instance, g.series)) for g in groups)
            if groups and done:
                self._shelf.forget(came)
            elif now - since > (self._spec.wait_h + self._spec.keep_h) * 3600:
                self._shelf.forget(came)
                name = case_name(came.instance, groups[0].series if groups else "")
                self._log(f"{name}: its measurement was kept long enough and is deleted.")

    def tell(self, came: Came, words: str) -> None:
        """Say once that a measurement lacks images."""
        if not self.has_failed(came):
            name = case_name(came.instance, "")
            self._states.write(name, CaseState(FAILED, words, source=digest(came.series)))
            self._log(f"{name}: failed. {words}")

    def again(self) -> int:
        """Have cases that failed wait again; gives their number.

        Those whose measurement or images are not here any more can't be tried again, which is told.
        """
        here: dict[str, Came] = {}
        for came, _ in self._shelf.measurements():
            here[case_name(came.instance, "")] = came
            for group in self._shelf.groups_of(came):
                here[case_name(came.instance, group.series)] = came
        count = gone = 0
        for name, state in self._states.others([]):
            if state.status != FAILED:
                continue
            if name not in here:
                gone += 1
                continue
            if name == case_name(here[name].instance, ""):
                self._shelf.renew(here[name])  # else its time would be over at once
            self._states.write(name, CaseState(made_of=state.made_of, source=state.source))
            count += 1
        if gone:
            which = "1 failed case" if gone == 1 else f"{gone} failed cases"
            self._log(
                f"{which} can't be tried again, because the measurement is not here any more: "
                "send it again, with its images."
            )
        return count

    def _came_late(self, came: Came) -> None:
        name = case_name(came.instance, "")
        if self._status(came) not in ("", DONE):
            self._states.write(name, CaseState(DONE, _LATE, source=digest(came.series)))
            self._log(f"{name}: done. {_LATE}")

    def _status(self, came: Came) -> str:
        """Status of the case that stands for missing images; empty if there is none."""
        with contextlib.suppress(ConfigError):
            state = self._states.read(case_name(came.instance, ""))
            return "" if state is None else state.status
        return ""

    def _words(self, lacking: int, named: int) -> str:
        if lacking == named:
            return "The images of this measurement have not come."
        have = "has" if lacking == 1 else "have"
        return (
            f"{lacking} of the {named} images that this measurement names {have} not come in "
            f"{self._spec.wait_h:g} hours. What it shows on the others was worked on; send the "
            "missing series and the measurement again to have the rest."
        )


def _lacking(came: Came, groups: list[Group]) -> int:
    """How many of the images that a measurement names are not here."""
    return len(came.refers - {uid for group in groups for uid in group.images})
