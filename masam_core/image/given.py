"""Images in whatever form a caller has them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import ArrayLike, NDArray

from masam_core.errors import VolumeError
from masam_core.image.geometry import Geometry
from masam_core.image.volume import Volume, read_volume, volume_from_sitk

GivenVolume = Volume | str | Path | sitk.Image | NDArray[Any]


def one_volume(
    given: GivenVolume,
    spacing: ArrayLike | None = None,
    origin: ArrayLike | None = None,
    direction: ArrayLike | None = None,
) -> Volume:
    """Read an image.

    Args:
        given: a Volume, the path of a file or DICOM folder, a 3D SimpleITK image, or an array KJI.
        spacing: mm along i, j, k; an array needs it, and nothing else takes it.
        origin: of an array: LPS mm of the centre of voxel (0, 0, 0); None is (0, 0, 0).
        direction: of an array: (3, 3), columns the LPS unit vectors of its i, j, k axes; None is
            the identity.

    Raises:
        VolumeError: another form, an array without spacing, spacing for what has its own; see also
            ``read_volume``.
    """
    if isinstance(given, np.ndarray):
        return _from_array(given, spacing, origin, direction)
    if any(part is not None for part in (spacing, origin, direction)):
        raise VolumeError(
            "Spacing, origin and direction are for arrays; this image has its own. Leave them out."
        )
    if isinstance(given, Volume):
        return given
    if isinstance(given, (str, Path)):
        return read_volume(given)
    if isinstance(given, sitk.Image):
        return volume_from_sitk(given)
    raise VolumeError(
        f"The image is a {type(given).__name__}; expected a Volume, a path, a SimpleITK image or a "
        "numpy array (K, J, I) with its spacing."
    )


def _from_array(
    array: NDArray[Any],
    spacing: ArrayLike | None,
    origin: ArrayLike | None,
    direction: ArrayLike | None,
) -> Volume:
    if spacing is None:
        raise VolumeError(
            "An array does not say how large its voxels are: give spacing=(i, j, k) in mm."
        )
    if array.ndim != 3 or array.dtype.kind not in "biuf":
        raise VolumeError(
            f"The array has {array.ndim} dimensions of type {array.dtype}; expected 3 (K, J, I) of "
            "real numbers."
        )
    shape = (array.shape[0], array.shape[1], array.shape[2])
    parts = {"spacing": (spacing, 3), "origin": (origin, 3), "direction": (direction, 9)}
    for name, (value, count) in parts.items():
        if value is not None and np.size(np.asarray(value)) != count:
            raise VolumeError(f"The {name} is {value!r}; expected {count} numbers.")
    zero = (0.0, 0.0, 0.0)
    geometry = Geometry.from_spacing(shape, spacing, zero if origin is None else origin, direction)
    return Volume(array, geometry)
