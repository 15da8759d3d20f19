"""What is to be done: a measurement on a series that has come whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from masam_core.pacs.files import digest
from masam_core.watch.objects import Came
from masam_core.watch.shelf import Group, Shelf


@dataclass(frozen=True)
class Case:
    """One measurement on one series.

    Attributes:
        name: a digest of both.
        measurement: report or presentation state.
        group: the series on whose images it was made.
    """

    name: str
    measurement: Came
    group: Group


@dataclass(frozen=True)
class Lonely:
    """A measurement whose images are not here.

    Attributes:
        measurement: report or presentation state.
        since: when it came (seconds since the epoch).
    """

    measurement: Came
    since: float


def cases_of(shelf: Shelf, before: float) -> Iterator[Case | Lonely]:
    """Measurements that can be worked on, and those that can't, the oldest first.

    Args:
        shelf: what is here.
        before: time (seconds since the epoch) before which the last of their objects must have
            come: a series says nowhere when it is whole.
    """
    for came, since in shelf.measurements():
        if since > before:
            continue
        groups = shelf.groups_of(came)
        if not groups:
            yield Lonely(came, since)
        for group in groups:
            if group.last <= before:
                yield Case(case_name(came.instance, group.series), came, group)


def case_name(measurement: str, series: str) -> str:
    """Name of a case: the same for the same two unique ids, and says nothing."""
    return f"case-{digest(f'{measurement} {series}')[:12]}"
