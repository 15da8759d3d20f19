"""The part of a canonical volume on which a mask is being corrected; it grows where it must."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from masam_core.image.geometry import CanonicalFrame
from masam_core.inference.canonical_crop import (
    Place,
    Triple,
    crop_from_canonical,
    crop_to_canonical,
)
from masam_core.lesion.cleaning import fill_enclosed
from masam_core.lesion.crops import tight_slices
from masam_core.lesion.lesion import Lesion

BELOW = 1e-3  # of the threshold: what is just outside the mask
FIRST = (slice(0, 1), slice(0, 1), slice(0, 1))  # what is left of an empty one
SHOWN = 0.01  # probability: less is left out where it lies beyond all that is more


class Canvas:
    """Probability and mask of a lesion, in the canonical frame.

    The probability agrees with the mask: what cleaning dropped lies below the threshold, what it
    filled in lies at it.

    Args:
        lesion: where it begins; without probabilities the mask counts as certain.
        frame: of its volume.
        threshold: above which a voxel belongs to the lesion.

    Attributes:
        first: index in the canonical volume of the first voxel.
        probability, mask: (slices, rows, columns).
        allowed: where voxels may become lesion.
        opened: holes that the mask had, and what corrections took out of it.
    """

    def __init__(self, lesion: Lesion, frame: CanonicalFrame, threshold: float) -> None:
        self.frame, self.threshold = frame, threshold
        mask, self.first = crop_to_canonical(lesion.mask, lesion.offset_kji, frame)
        self.mask: NDArray[np.bool_] = mask.copy()
        if lesion.probability is None:
            self.probability: NDArray[np.float32] = self.mask.astype(np.float32)
        else:
            known, _ = crop_to_canonical(lesion.probability, lesion.offset_kji, frame)
            below = np.minimum(known, threshold * (1 - BELOW))
            inside = np.maximum(known, threshold)
            self.probability = np.where(self.mask, inside, below).astype(np.float32)
        self.allowed: NDArray[np.bool_] = self.mask.copy()
        self.opened: NDArray[np.bool_] = fill_enclosed(self.mask) & ~self.mask

    @property
    def place(self) -> Place:
        """The part of the canonical volume that it holds."""
        a, b, c = (slice(f, f + n) for f, n in zip(self.first, self.mask.shape, strict=True))
        return a, b, c

    def cover(self, place: Place) -> None:
        """Grow, so that a part of the canonical volume lies on the canvas."""
        before = [max(0, f - p.start) for f, p in zip(self.first, place, strict=True)]
        after = [max(0, p.stop - own.stop) for own, p in zip(self.place, place, strict=True)]
        if any(before) or any(after):
            rim = list(zip(before, after, strict=True))
            self.probability = np.pad(self.probability, rim)
            self.mask, self.allowed = np.pad(self.mask, rim), np.pad(self.allowed, rim)
            self.opened = np.pad(self.opened, rim)
            self.first = _minus(self.first, before)

    def inside(self, place: Place) -> Place:
        """A part of the canonical volume as a part of the canvas."""
        a, b, c = (slice(p.start - f, p.stop - f) for p, f in zip(place, self.first, strict=True))
        return a, b, c

    def outside(self, part: Place) -> Place:
        """A part of the canvas as a part of the canonical volume."""
        a, b, c = (slice(p.start + f, p.stop + f) for p, f in zip(part, self.first, strict=True))
        return a, b, c

    def allows(self, voxels: NDArray[np.int64]) -> bool:
        """Whether all of some canonical voxels (n, 3) may become lesion."""
        own = voxels - np.array(self.first)
        inside = ((own >= 0) & (own < self.mask.shape)).all(axis=1)
        return bool(inside.all() and self.allowed[tuple(own.T)].all())

    def index(self, voxels: NDArray[np.int64]) -> tuple[NDArray[np.int64], ...]:
        """Canonical voxels (n, 3), of which all must lie on the canvas, as an index into it."""
        return tuple((voxels - np.array(self.first)).T)

    def ends(self) -> NDArray[np.int64] | None:
        """First and last voxel (2, 3) of the mask in the canonical volume; None if it is empty."""
        if not self.mask.any():
            return None
        occupied = [
            np.flatnonzero(self.mask.any(axis=tuple({0, 1, 2} - {axis}))) for axis in range(3)
        ]
        ends = [[int(o[0]) for o in occupied], [int(o[-1]) for o in occupied]]
        return np.array(ends, dtype=np.int64) + np.array(self.first, dtype=np.int64)

    def to_source(
        self,
    ) -> tuple[NDArray[np.bool_], NDArray[np.float32], Triple]:
        """Mask and probability KJI, and their offset in the volume.

        Cropped to the mask and to probabilities that show something, so that a prompt far away
        that was taken back does not make the lesion large for good.
        """
        part = tight_slices(self.mask | (self.probability >= SHOWN)) or FIRST
        place = self.outside(part)
        first = (place[0].start, place[1].start, place[2].start)
        mask, offset = crop_from_canonical(self.mask[part], first, self.frame)
        probability, _ = crop_from_canonical(self.probability[part], first, self.frame)
        return mask, probability, offset


def _minus(first: Triple, by: list[int]) -> Triple:
    a, b, c = (f - n for f, n in zip(first, by, strict=True))
    return a, b, c
