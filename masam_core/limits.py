"""What the settings of a run may be: stated here once, for every front end and for the worker."""

from __future__ import annotations

import math
from dataclasses import dataclass

from masam_core.errors import ConfigError


@dataclass(frozen=True)
class Limits:
    """The range of one setting, ends included.

    Attributes:
        name: as it stands in a sentence.
        low, high: smallest and largest value that is accepted.
        unit: of the values; empty for plain numbers.

    >>> MARGIN_MM.words
    '0 to 50 mm'
    >>> MARGIN_MM.nearest(-7)
    0.0
    """

    name: str
    low: float
    high: float
    unit: str = ""

    @property
    def words(self) -> str:
        """The range for a user."""
        return self._with_unit(f"{self.low:g} to {self.high:g}")

    def check(self, value: float) -> None:
        """Raise ConfigError for a value outside the range, TypeError for what is no number."""
        if not self.low <= value <= self.high:
            received = self._with_unit(f"{value:g}")
            raise ConfigError(f"The {self.name} is {received}; expected {self.words}.")

    def nearest(self, value: float) -> float:
        """The accepted value that lies nearest; ValueError for what is no number (NaN)."""
        if math.isnan(value):
            raise ValueError(f"The {self.name} is no number.")
        return float(min(max(value, self.low), self.high))

    def _with_unit(self, text: str) -> str:
        return f"{text} {self.unit}".rstrip()


THRESHOLD = Limits("threshold", 0.05, 0.95)
MARGIN_MM = Limits("margin", 0.0, 50.0, "mm")
SMOOTH_MM = Limits("smoothing", 0.0, 10.0, "mm")
BRUSH_MM = Limits("radius of the brush", 1.0, 25.0, "mm")
CACHE_MB = Limits("cache", 64, 65536, "MB")
