"""What a measurement sees of a lesion."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from masam_core.image.geometry import Geometry
    from masam_core.image.volume import Volume

Point = tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class Region:
    """The voxels of one lesion.

    Attributes:
        mask: bool KJI, the tight crop; at least one voxel is set.
        first_ijk: (3,) voxel index in the image of the crop's first voxel.
        volume: the image.
        slice_axis: voxel axis (0 = i, 1 = j, 2 = k) across the plane of the diameters.
    """

    mask: NDArray[np.bool_]
    first_ijk: NDArray[np.int64]
    volume: Volume
    slice_axis: int

    @property
    def geometry(self) -> Geometry:
        """The image's grid."""
        return self.volume.geometry

    @property
    def last_ijk(self) -> NDArray[np.int64]:
        """(3,) voxel index in the image of the crop's last voxel."""
        return self.first_ijk + self.mask.shape[::-1] - 1

    @cached_property
    def spacing(self) -> NDArray[np.float64]:
        """(3,) voxel size in mm along i, j, k."""
        return np.asarray(self.geometry.spacing, dtype=np.float64)

    @cached_property
    def voxels(self) -> int:
        """Number of voxels."""
        return int(np.count_nonzero(self.mask))

    @cached_property
    def values(self) -> NDArray[np.float64]:
        """The finite image values inside, in no promised order; possibly none."""
        i, j, k = (
            slice(int(a), int(b) + 1) for a, b in zip(self.first_ijk, self.last_ijk, strict=True)
        )
        values = np.asarray(self.volume.array[k, j, i][self.mask], dtype=np.float64)
        return values[np.isfinite(values)]

    def points_lps(self, points_ijk: NDArray[np.float64]) -> tuple[Point, ...]:
        """Points (n, 3) in continuous IJK of the crop, in LPS mm."""
        return tuple(
            as_point(xyz) for xyz in self.geometry.lps_from_ijk(points_ijk + self.first_ijk)
        )


def as_point(xyz: NDArray[np.float64]) -> Point:
    """Three numbers as plain floats."""
    x, y, z = (float(v) for v in xyz)
    return x, y, z
