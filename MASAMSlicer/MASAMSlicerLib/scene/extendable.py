"""The sides at which a lesion's mask ends flat and its box may be extended."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from masam_core.lesion.cut import Cut, cut_words
from masam_core.lesion.cut_side import side_of_corners

from .lesions import LesionEntry
from .promptnodes import inWorld


@dataclass(frozen=True, eq=False)
class Extendable:
    """One side.

    Attributes:
        side: a word of ``masam_core.lesion.cut.Side``.
        corners: (4, 3) of it, one after the other around it, world RAS, mm.
    """

    side: str
    corners: np.ndarray


def extendable(lesion: LesionEntry) -> list[Extendable]:
    """The sides that cut a lesion off, the surest first; none once box or prompts have changed."""
    made = lesion.provenance
    if made is None or lesion.volume is None or lesion.boxMoved or lesion.locked:
        return []
    cuts = sorted(map(Cut.from_dict, made.cuts), key=lambda cut: -cut.certainty)
    return [
        Extendable(cut.side.value, inWorld(side_of_corners(cut.side, made.corners), lesion.volume))
        for cut in cuts
    ]


def withoutCuts(lesion: LesionEntry) -> tuple[str, ...]:
    """The notes of a lesion's mask besides those on cuts, which a mark and a button tell."""
    made = lesion.provenance
    if made is None:
        return ()
    told = cut_words(map(Cut.from_dict, made.cuts))
    return tuple(note for note in made.messages if note != told)
