"""The finite image values inside: Hounsfield units for CT, else the image's own numbers."""

from __future__ import annotations

from masam_core.lesion.measurements.measurement import Measurement, Quantity
from masam_core.lesion.measurements.region import Region


def _intensity(region: Region) -> dict[str, float | None]:
    values = region.values
    if not values.size:
        return dict.fromkeys(("mean", "sd", "minimum", "maximum"))
    return {
        "mean": float(values.mean()),
        "sd": float(values.std()),
        "minimum": float(values.min()),
        "maximum": float(values.max()),
    }


MEASUREMENT = Measurement(
    (
        Quantity("mean", "", "Mean intensity."),
        Quantity("sd", "", "Its standard deviation, of the population (divided by n)."),
        Quantity("minimum", "", "Lowest intensity."),
        Quantity("maximum", "", "Highest intensity."),
    ),
    _intensity,
)
