"""The smallest box along the voxel axes that holds the lesion."""

from __future__ import annotations

from typing import Any

from masam_core.lesion.measurements.measurement import Column, Measurement, Quantity
from masam_core.lesion.measurements.region import Region, as_point


def _bounding_box(region: Region) -> dict[str, Any]:
    first, last = region.first_ijk, region.last_ijk
    (i0, j0, k0), (i1, j1, k1) = first.tolist(), last.tolist()
    return {
        "bounding_box_ijk": (i0, i1, j0, j1, k0, k1),
        "bounding_box_mm": as_point((last - first + 1) * region.spacing),
    }


MEASUREMENT = Measurement(
    (
        Quantity(
            "bounding_box_ijk",
            "",
            "First and last voxel (i0, i1, j0, j1, k0, k1), both included.",
            columns=(),
        ),
        Quantity(
            "bounding_box_mm",
            "mm",
            "Sizes of that box along i, j and k, whole voxels included.",
            columns=(
                Column("bounding_box_i_mm", lambda sizes: sizes[0]),
                Column("bounding_box_j_mm", lambda sizes: sizes[1]),
                Column("bounding_box_k_mm", lambda sizes: sizes[2]),
            ),
        ),
    ),
    _bounding_box,
)
