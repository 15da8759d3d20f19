"""Places of a lesion's box and its other prompts, to be put back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from masam_core.errors import MasamError

from .lesions import MOVED_MM, VOLUME_REFERENCE, roiOf
from .promptnodes import Prompt, promptsOf, writePrompts
from .prompts import cornersInVolume, layRoi


@dataclass(frozen=True, eq=False)
class KeptPrompts:
    """All that is asked about a lesion, wherever transforms have taken its volume since.

    Attributes:
        lesion: id of the lesion.
        corners: (8, 3) of its box in the volume's own LPS, mm; None where it is not drawn.
        prompts: besides the box, in their order.
    """

    lesion: str
    corners: np.ndarray | None
    prompts: tuple[Prompt, ...]

    @classmethod
    def of(cls, scene: Any, lesion: str) -> KeptPrompts:
        """What is asked now."""
        roi = roiOf(scene, lesion)
        volume = roi.GetNodeReference(VOLUME_REFERENCE) if roi is not None else None
        corners = None
        if volume is not None:
            try:
                corners = cornersInVolume(roi, volume)
            except MasamError:  # not drawn
                corners = None
        return cls(lesion, corners, tuple(promptsOf(scene, lesion, volume)))

    def putBack(self, scene: Any) -> None:
        """Ask this again, no more and no less; nothing where the lesion's box node is gone."""
        roi = roiOf(scene, self.lesion)
        volume = roi.GetNodeReference(VOLUME_REFERENCE) if roi is not None else None
        if roi is None or volume is None:
            return
        now = KeptPrompts.of(scene, self.lesion)
        if self.corners is None:
            if now.corners is not None:
                roi.SetSize(0.0, 0.0, 0.0)
        elif now.corners is None or np.abs(now.corners - self.corners).max() > MOVED_MM:
            layRoi(roi, volume, self.corners)
        writePrompts(scene, self.lesion, volume, self.prompts)
