"""Sides of a box at which a mask ends flat although the lesion goes on: the box that cuts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from masam_core.errors import ConfigError
from masam_core.keywords import Keyword

ADVICE = (
    "Extend the box there (--extend auto on the command line); the confidence of this mask means "
    "nothing."
)


class Side(Keyword):
    """A side of a box, by the patient: towards -L, +L, -P, +P, -S, +S of the LPS axes."""

    RIGHT = "right"
    LEFT = "left"
    FRONT = "front"
    BACK = "back"
    LOWER = "lower"
    UPPER = "upper"


@dataclass(frozen=True)
class Cut:
    """One side of a box that cuts a lesion off.

    Attributes:
        side: of the box; a word will do, and becomes a member.
        area_mm2: of the mask where it ends flat there.
        certainty: in [0, 1]: how sure it is that the lesion goes on.

    Raises:
        ConfigError: another side, an area below 0, or a certainty outside [0, 1].
    """

    side: Side
    area_mm2: float
    certainty: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "side", Side.read(self.side, "The side of a cut"))
        if not (self.area_mm2 >= 0 and 0 <= self.certainty <= 1):
            raise ConfigError(
                f"A cut of {self.area_mm2} mm2 that is {self.certainty} sure; expected an area of "
                "0 or more, and a certainty from 0 to 1."
            )

    def to_dict(self) -> dict[str, Any]:
        """Give plain values for JSON, messages and segment tags."""
        return {
            "side": self.side.value,
            "area_mm2": round(float(self.area_mm2), 2),
            "certainty": round(float(self.certainty), 4),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Cut:
        """The inverse of :meth:`to_dict`; ConfigError for values that are no cut."""
        try:
            return cls(values["side"], float(values["area_mm2"]), float(values["certainty"]))
        except (KeyError, TypeError, ValueError) as error:
            raise ConfigError(
                f"A cut is {values!r}; expected side, area_mm2, certainty."
            ) from error


def cut_words(cuts: Iterable[Cut]) -> str:
    """What a user is told of cuts, the surest first; empty where there is none."""
    found = sorted(cuts, key=lambda cut: -cut.certainty)
    if not found:
        return ""
    sides = [
        f"{cut.side.value} ({cut.area_mm2:.0f} mm2, {cut.certainty:.0%} sure)" for cut in found
    ]
    listed = " and ".join([", ".join(sides[:-1]), sides[-1]] if len(sides) > 1 else sides)
    word = "side" if len(sides) == 1 else "sides"
    return (
        f"The box seems to cut the lesion off at its {listed} {word}: the mask ends flat there, "
        f"and the image goes on alike. {ADVICE}"
    )
