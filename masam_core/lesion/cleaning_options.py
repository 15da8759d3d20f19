"""How a predicted mask is cleaned; light, so that a front end can check settings at its start."""

from __future__ import annotations

from dataclasses import dataclass

from masam_core.keywords import Keyword
from masam_core.limits import SMOOTH_MM


class Keep(Keyword):
    """Which connected pieces of a mask stay.

    ``centre`` are those that reach into the middle of the box, or the largest when none does.
    """

    CENTRE = "centre"
    LARGEST = "largest"
    ALL = "all"


@dataclass(frozen=True)
class PostprocessOptions:
    """How a predicted mask is cleaned.

    Attributes:
        keep: which connected pieces stay; a word will do, and becomes a member.
        fill_holes: close cavities that the lesion encloses on all sides, such as a necrotic core.
        smooth_mm: standard deviation in mm of the Gaussian that rounds the outline, 0 to 10; 0
            leaves it.

    Raises:
        ConfigError: for any other value.
    """

    keep: Keep = Keep.CENTRE
    fill_holes: bool = True
    smooth_mm: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "keep", Keep.read(self.keep, "'keep'"))
        SMOOTH_MM.check(self.smooth_mm)
