"""A user who clicks into the largest mistake, as the interactive challenges simulate one.

After CVPR 2025's challenge on interactive 3D segmentation: the middle of the largest connected
mistake, the deepest voxel of it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from masam_core.image.geometry import Geometry
from masam_core.lesion.crops import tight_slices
from masam_core.prompts.corrections import Correction, CorrectionKind


def next_click(
    found: NDArray[np.bool_], expert: NDArray[np.bool_], geometry: Geometry
) -> Correction | None:
    """Click into the largest mistake of a mask; None where there is none.

    Args:
        found, expert: KJI masks of one shape.
        geometry: their grid.
    """
    wrong = found ^ expert
    where = tight_slices(wrong)
    if where is None:
        return None
    pieces = []
    for kind in (expert & ~found, found & ~expert):
        labels, count = ndimage.label(kind[where], np.ones((3, 3, 3)))
        if count:
            sizes = ndimage.sum_labels(kind[where], labels, range(1, count + 1))
            pieces.append((float(sizes.max()), labels == 1 + int(np.argmax(sizes))))
    _, piece = max(pieces, key=lambda each: each[0])
    depth = ndimage.distance_transform_edt(np.pad(piece, 1), geometry.spacing[::-1])
    deepest = np.argwhere(depth >= depth.max() - 1e-6)
    middle = np.argwhere(depth > 0).mean(axis=0)
    apart = (((deepest - middle) * geometry.spacing[::-1]) ** 2).sum(axis=1)
    kji = deepest[int(apart.argmin())] - 1
    kji += [part.start for part in where]
    positive = bool(expert[tuple(kji)])
    position = geometry.lps_from_ijk(kji[::-1][None].astype(np.float64))
    return Correction(CorrectionKind.POINT, position, positive)
