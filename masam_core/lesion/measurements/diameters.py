"""The longest in-plane diameter and the chord across it; see ``masam_core.lesion.diameter``."""

from __future__ import annotations

from typing import Any

from masam_core.lesion.diameter import longest_diameter
from masam_core.lesion.measurements.measurement import Column, Listed, Measurement, Quantity
from masam_core.lesion.measurements.region import Region

SIGN = "\N{LATIN CAPITAL LETTER O WITH STROKE}"  # of a diameter, in a narrow list


def _diameters(region: Region) -> dict[str, Any]:
    found = longest_diameter(region.mask, region.spacing, region.slice_axis)
    return {
        "longest_diameter_mm": found.length_mm,
        "perpendicular_diameter_mm": found.perpendicular_mm,
        "diameter_axis": region.slice_axis,
        "diameter_slice": int(region.first_ijk[region.slice_axis]) + found.slice_index,
        "diameter_endpoints_lps": region.points_lps(found.ends_ijk),
        "perpendicular_endpoints_lps": region.points_lps(found.perpendicular_ends_ijk),
    }


MEASUREMENT = Measurement(
    (
        Quantity(
            "longest_diameter_mm",
            "mm",
            "Longest diameter in a slice.",
            listed=Listed(SIGN, 1),
        ),
        Quantity(
            "perpendicular_diameter_mm",
            "mm",
            "Longest chord at right angles to the longest diameter, in the same slice.",
        ),
        Quantity(
            "diameter_axis",
            "",
            "Voxel axis (0 = i, 1 = j, 2 = k) across the slices that were measured.",
            columns=(Column("diameter_axis", lambda axis: "ijk"[axis], text=True),),
        ),
        Quantity("diameter_slice", "", "Index of that slice along the axis, from 0."),
        Quantity(
            "diameter_endpoints_lps", "mm", "Both ends of the longest diameter, LPS.", columns=()
        ),
        Quantity("perpendicular_endpoints_lps", "mm", "Both ends of the chord, LPS.", columns=()),
    ),
    _diameters,
)
