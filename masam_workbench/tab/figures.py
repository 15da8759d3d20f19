"""Numbers as a reader writes them down: three significant digits, and slices as on screen."""

from __future__ import annotations

import math
from typing import Any

from MASAMSlicerLib.scene.lesions import LesionEntry
from MASAMSlicerLib.scene.promptnodes import ACROSS
from MASAMSlicerLib.wording import promptName

DIGITS = 3


def significant(value: float | None, digits: int = DIGITS) -> str:
    """A number with so many significant digits, never as a power of ten; empty for None.

    >>> [significant(x) for x in (176.53, 12.345, 1.2, 0.01234, 1234.5, 0.0, None)]
    ['177', '12.3', '1.20', '0.0123', '1230', '0', '']
    """
    if value is None or not math.isfinite(value):
        return ""
    if value == 0:
        return "0"
    places = digits - 1 - math.floor(math.log10(abs(value)))
    rounded = round(value, places)
    places = digits - 1 - math.floor(math.log10(abs(rounded)))  # 9.996 has become 10.0
    return f"{rounded:.{max(places, 0)}f}"


def sliceNumber(index: int | None) -> int | None:
    """The number on screen of the slice with an index along its voxel axis: counted from 1."""
    return None if index is None else int(index) + 1


def span(first: int, count: int) -> str:
    """First and last of some slices, by their numbers on screen, e.g. ``12-19``."""
    return f"{first + 1}-{first + count}" if count > 1 else str(first + 1)


def askedWords(lesion: LesionEntry) -> str:
    """What a lesion's mask was asked for with, e.g. ``3D box, 2 clicks (+1, -1)``."""
    made = lesion.provenance
    if made is not None and made.byHand:
        words = ["drawn by hand"]
    elif any(prompt.first for prompt in lesion.prompts):
        firsts = [p.kind for p in lesion.prompts if p.first and p.kind != ACROSS]
        words = [promptName(kind).lower() for kind in firsts]
    else:
        words = ["3D box"]
    for kind in dict.fromkeys(p.kind for p in lesion.prompts if not p.first):
        same = [p for p in lesion.prompts if not p.first and p.kind == kind]
        more = sum(p.positive for p in same)
        counts = [f"+{more}"] * bool(more) + [f"-{len(same) - more}"] * (more < len(same))
        words.append(f"{promptName(kind).lower()} {' '.join(counts)}")
    return ", ".join(words)


def thresholdOf(lesion: LesionEntry) -> float | None:
    """The probability from which a voxel belongs to the lesion; None is the model's own."""
    made = lesion.provenance
    value: Any = made.options.get("threshold") if made is not None else None
    return float(value) if isinstance(value, int | float) else None
