"""Masks that a lesion begins with: from a file, or drawn by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from masam_core.errors import SegmentationError
from masam_core.lesion.crops import tight_box
from masam_core.prompts.boxes import BoxPrompt

if TYPE_CHECKING:
    from masam_core.image.volume import Volume


def starting_mask(mask: NDArray[np.generic], volume: Volume) -> tuple[NDArray[np.bool_], BoxPrompt]:
    """Check a mask that a lesion begins with.

    Args:
        mask: KJI, the whole image; what is not 0 belongs to the lesion.
        volume: the image.

    Returns:
        The mask as bool, and its tight box.

    Raises:
        SegmentationError: an empty mask, or one of another shape than the image.
    """
    given = np.asarray(mask)
    if given.shape != volume.geometry.shape:
        raise SegmentationError(
            f"The mask to start with is {given.shape} voxels (K, J, I) and '{volume.name}' is "
            f"{volume.geometry.shape}; they must be the same."
        )
    known = given.astype(bool)
    if not known.any():
        raise SegmentationError("The mask to start with is empty: there is nothing to correct.")
    return known, BoxPrompt.from_voxels(*tight_box(known))
