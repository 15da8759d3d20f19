"""The longest in-plane diameter and the chord across it; see ``masam_core.lesion.diameter``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from masam_core.lesion.diameter import longest_diameter
from masam_core.lesion.measurements.measurement import Column, Listed, Measurement, Quantity
from masam_core.lesion.measurements.region import Region
from masam_core.lesion.plane import plane_across

SIGN = "\N{LATIN CAPITAL LETTER O WITH STROKE}"  # of a diameter, in a narrow list


def _diameters(region: Region) -> dict[str, Any]:
    found = longest_diameter(region.mask, region.spacing, region.slice_axis)
    return {
        "longest_diameter_mm": found.length_mm,
        "perpendicular_diameter_mm": found.perpendicular_mm,
        "diameter_plane": plane_across(region.geometry, region.slice_axis),
        "diameter_axis": region.slice_axis,
        "diameter_slice": int(region.first_ijk[region.slice_axis]) + found.slice_index,
        "diameter_endpoints_lps": region.points_lps(found.ends_ijk),
        "perpendicular_endpoints_lps": region.points_lps(found.perpendicular_ends_ijk),
    }


def diameters_text(found: Mapping[str, Any], times: str = " x ", unit: str = "") -> str:
    """Both diameters and their plane, e.g. ``24.9 x 20.1 axial``.

    Args:
        found: measurements by name.
        times: between the two numbers.
        unit: behind them.

    Returns:
        Empty where nothing was measured.
    """
    longest, across = (
        found.get(name) for name in ("longest_diameter_mm", "perpendicular_diameter_mm")
    )
    if longest is None or across is None:
        return ""
    words = [f"{longest:.1f}{times}{across:.1f}", unit, found.get("diameter_plane") or ""]
    return " ".join(word for word in words if word)


MEASUREMENT = Measurement(
    (
        Quantity(
            "longest_diameter_mm",
            "mm",
            "Longest diameter in a slice of the plane that is named beside it.",
            listed=Listed(SIGN, 1, beside="diameter_plane"),
        ),
        Quantity(
            "perpendicular_diameter_mm",
            "mm",
            "Longest chord at right angles to the longest diameter, in the same slice.",
        ),
        Quantity(
            "diameter_plane",
            "",
            "Plane of the patient in which the diameters lie: axial, coronal or sagittal, the "
            "nearest where slices are oblique.",
            columns=(Column("diameter_plane", str, text=True),),
        ),
        Quantity(
            "diameter_axis",
            "",
            "Voxel axis (0 = i, 1 = j, 2 = k) across that plane.",
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
