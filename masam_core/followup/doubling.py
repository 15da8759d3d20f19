"""Volumetric doubling time, and whether a change is more than the noise of measuring.

Growth is taken to be exponential: DT = t ln 2 / ln(V2 / V1) (Schwartz, Cancer 14 (1961) 1272-1294).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from masam_core.errors import ConfigError

# A volume of the same nodule, measured twice, differs by up to a quarter; the British Thoracic
# Society takes less for no growth (Callister et al., Thorax 70 (2015) ii1-ii54).
NOISE = 0.25


@dataclass(frozen=True)
class Doubling:
    """How fast a volume changes.

    Attributes:
        days: doubling time; below zero the time in which it halves. None where the change is
            within the noise, or nothing can be said.
        low_days, high_days: of a change beyond the noise, the range of ``days`` that the noise
            leaves.
        words: for the reader.

    >>> doubling_time(1.0, 2.0, 100).days
    100.0
    >>> doubling_time(1.0, 1.1, 100).words
    'within the noise of measuring (10 % in 100 days); if it grows, it doubles in 217 days or more'
    """

    days: float | None
    low_days: float | None
    high_days: float | None
    words: str


def doubling_time(
    before_ml: float | None, now_ml: float | None, days: float | None, noise: float = NOISE
) -> Doubling:
    """How fast a lesion has grown between two studies.

    Args:
        before_ml, now_ml: volumes; None where one is not known.
        days: between the studies; None where a date is not known.
        noise: by how much (as a share) the ratio of two volumes of an unchanged lesion may be off.

    Raises:
        ConfigError: a noise outside 0 to 1.
    """
    if not 0 <= noise < 1:
        raise ConfigError(f"The noise of a volume is {noise:g}; expected 0 to below 1.")
    if days is None:
        return _none("doubling time not known: a date is missing")
    if days <= 0:
        return _none("doubling time not known: both studies are of one day")
    if before_ml is None or now_ml is None:
        return _none("doubling time not known: not measured in both studies")
    if before_ml <= 0 or now_ml <= 0:
        return _none("has no doubling time: there is no lesion in one of the studies")
    ratio = now_ml / before_ml
    change = f"{ratio - 1:+.0%}".replace("%", " %").lstrip("+")
    if 1 / (1 + noise) <= ratio <= 1 + noise:
        fastest = _days(days, ratio * (1 + noise)) if ratio >= 1 else None
        least = f"; if it grows, it doubles in {fastest:.0f} days or more" if fastest else ""
        return _none(f"within the noise of measuring ({change} in {days:.0f} days){least}")
    central = days * math.log(2) / math.log(ratio)
    ends = [_days(days, ratio / (1 + noise)), _days(days, ratio * (1 + noise))]
    low, high = sorted((end for end in ends if end is not None), key=abs)
    word = "doubles" if central > 0 else "halves"
    words = f"{word} in {abs(central):.0f} days ({abs(low):.0f} to {abs(high):.0f})"
    return Doubling(central, low, high, words)


def _days(days: float, ratio: float) -> float | None:
    return None if ratio == 1 else days * math.log(2) / math.log(ratio)


def _none(words: str) -> Doubling:
    return Doubling(None, None, None, words)
