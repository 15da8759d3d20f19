"""Number of voxels."""

from __future__ import annotations

from masam_core.lesion.measurements.measurement import Measurement, Quantity

MEASUREMENT = Measurement(
    (Quantity("voxels", "", "Number of voxels.", empty=0),),
    lambda region: {"voxels": region.voxels},
)
