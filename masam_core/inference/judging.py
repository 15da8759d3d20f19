"""How sure a mask that was made without prompts is, and what makes one doubt it, in words."""

from __future__ import annotations

import math

from masam_core.model.evidence import ENOUGH, ClassEvidence
from masam_core.prompts.warnings import LOW_CONFIDENCE, low_confidence_words

FAR = 2.0  # times beyond the volumes that were learned from: no longer the same kind of thing
CLOSELY = "Check this mask closely."


def judged(
    said: float, volume_ml: float, evidence: ClassEvidence | None
) -> tuple[float, tuple[str, ...]]:
    """The confidence that may be shown, and notes for the reader.

    Args:
        said: what the model says of itself, in [0, 1].
        volume_ml: of the mask, above 0.
        evidence: of its class; None where the model's file holds none.

    Returns:
        In [0, 1]; NaN where the model was not checked on enough patients that it had not learned
        from, and where the mask's size is unlike all that it learned from.
    """
    known = evidence or ClassEvidence()
    odd = _odd_size(volume_ml, known)
    sure = math.nan if odd else known.confidence(said)
    if odd:
        return sure, (odd,)
    if not known.checked:
        return sure, (_not_checked(known.patients),)
    return sure, (low_confidence_words(sure),) if sure < LOW_CONFIDENCE else ()


def _not_checked(patients: int) -> str:
    if not patients:
        return (
            "The confidence is not known: for this structure the model was never checked on "
            f"patients that it had not learned from. {CLOSELY}"
        )
    whom = "one patient" if patients == 1 else f"{patients} patients"
    return (
        f"The confidence is not known: for this structure the model was checked on {whom} that it "
        f"had not learned from, and {ENOUGH} are needed. {CLOSELY}"
    )


def _odd_size(volume_ml: float, known: ClassEvidence) -> str:
    if known.volumes_ml is None:
        return ""
    least, most = known.volumes_ml
    if least / FAR <= volume_ml <= most * FAR:
        return ""
    size = "smaller" if volume_ml < least else "larger"
    learned = f"{least:.3g} to {most:.3g}" if most > least else f"{least:.3g}"
    return (
        f"Its volume ({volume_ml:.3g} ml) is far {size} than any that the model learned from "
        f"({learned} ml), so the confidence is not known: something else may have "
        f"been outlined, or a part. {CLOSELY}"
    )
