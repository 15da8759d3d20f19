"""One region of a DICOM object on a volume's voxels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from masam_core.prompts.boxes import CORNER_BITS, BoxPrompt


@dataclass(frozen=True, eq=False)
class Region:
    """One structure or segment.

    Attributes:
        name: of it, as the file has it.
        tracking_uid: by which the lesion is known over time; empty where it is not said.
        low, high: (3,) its extent in continuous i, j, k.
        mask: makes its voxels, bool KJI on the whole grid; BoxError where they can't be made.
    """

    name: str
    tracking_uid: str
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    mask: Callable[[], NDArray[np.bool_]]

    @property
    def box(self) -> BoxPrompt:
        """The box around it."""
        corners = self.low + CORNER_BITS * (self.high - self.low)
        return BoxPrompt(corners, self.name, self.tracking_uid)
