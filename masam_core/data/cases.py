"""Cases for training and evaluation: an image, and which of its voxels are to be found."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from masam_core.errors import ConfigError

NOT_MARKED = -1  # in place of a label value; no label image holds it
LEAST_VOXELS = 10  # a smaller separate part of a label is a slip while drawing, no lesion


@dataclass(frozen=True)
class Case:
    """One image with its label image.

    ``modality`` is CT, MR or empty (unknown); ``weight`` how often its patient is drawn in
    training, against 1 for others.
    """

    name: str
    patient: str
    modality: str
    split: str
    image: Path
    label: Path
    weight: float = 1.0


@dataclass(frozen=True)
class Target:
    """What of a label image is to be found.

    ``labels`` are the values that count, in the order of the model's classes; empty: every value
    above 0 is the one class. With ``instances`` each separate part is a lesion of its own.
    ``merged`` are pairs of values: the first counts as the second, as both adrenal glands do where
    they are one class. A label of :data:`NOT_MARKED` is a class that the expert did not mark.
    """

    labels: tuple[int, ...] = ()
    instances: bool = False
    merged: tuple[tuple[int, int], ...] = ()

    def classes(self, array: NDArray[Any], count: int) -> NDArray[np.uint8]:
        """A label image (any shape) as class indices 0 to ``count``.

        Raises:
            ConfigError: the labels do not fit the number of classes.
        """
        for value, counts_as in self.merged:
            array = np.where(array == value, counts_as, array)
        if count == 1:
            chosen = np.isin(array, self.labels) if self.labels else array > 0
            return chosen.astype(np.uint8)
        if len(self.labels) != count:
            raise ConfigError(
                f"The model tells {count} classes apart, so {count} label values are needed; got "
                f"{list(self.labels)}."
            )
        out = np.zeros(array.shape, dtype=np.uint8)
        for number, value in enumerate(self.labels, start=1):
            out[array == value] = number
        return out

    def lesions(self, mask: NDArray[np.bool_]) -> list[NDArray[np.bool_]]:
        """The lesions in a mask (one without ``instances``), the largest first; none if empty."""
        if not self.instances:
            return [mask] if mask.any() else []
        parts = sitk.ConnectedComponent(sitk.GetImageFromArray(mask.astype(np.uint8)), True)
        numbered = sitk.GetArrayFromImage(
            sitk.RelabelComponent(parts, minimumObjectSize=LEAST_VOXELS)
        )
        return [numbered == n for n in range(1, int(numbered.max()) + 1)]
