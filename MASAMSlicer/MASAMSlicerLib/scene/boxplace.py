"""Place of a lesion's box, to be put there again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from masam_core.errors import MasamError

from .lesions import MOVED_MM, VOLUME_REFERENCE, roiOf
from .prompts import cornersInVolume, layRoi


@dataclass(frozen=True, eq=False)
class BoxPlace:
    """The place of a box on its volume, wherever transforms have taken the two since.

    Attributes:
        lesion: id of the lesion.
        corners: (8, 3) in the volume's own LPS, mm; see cornersInVolume.
    """

    lesion: str
    corners: np.ndarray

    @classmethod
    def of(cls, scene: Any, lesion: str) -> BoxPlace | None:
        """The place of a lesion's box now; None where there is no box or no volume."""
        roi = roiOf(scene, lesion)
        volume = roi.GetNodeReference(VOLUME_REFERENCE) if roi is not None else None
        if volume is None:
            return None
        try:
            return cls(lesion, cornersInVolume(roi, volume))
        except MasamError:  # not drawn
            return None

    def putBack(self, scene: Any) -> None:
        """Lay the box there; nothing where it or its volume is gone, or it lies there already."""
        roi, now = roiOf(scene, self.lesion), BoxPlace.of(scene, self.lesion)
        if roi is None or now is None or np.abs(now.corners - self.corners).max() <= MOVED_MM:
            return
        layRoi(roi, roi.GetNodeReference(VOLUME_REFERENCE), self.corners)
