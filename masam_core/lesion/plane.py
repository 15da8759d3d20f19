"""Planes in which a lesion's diameters are taken: the voxel axis across one, and its name.

RECIST 1.1 measures in the plane in which the images were acquired, which for CT is the axial one
(Eisenhauer et al., European Journal of Cancer 45, 2009, appendix II).
"""

from __future__ import annotations

import numpy as np

from masam_core.image.geometry import SPACING_TIE, Geometry, closest_axes
from masam_core.image.intensity import Modality
from masam_core.lesion.diameter_plane import DiameterPlane

# Planes across left to right, front to back, and feet to head: LPS.
_ACROSS = (DiameterPlane.SAGITTAL, DiameterPlane.CORONAL, DiameterPlane.AXIAL)


def axis_across(
    plane: DiameterPlane, geometry: Geometry, kind: Modality, slice_axis: int | None = None
) -> int:
    """Voxel axis (0 = i, 1 = j, 2 = k) across a plane.

    Args:
        plane: what was asked for.
        geometry: the image's grid.
        kind: CT, MR or other.
        slice_axis: voxel axis across the slices, where someone has said so; None finds it.
    """
    if plane is DiameterPlane.AUTO:
        plane = DiameterPlane.AXIAL if kind == "CT" else DiameterPlane.ACQUISITION
    if plane is DiameterPlane.ACQUISITION:
        return acquired_across(geometry) if slice_axis is None else slice_axis
    return closest_axes(geometry.direction).index(_ACROSS.index(plane))


def acquired_across(geometry: Geometry) -> int:
    """Voxel axis (0 = i, 1 = j, 2 = k) across the plane of acquisition.

    Pixels are square in nearly every acquisition. So where two spacings are the same and the
    coarsest, they are those of the pixels, and the slices lie along the third axis. Of three equal
    ones that across the axial plane is taken.
    """
    coarse = geometry.spacing >= geometry.spacing.max() * (1 - SPACING_TIE)
    if np.count_nonzero(coarse) == 2:
        return int(np.flatnonzero(~coarse)[0])
    return geometry.acquisition_axis


def plane_across(geometry: Geometry, axis: int) -> str:
    """Name of the plane across a voxel axis: axial, coronal or sagittal, whichever lies nearest."""
    return _ACROSS[closest_axes(geometry.direction)[axis]].value
