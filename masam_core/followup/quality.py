"""Whether a registration can be trusted at a lesion: a wrong one must be told, not used.

Judged on what the optimiser did not see to: the surroundings without the lesion itself and without
air must be more alike than when shifted in any direction, the way back must end where it began, and
the lesion's place must lie in the later image. The limits come from pairs of volumes of one patient
and of two (docs/FOLLOWUP.md).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from masam_core.followup.likeness import coefficient, resampled_values
from masam_core.keywords import Keyword

SHIFT_MM = 8.0
LEAST_BODY = 0.15  # of what is body in either image, that must be body in both to be compared
MOST_BACK_MM, GOOD_BACK_MM = 15.0, 5.0
MOST_MOVED_MM, GOOD_MOVED_MM = 40.0, 20.0
LEAST_VALUE, GOOD_VALUE = 0.25, 0.45
GOOD_OF_CT = 0.6  # of two CT: one scale, so that they are more alike
GOOD_LEAD = 0.02
LEAST_INSIDE, GOOD_INSIDE = 0.5, 0.98


class Trust(Keyword):
    """What a registration may be used for.

    Attributes:
        GOOD: carrying a prompt over.
        DOUBTFUL: carrying it over for a person who looks at it first.
        FAILED: nothing.
    """

    GOOD = "good"
    DOUBTFUL = "doubtful"
    FAILED = "failed"


@dataclass(frozen=True)
class Quality:
    """What was found.

    Attributes:
        trust: what it may be used for.
        words: for the reader, why; empty where it is good.
        value: likeness of the surroundings, in [0, 1].
        shifted: the highest likeness when shifted by 8 mm.
        back_mm: how far from its start the lesion's centre ends, there and back.
        inside: share of the lesion's place that lies in the later image.
    """

    trust: Trust
    words: str
    value: float
    shifted: float
    back_mm: float
    inside: float

    def to_dict(self) -> dict[str, object]:
        """Plain values, for JSON."""
        return {
            "trust": self.trust.value,
            "words": self.words,
            "likeness": round(self.value, 4),
            "likeness_when_shifted": round(self.shifted, 4),
            "there_and_back_mm": round(self.back_mm, 2),
            "inside": round(self.inside, 3),
        }


def judge(
    value: float,
    shifted: float,
    back_mm: float,
    inside: float,
    moved_mm: float = 0.0,
    both_ct: bool = False,
) -> Quality:
    """Judge figures.

    Args:
        value, shifted, back_mm, inside: see :class:`Quality`.
        moved_mm: by how much the lesion's centre lies elsewhere than the volumes as a whole say.
        both_ct: whether both images are CT.
    """
    failed, doubtful = [], []
    outside = f"{1 - inside:.0%} of the lesion's place lies outside the later image"
    if inside < LEAST_INSIDE:
        failed.append(outside)
    elif inside < GOOD_INSIDE:
        doubtful.append(outside)
    back = f"the way there and back misses its start by {back_mm:.0f} mm"
    if back_mm > MOST_BACK_MM:
        failed.append(back)
    elif back_mm > GOOD_BACK_MM:
        doubtful.append(back)
    moved = f"around the lesion it differs by {moved_mm:.0f} mm from the rest of the body"
    if moved_mm > MOST_MOVED_MM:
        failed.append(moved)
    elif moved_mm > GOOD_MOVED_MM:
        doubtful.append(moved)
    if value <= shifted:
        failed.append("the surroundings fit no better than when shifted by 8 mm")
    elif value < shifted + GOOD_LEAD:
        doubtful.append("the surroundings fit hardly better than when shifted by 8 mm")
    if value < LEAST_VALUE:
        failed.append("the surroundings are not alike")
    elif value < (GOOD_OF_CT if both_ct else GOOD_VALUE):
        doubtful.append("the surroundings are little alike")
    trust = Trust.FAILED if failed else Trust.DOUBTFUL if doubtful else Trust.GOOD
    return Quality(trust, "; ".join(failed + doubtful), value, shifted, back_mm, inside)


def surroundings_fit(
    fixed: sitk.Image,
    moving: sitk.Image,
    transform: sitk.Transform,
    leave_out: NDArray[np.bool_],
) -> tuple[float, float]:
    """Likeness of the surroundings, and the highest when they are shifted.

    Args:
        fixed, moving: the later and the earlier crop.
        transform: takes LPS mm of the later to LPS mm of the earlier one.
        leave_out: the lesion, KJI on the later crop's grid.
    """
    still = np.asarray(sitk.GetArrayFromImage(fixed))
    limits = _air(fixed), _air(moving)
    value = _body_likeness(still, resampled_values(fixed, moving, transform), limits, leave_out)
    shifted = []
    for axis in range(3):
        for step in (-SHIFT_MM, SHIFT_MM):
            shift = [0.0, 0.0, 0.0]
            shift[axis] = step
            both = sitk.CompositeTransform(3)
            both.AddTransform(transform)
            both.AddTransform(sitk.TranslationTransform(3, shift))
            moved = resampled_values(fixed, moving, both)
            shifted.append(_body_likeness(still, moved, limits, leave_out))
    return value, max(shifted)


def _body_likeness(
    still: NDArray[np.float32],
    moved: NDArray[np.float32],
    limits: tuple[float, float],
    leave_out: NDArray[np.bool_],
) -> float:
    """Likeness where both show body: air beside air makes any two patients alike."""
    counted = np.isfinite(moved) & ~leave_out
    a, b = still > limits[0], moved > limits[1]
    both = counted & a & b
    if np.count_nonzero(both) >= LEAST_BODY * int(np.count_nonzero(counted & (a | b))):
        counted = both
    return coefficient(still[counted], moved[counted])


def _air(image: sitk.Image) -> float:
    otsu = sitk.OtsuThresholdImageFilter()
    otsu.Execute(image)
    return float(otsu.GetThreshold())
