"""Digest of a mask, by which it is known again and a change by hand is seen."""

from __future__ import annotations

import hashlib
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from masam_core.lesion.crops import tight_slices


def mask_digest(mask: NDArray[np.bool_], offset_kji: tuple[int, int, int] = (0, 0, 0)) -> str:
    """SHA-256 of a mask's voxels and of their place, whatever crop it is given in.

    Args:
        mask: bool KJI, the whole image or a crop of it.
        offset_kji: index in the image of the mask's first voxel.
    """
    where = tight_slices(mask)
    if where is None:
        return hashlib.sha256(b"empty").hexdigest()
    tight, low = mask[where], np.array([s.start for s in where])
    digest = hashlib.sha256(np.packbits(tight).tobytes())
    place = np.concatenate([low + np.array(offset_kji), tight.shape])
    digest.update(place.astype("<i8").tobytes())
    return digest.hexdigest()


def is_digest_of(digest: str, mask: NDArray[np.bool_]) -> bool:
    """Whether a digest is that of a mask, or of it with axes that run the other way.

    A program that reads an image and saves it again may store some of its axes backwards.

    Args:
        digest: of :func:`mask_digest`.
        mask: bool KJI on the whole image.
    """
    if digest == mask_digest(mask):
        return True
    ways = [axes for count in (1, 2, 3) for axes in combinations(range(3), count)]
    return bool(mask.any()) and any(digest == mask_digest(np.flip(mask, axes)) for axes in ways)
