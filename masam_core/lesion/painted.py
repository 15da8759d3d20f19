"""Voxels that somebody painted or erased by hand, which stay unless a new prompt names them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from masam_core.errors import SegmentationError
from masam_core.lesion.crops import tight_slices


@dataclass(frozen=True, eq=False)
class Painted:
    """What was painted (1) and what was erased (-1) by hand, as a crop of the image grid.

    Attributes:
        values: int8, KJI: 1, -1, or 0 where nothing was done.
        offset_kji: index in the whole image of the crop's first voxel.

    Raises:
        SegmentationError: other values, or no 3D array.
    """

    values: NDArray[np.int8]
    offset_kji: tuple[int, int, int]

    def __post_init__(self) -> None:
        known = np.isin(self.values, (-1, 0, 1)).all()
        if self.values.ndim != 3 or not known:
            raise SegmentationError(
                "What was painted by hand must be a 3D array of 1 (painted), -1 (erased) and 0; "
                f"received {self.values.ndim}D values"
                f"{'' if known else f' up to {np.abs(self.values).max()}'}."
            )
        object.__setattr__(self, "values", self.values.astype(np.int8))

    @classmethod
    def between(cls, before: NDArray[np.bool_], after: NDArray[np.bool_]) -> Painted:
        """What was done by hand between two masks (KJI, whole image)."""
        changed = before != after
        where = tight_slices(changed) or (slice(0, 1), slice(0, 1), slice(0, 1))
        values = after[where].astype(np.int8) - before[where].astype(np.int8)
        return cls(values, (where[0].start, where[1].start, where[2].start))

    def voxels_ijk(self, value: int) -> NDArray[np.int64]:
        """The voxels i, j, k (n, 3) that were painted (1) or erased (-1)."""
        return (np.argwhere(self.values == value) + np.array(self.offset_kji))[:, ::-1]
