"""What is known of one lesion in each study: there, gone, too small to measure, not assessed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from masam_core.errors import ConfigError
from masam_core.keywords import Keyword

TOO_SMALL_MM = 5.0  # RECIST 1.1, section 4.2: what is there but too small to measure counts as this


class State(Keyword):
    """What a lesion is in a study.

    Attributes:
        MEASURED: there, with diameters.
        ABSENT: gone, or not there yet.
        TOO_SMALL: there, and too small to measure: counts as 5 mm.
        PROGRESSED: grown beyond doubt, as a reader judges a lesion that is no target.
        MERGED: grown together with another lesion, in which it is measured.
        UNKNOWN: not assessed: not in the image, not found again with certainty, or left out.
    """

    MEASURED = "measured"
    ABSENT = "absent"
    TOO_SMALL = "too small"
    PROGRESSED = "progressed"
    MERGED = "merged"
    UNKNOWN = "not assessed"


@dataclass(frozen=True)
class Reading:
    """One lesion in one study.

    Attributes:
        state: what it is.
        longest_mm: longest diameter; of a lesion in pieces the sum of theirs. None where there is
            none.
        short_mm: longest diameter at right angles to it (the short axis of a lymph node).
        volume_ml: volume; None where it is not known.

    Raises:
        ConfigError: a measured lesion without diameters, or a diameter below zero.
    """

    state: State
    longest_mm: float | None = None
    short_mm: float | None = None
    volume_ml: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "state", State.read(self.state, "The lesion's state"))
        diameters = (self.longest_mm, self.short_mm)
        if self.state is State.MEASURED and None in diameters:
            raise ConfigError("A measured lesion needs both its diameters.")
        if any(mm is not None and not mm >= 0 for mm in diameters):
            raise ConfigError(f"A diameter can't be {min(mm for mm in diameters if mm):g} mm.")

    @property
    def there(self) -> bool:
        """Whether it is known to be there."""
        return self.state in (State.MEASURED, State.TOO_SMALL, State.PROGRESSED, State.MERGED)

    def diameter_mm(self, node: bool) -> float | None:
        """What it adds to the sum of diameters; None where that is not known.

        The longest diameter, of a lymph node the short axis (RECIST 1.1, section 4.1). A lesion
        that has merged with another adds nothing: the other one's diameter is that of both.
        """
        if self.state in (State.ABSENT, State.MERGED):
            return 0.0
        if self.state is State.TOO_SMALL:
            return TOO_SMALL_MM
        if self.state is State.UNKNOWN:
            return None
        return self.short_mm if node else self.longest_mm


GONE, NOT_ASSESSED = Reading(State.ABSENT), Reading(State.UNKNOWN)


@dataclass(frozen=True)
class Course:
    """One lesion over all studies.

    Attributes:
        name: of the lesion.
        readings: one a study, oldest first.
        organ: that it is in; empty where nobody has said so.
        node: whether it is a lymph node.
        target: whether it is one that is measured for the sum: True and False as a reader says,
            None leaves the choice to the rules.
        new_in: index of the study in which it was first seen, where that is not the first study.
    """

    name: str
    readings: Sequence[Reading]
    organ: str = ""
    node: bool = False
    target: bool | None = None
    new_in: int | None = None
