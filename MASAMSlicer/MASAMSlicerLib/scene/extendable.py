"""The sides at which a lesion's mask ends flat and its box may be extended."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from masam_core.lesion.cut import Cut
from masam_core.lesion.cut_side import side_of_corners

from .lesions import LesionEntry
from .promptnodes import inWorld


@dataclass(frozen=True, eq=False)
class Extendable:
    """One side.

    Attributes:
        side: a word of ``masam_core.lesion.cut.Side``.
        corners: (4, 3) of it, one after the other around it, world RAS, mm.
        outwards: (3,) unit vector away from the box, world RAS.
    """

    side: str
    corners: np.ndarray
    outwards: np.ndarray


def extendable(lesion: LesionEntry) -> list[Extendable]:
    """The sides that cut a lesion off, the surest first; none once box or prompts have changed."""
    made = lesion.provenance
    if made is None or lesion.volume is None or lesion.boxMoved or lesion.locked:
        return []
    cuts = sorted(map(Cut.from_dict, made.cuts), key=lambda cut: -cut.certainty)
    middle = inWorld(made.corners, lesion.volume).mean(axis=0)
    found = []
    for cut in cuts:
        corners = inWorld(side_of_corners(cut.side, made.corners), lesion.volume)
        away = corners.mean(axis=0) - middle
        found.append(Extendable(cut.side.value, corners, away / np.linalg.norm(away)))
    return found
