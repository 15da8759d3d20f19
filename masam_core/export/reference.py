"""Results of an image that lost its DICOM tags, on the series that it was made of.

A NIfTI or NRRD file says neither patient nor study. Where its voxels are those of a DICOM series,
in whatever order they are stored, masks are moved to the series by index; nothing is resampled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from masam_core.errors import SegmentationError, VolumeError
from masam_core.image.geometry import Geometry
from masam_core.image.lattice import difference, on_grid
from masam_core.image.volume import Volume
from masam_core.lesion.crops import tight_slices
from masam_core.lesion.diameter_plane import DiameterPlane
from masam_core.lesion.lesion import Lesion
from masam_core.lesion.measure import measure
from masam_core.prompts.boxes import BoxPrompt

_ENOUGH = 0.05  # of a lesion's SD: what conversions round away is far less


def require_reference(image: Geometry, series: Geometry) -> None:
    """Refuse a series on whose voxels an image does not lie as a whole, before the work.

    Raises:
        SegmentationError: says what differs.
    """
    if image.images is not None:
        raise SegmentationError(
            "The image is a DICOM series itself, to which results refer; --reference is for files "
            "that lost their DICOM tags."
        )
    if series.images is None:
        raise SegmentationError("--reference is no DICOM series; expected its folder.")
    try:
        on_grid(np.ones(image.shape, np.bool_), image, series, "The image")
    except VolumeError as error:
        words = difference(image, series).replace("the image", "the series")
        raise SegmentationError(
            f"The image's voxels are not those of the series that --reference names ({words}), so "
            "a mask would lie in the wrong place. Name the series that the image was made of, or "
            "segment the DICOM series itself."
        ) from error


def onto_reference(
    lesions: Sequence[Lesion],
    series: Volume,
    plane: DiameterPlane = DiameterPlane.AUTO,
    slice_axis: int | None = None,
) -> tuple[list[Lesion], list[str]]:
    """The same lesions on the series' grid, measured there.

    Args:
        lesions: on the image's grid, which :func:`require_reference` has let pass.
        series: see :func:`require_reference`.
        plane: in which diameters are taken.
        slice_axis: IJK axis of the image across the slices, where one was asked for.

    Returns:
        The lesions, and messages for the reader, e.g. where the series has other values.
    """
    found, notes = [], []
    for lesion in lesions:
        to_series = np.linalg.inv(series.geometry.ijk_to_lps) @ lesion.geometry.ijk_to_lps
        mask = on_grid(
            lesion.mask_on_volume(), lesion.geometry, series.geometry, f"'{lesion.name}'"
        )
        first = slice(0, 1)
        where = tight_slices(mask) or (first, first, first)
        crop = np.ascontiguousarray(mask[where])
        offset = (where[0].start, where[1].start, where[2].start)
        axis = None if slice_axis is None else int(np.abs(to_series[:3, slice_axis]).argmax())
        measured = measure(crop, offset, series, axis, plane)
        prompts = lesion.prompts
        if prompts is not None and isinstance(prompts.first, BoxPrompt):
            prompts = replace(prompts, first=_moved(prompts.first, to_series))
        was, now, spread = lesion.measurements.mean, measured.mean, lesion.measurements.sd
        if was is not None and now is not None and abs(was - now) > 1 + _ENOUGH * (spread or 0):
            notes.append(
                f"'{lesion.name}' has a mean of {was:.4g} in the image and of {now:.4g} in the "
                "series: is it the one that the image was made of? The report holds the series'."
            )
        found.append(
            replace(
                lesion,
                mask=crop,
                offset_kji=offset,
                probability=None,
                box=_moved(lesion.box, to_series),
                geometry=series.geometry,
                measurements=measured,
                prompts=prompts,
            )
        )
    return found, notes


def _moved(box: BoxPrompt, to_series: NDArray[np.float64]) -> BoxPrompt:
    corners = box.corners_ijk @ to_series[:3, :3].T + to_series[:3, 3]
    return BoxPrompt(corners, box.name, box.tracking_uid)
