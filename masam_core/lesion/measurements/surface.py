"""Surface area by the Crofton formula of ITK's label shape statistics.

Within about 1 % on rounded lesions, lower by up to 10 % on flat faces along the grid.
"""

from __future__ import annotations

import numpy as np

from masam_core.late import sitk
from masam_core.lesion.measurements.measurement import Measurement, Quantity
from masam_core.lesion.measurements.region import Region


def _surface(region: Region) -> dict[str, float]:
    # The rim keeps the surface off the image's border, where the filter would not count it.
    image = sitk.GetImageFromArray(np.pad(region.mask, 1).astype(np.uint8))
    image.SetSpacing(region.spacing.tolist())
    shape = sitk.LabelShapeStatisticsImageFilter()
    shape.ComputePerimeterOn()
    shape.Execute(image)
    return {"surface_area_mm2": float(shape.GetPerimeter(1))}


MEASUREMENT = Measurement((Quantity("surface_area_mm2", "mm²", "Surface area."),), _surface)
