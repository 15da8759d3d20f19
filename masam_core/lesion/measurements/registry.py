"""The measurements that are made of every lesion, in the order of the table's columns.

A new one is a file beside this one that states a ``MEASUREMENT``, and a line here.
"""

from __future__ import annotations

from masam_core.lesion.measurements import (
    bounding_box,
    centroid,
    diameters,
    intensity,
    surface,
    volume,
    voxels,
)
from masam_core.lesion.measurements.measurement import Measurement, Quantity

MEASUREMENTS: tuple[Measurement, ...] = (
    volume.MEASUREMENT,
    diameters.MEASUREMENT,
    voxels.MEASUREMENT,
    surface.MEASUREMENT,
    bounding_box.MEASUREMENT,
    centroid.MEASUREMENT,
    intensity.MEASUREMENT,
)


def quantities() -> list[Quantity]:
    """Every quantity, in order."""
    return [quantity for measurement in MEASUREMENTS for quantity in measurement.quantities]


def listed_quantities() -> list[Quantity]:
    """Those that lists of lesions show."""
    return [quantity for quantity in quantities() if quantity.listed is not None]
