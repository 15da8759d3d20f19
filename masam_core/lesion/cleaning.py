"""Cleaning a predicted mask: stay inside the box, smooth, fill holes, drop stray islands."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from masam_core.errors import SegmentationError
from masam_core.late import sitk
from masam_core.lesion.cleaning_options import Keep, PostprocessOptions


def postprocess(
    mask: NDArray[np.bool_],
    region: NDArray[np.bool_],
    centre: NDArray[np.bool_],
    spacing: ArrayLike,
    options: PostprocessOptions,
) -> NDArray[np.bool_]:
    """Clean a mask; nothing outside ``region`` is ever set.

    Pieces are connected by faces, edges or corners (26 neighbours). Holes are filled before
    pieces are chosen, so that a ring around a necrotic core counts as reaching the middle.

    Args:
        mask: predicted voxels, bool KJI.
        region: voxels that may be set (inside the box and its margin), bool KJI.
        centre: the middle of the box, bool KJI.
        spacing: voxel size in mm along i, j, k (the order of ``Geometry.spacing``).
        options: what to do.

    Returns:
        A new bool KJI array, a subset of ``region``.

    Raises:
        SegmentationError: when the three arrays differ in shape.
    """
    if not (mask.ndim == 3 and mask.shape == region.shape == centre.shape):
        raise SegmentationError(
            "The mask, its box and the box's centre must be 3D arrays of one shape; "
            f"received {mask.shape}, {region.shape} and {centre.shape}."
        )
    kept = np.logical_and(mask, region)
    if not kept.any():
        return kept
    if options.smooth_mm > 0:
        smoothed = smooth(kept, spacing, options.smooth_mm) & region
        # A lesion thinner than the Gaussian would vanish: keep what the model saw instead.
        if smoothed.any():
            kept = smoothed
    if options.fill_holes:
        kept = fill_enclosed(kept) & region
    if options.keep is Keep.ALL:
        return kept
    return keep_pieces(kept, centre if options.keep is Keep.CENTRE else None)


def smooth(mask: NDArray[np.bool_], spacing: ArrayLike, sigma_mm: float) -> NDArray[np.bool_]:
    """Gaussian-smooth a bool KJI mask and cut it at one half; ``spacing`` in mm along i, j, k."""
    image = sitk.GetImageFromArray(mask.astype(np.float32))
    image.SetSpacing([float(s) for s in np.asarray(spacing, dtype=np.float64)])
    # Cost and memory grow with the kernel's width; a Gaussian is nothing beyond 4 sigma.
    width = int(np.ceil(8 * sigma_mm / min(image.GetSpacing()))) + 3
    blurred = sitk.DiscreteGaussian(image, [sigma_mm**2] * 3, width, 0.01, True)
    return np.asarray(sitk.GetArrayFromImage(blurred) >= 0.5)


def fill_enclosed(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Fill background that no path over voxel faces joins to the outside of the mask.

    A mask that is one voxel thick along some axis is filled within its plane. bool KJI in and out.
    """
    occupied = [np.flatnonzero(mask.any(axis=tuple({0, 1, 2} - {a}))) for a in range(3)]
    if any(indices.size == 0 for indices in occupied):
        return mask.copy()
    crop = tuple(slice(int(o[0]), int(o[-1]) + 1) for o in occupied)
    # The rim stands for the outside. A one-voxel-thick axis gets none, or every hole would leak.
    rim = [(1, 1) if s.stop - s.start > 1 else (0, 0) for s in crop]
    if not any(r == (1, 1) for r in rim):
        return mask.copy()
    background = np.pad(~mask[crop], rim, constant_values=True)
    pieces = sitk.GetArrayFromImage(
        sitk.ConnectedComponent(sitk.GetImageFromArray(background.astype(np.uint8)), False)
    )
    outside = np.asarray(pieces == pieces[0, 0, 0])
    inner = tuple(slice(before, -after if after else None) for before, after in rim)
    filled = mask.copy()
    filled[crop] = ~outside[inner]
    return filled


def keep_pieces(
    mask: NDArray[np.bool_], centre: NDArray[np.bool_] | None = None
) -> NDArray[np.bool_]:
    """Keep the pieces that touch ``centre``, or the largest when none does or it is None.

    bool KJI in and out. Of equally large pieces the first in array order is kept.
    """
    image = sitk.GetImageFromArray(mask.astype(np.uint8))
    pieces = sitk.GetArrayFromImage(sitk.ConnectedComponent(image, True))
    sizes = np.bincount(pieces.ravel())
    if sizes.size <= 2:
        return mask.copy()
    sizes[0] = 0
    chosen = np.zeros(sizes.size, dtype=bool)
    if centre is not None:
        chosen[pieces[centre]] = True
        chosen[0] = False
    if not chosen.any():
        chosen[int(np.argmax(sizes))] = True
    return np.asarray(chosen[pieces])
