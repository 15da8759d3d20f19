"""What one box prompt gives back: a mask, its probabilities, and what was measured on it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from masam_core.errors import SegmentationError
from masam_core.lesion.crops import crop_slices, tight_slices
from masam_core.lesion.cut import Cut
from masam_core.lesion.measure import Measurements, measure

if TYPE_CHECKING:
    from masam_core.image.geometry import Geometry
    from masam_core.image.volume import Volume
    from masam_core.lesion.organs import ClassTerm
    from masam_core.prompts.boxes import BoxPrompt
    from masam_core.prompts.record import PromptRecord


@dataclass(eq=False)
class Lesion:
    """One segmented lesion, kept as a crop of the image so that many lesions stay cheap.

    What every way of segmenting gives back: the model in this process, a worker, a batch, the
    peers of an evaluation.

    Attributes:
        name: what the clinician called the box, or what we called it for them.
        mask: bool, KJI, a crop of the image grid.
        offset_kji: index in the whole image of the crop's first voxel.
        probability: float32 in [0, 1], KJI, same shape as ``mask``; None where only the mask is
            known, as from a worker.
        confidence: in [0, 1]; how sure the model is of this mask as a whole. NaN where it does not
            say.
        box: the box it came from; the one that was found around it where the prompt was none.
        geometry: grid of the *whole* image.
        measurements: size and intensity of the mask.
        messages: notes for the reader, such as a box that had to be clipped.
        model: name of the model that made it.
        prompts: all that was asked about it, so that it can be gone on with; None where it is not
            known, as of an expert's mask.
        cuts: sides at which its box seems to cut it off; its confidence means nothing then.
        looked_mm: how far across the slices was looked for it, from the first to the last slice;
            None where the prompt itself said how far.
        term: what it is, where the model says so; None for what a prompt found.

    Raises:
        SegmentationError: when the arrays do not match each other or do not fit the image.
    """

    name: str
    mask: NDArray[np.bool_]
    offset_kji: tuple[int, int, int]
    probability: NDArray[np.float32] | None
    confidence: float
    box: BoxPrompt
    geometry: Geometry
    measurements: Measurements
    messages: tuple[str, ...] = ()
    model: str = ""
    prompts: PromptRecord | None = None
    cuts: tuple[Cut, ...] = ()
    looked_mm: float | None = None
    term: ClassTerm | None = None

    def __post_init__(self) -> None:
        if self.mask.ndim != 3 or self.mask.dtype != np.bool_:
            raise SegmentationError(
                f"The mask of '{self.name}' must be a 3D array of true/false values; "
                f"received {self.mask.ndim}D values of type {self.mask.dtype}."
            )
        if self.probability is not None and self.probability.shape != self.mask.shape:
            raise SegmentationError(
                f"The mask of '{self.name}' is {self.mask.shape} voxels but its probability map "
                f"is {self.probability.shape}; they must be the same."
            )
        self.slices_kji()

    @property
    def known_confidence(self) -> float | None:
        """The confidence where it may be shown: None where the model does not say how sure it is,
        and where the box cuts the lesion off, so that what it says is about a part alone."""
        return None if self.cuts or math.isnan(self.confidence) else self.confidence

    def slices_kji(self) -> tuple[slice, slice, slice]:
        """Place of the crop in the whole image, as array slices (K, J, I).

        Raises:
            SegmentationError: when the crop reaches outside the image.
        """
        return crop_slices(self.mask.shape, self.offset_kji, self.geometry.shape)

    @classmethod
    def from_mask(
        cls,
        mask: NDArray[np.bool_],
        volume: Volume,
        box: BoxPrompt,
        name: str = "",
        confidence: float = float("nan"),
        messages: tuple[str, ...] = (),
        model: str = "",
        prompts: PromptRecord | None = None,
    ) -> Lesion:
        """Make a lesion of a mask on the whole image, without probabilities; it is measured here.

        Args:
            mask: bool KJI, on the image's grid.
            volume: the image.
            box: the prompt that the mask answers.
            name: of the lesion; empty takes the box's, or ``Lesion``.
            confidence, messages, model, prompts: see the class.

        Raises:
            SegmentationError: the mask has another shape than the image, or other values.
        """
        if mask.shape != volume.geometry.shape:
            raise SegmentationError(
                f"The mask is {mask.shape} voxels (K, J, I) and '{volume.name}' is "
                f"{volume.geometry.shape}; they must be the same."
            )
        first = slice(0, 1)
        where = tight_slices(mask) or (first, first, first)
        crop = np.ascontiguousarray(mask[where])
        offset = (where[0].start, where[1].start, where[2].start)
        return cls(
            name=name or box.name or "Lesion",
            mask=crop,
            offset_kji=offset,
            probability=None,
            confidence=confidence,
            box=box,
            geometry=volume.geometry,
            measurements=measure(crop, offset, volume),
            messages=messages,
            model=model,
            prompts=prompts,
        )

    def mask_on_volume(self) -> NDArray[np.bool_]:
        """The mask on the whole image grid: bool, KJI, False outside the crop."""
        whole = np.zeros(self.geometry.shape, dtype=bool)
        whole[self.slices_kji()] = self.mask
        return whole

    def probability_on_volume(self) -> NDArray[np.float32]:
        """The probabilities on the whole image grid: float32, KJI, 0 outside the crop.

        Raises:
            SegmentationError: only the mask is known.
        """
        whole = np.zeros(self.geometry.shape, dtype=np.float32)
        whole[self.slices_kji()] = self.known_probability()
        return whole

    def known_probability(self) -> NDArray[np.float32]:
        """The probabilities of the crop: float32, KJI.

        Raises:
            SegmentationError: only the mask is known.
        """
        if self.probability is None:
            raise SegmentationError(
                f"'{self.name}' has no probability map: a worker and some models give masks alone. "
                "Segment it with a model in this process."
            )
        return self.probability


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
