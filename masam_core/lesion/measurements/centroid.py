"""The mean of the voxel centres."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from masam_core.lesion.measurements.measurement import Column, Measurement, Quantity
from masam_core.lesion.measurements.region import Region


def _centroid(region: Region) -> dict[str, Any]:
    (point,) = region.points_lps(_mean_ijk(region.mask)[None])
    return {"centroid_lps": point}


def _mean_ijk(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Mean voxel index in IJK order, from the counts along each axis (no list of voxels)."""
    mean = []
    for axis in (2, 1, 0):
        counts = mask.sum(axis=tuple({0, 1, 2} - {axis}), dtype=np.int64)
        mean.append(float(counts @ np.arange(counts.size)) / float(counts.sum()))
    return np.array(mean)


MEASUREMENT = Measurement(
    (
        Quantity(
            "centroid_lps",
            "mm",
            "Mean of the voxel centres, LPS.",
            columns=(
                Column("centroid_l_mm", lambda point: point[0]),
                Column("centroid_p_mm", lambda point: point[1]),
                Column("centroid_s_mm", lambda point: point[2]),
            ),
        ),
    ),
    _centroid,
)
