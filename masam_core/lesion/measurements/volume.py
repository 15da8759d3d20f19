"""Volume, from the number of voxels."""

from __future__ import annotations

from masam_core.lesion.measurements.measurement import Listed, Measurement, Quantity
from masam_core.lesion.measurements.region import Region


def _volume(region: Region) -> dict[str, float]:
    return {"volume_ml": region.voxels * float(region.geometry.voxel_volume_mm3) / 1000.0}


MEASUREMENT = Measurement(
    (Quantity("volume_ml", "ml", "Volume of all voxels.", empty=0.0, listed=Listed("", 2)),),
    _volume,
)
