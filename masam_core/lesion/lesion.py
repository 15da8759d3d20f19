"""What one box prompt gives back: a mask, its probabilities, and what was measured on it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from masam_core.errors import SegmentationError

if TYPE_CHECKING:
    from masam_core.image.geometry import Geometry
    from masam_core.image.volume import Volume
    from masam_core.lesion.measure import Measurements
    from masam_core.prompts.boxes import BoxPrompt


@dataclass(eq=False)
class Lesion:
    """One segmented lesion, kept as a crop of the image so that many lesions stay cheap.

    Attributes:
        name: what the clinician called the box, or what we called it for them.
        mask: bool, KJI, a crop of the image grid.
        offset_kji: index in the whole image of the crop's first voxel.
        probability: float32 in [0, 1], KJI, same shape as ``mask``.
        confidence: in [0, 1]; how sure the model is of this mask as a whole.
        box: the prompt it came from.
        geometry: grid of the *whole* image.
        measurements: size and intensity of the mask.
        messages: notes for the reader, such as a box that had to be clipped.
        model: name of the model that made it.

    Raises:
        SegmentationError: when the arrays do not match each other or do not fit the image.
    """

    name: str
    mask: NDArray[np.bool_]
    offset_kji: tuple[int, int, int]
    probability: NDArray[np.float32]
    confidence: float
    box: BoxPrompt
    geometry: Geometry
    measurements: Measurements
    messages: tuple[str, ...] = ()
    model: str = ""

    def __post_init__(self) -> None:
        if self.mask.ndim != 3 or self.mask.dtype != np.bool_:
            raise SegmentationError(
                f"The mask of '{self.name}' must be a 3D array of true/false values; "
                f"received {self.mask.ndim}D values of type {self.mask.dtype}."
            )
        if self.probability.shape != self.mask.shape:
            raise SegmentationError(
                f"The mask of '{self.name}' is {self.mask.shape} voxels but its probability map "
                f"is {self.probability.shape}; they must be the same."
            )
        self.slices_kji()

    def slices_kji(self) -> tuple[slice, slice, slice]:
        """Where the crop lies in the whole image, as array slices (K, J, I).

        Raises:
            SegmentationError: when the crop reaches outside the image.
        """
        return crop_slices(self.mask.shape, self.offset_kji, self.geometry.shape)

    def full_mask(self) -> NDArray[np.uint8]:
        """The mask on the whole image grid: uint8 KJI, 1 inside the lesion and 0 elsewhere."""
        whole = np.zeros(self.geometry.shape, dtype=np.uint8)
        whole[self.slices_kji()] = self.mask
        return whole

    def full_probability(self) -> NDArray[np.float32]:
        """The probabilities on the whole image grid: float32 KJI, 0 outside the crop."""
        whole = np.zeros(self.geometry.shape, dtype=np.float32)
        whole[self.slices_kji()] = self.probability
        return whole


def crop_slices(
    shape: tuple[int, ...],
    offset_kji: tuple[int, int, int],
    full_shape: tuple[int, int, int],
) -> tuple[slice, slice, slice]:
    """Array slices (K, J, I) of a crop of ``shape`` at ``offset_kji`` in a ``full_shape`` grid.

    Raises:
        SegmentationError: when the crop reaches outside the grid.
    """
    ends = [first + length for first, length in zip(offset_kji, shape, strict=True)]
    if min(offset_kji) < 0 or any(e > n for e, n in zip(ends, full_shape, strict=True)):
        raise SegmentationError(
            f"A mask of {tuple(shape)} voxels (K, J, I) placed at {tuple(offset_kji)} does not fit "
            f"in an image of {tuple(full_shape)} voxels."
        )
    k, j, i = (slice(first, end) for first, end in zip(offset_kji, ends, strict=True))
    return k, j, i


def tight_slices(mask: NDArray[np.bool_]) -> tuple[slice, slice, slice] | None:
    """Array slices (K, J, I) of the smallest box that holds every voxel of a mask; None if empty.

    From the projections onto the axes, so that no list of voxels is made.
    """
    occupied = [np.flatnonzero(mask.any(axis=tuple({0, 1, 2} - {a}))) for a in range(3)]
    if occupied[0].size == 0:
        return None
    k, j, i = (slice(int(o[0]), int(o[-1]) + 1) for o in occupied)
    return k, j, i


def require_same_image(lesions: Iterable[Lesion], volume: Volume) -> None:
    """Raise SegmentationError when a lesion lies on another grid than the image."""
    for lesion in lesions:
        if not lesion.geometry.same_grid(volume.geometry):
            raise SegmentationError(
                f"'{lesion.name}' was segmented on another image: its grid is "
                f"{lesion.geometry.describe()}, that of '{volume.name}' is "
                f"{volume.geometry.describe()}, "
                "or it lies elsewhere in space."
            )
