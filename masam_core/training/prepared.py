"""Training and validation cases: an image, and which of its voxels are to be found."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from masam_core.errors import ConfigError
from masam_core.evaluation.metrics import tight_box
from masam_core.image.geometry import CanonicalFrame
from masam_core.image.intensity import normalise
from masam_core.image.volume import read_labels, read_volume
from masam_core.model.config import ModelConfig

Box = tuple[int, int, int, int, int, int]
FARTHEST = 1000.0  # scaled value; what lies beyond is no image
LEAST_VOXELS = 10  # smaller separate parts of a label are slips of the pen, no lesions


@dataclass(frozen=True)
class Case:
    """One image with its label image. ``modality`` is CT, MR or empty (unknown)."""

    name: str
    patient: str
    modality: str
    split: str
    image: Path
    label: Path


@dataclass(frozen=True)
class Target:
    """What of a label image is to be found.

    ``labels`` are the values that count, in the order of the model's classes; empty: every value
    above 0 is the one class. With ``instances`` each separate part is a lesion of its own.
    """

    labels: tuple[int, ...] = ()
    instances: bool = False

    def classes(self, array: NDArray[Any], count: int) -> NDArray[np.uint8]:
        """A label image (any shape) as class indices 0 to ``count``.

        Raises:
            ConfigError: the labels do not fit the number of classes.
        """
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


@dataclass(frozen=True, eq=False)
class Regions:
    """``labels`` (S, R, C) int32; ``boxes`` x0, y0, z0, x1, y1, z1 of the usable ones by label."""

    labels: NDArray[np.int32]
    boxes: dict[int, Box]


@dataclass(frozen=True, eq=False)
class PreparedCase:
    """A case in the canonical frame, ready for sampling.

    ``slices`` (S, R, C) float16, the intensity limits at 0 and 1; ``mask`` (S, R, C) bool, or
    uint8 class indices; ``box`` the tight box as x0, y0, z0, x1, y1, z1 voxel indices, both ends
    included.
    """

    case: Case
    slices: NDArray[np.float16]
    mask: NDArray[Any]
    frame: CanonicalFrame
    box: Box
    regions: Regions | None = None


def prepare_case(
    case: Case, config: ModelConfig, target: Target | None = None
) -> list[PreparedCase]:
    """Read a case into its canonical frame, scaled as the model wants it.

    Returns:
        One entry a lesion (they share the image); of a model of several classes one in all.

    Raises:
        ConfigError: image and label are on different grids, or nothing is to be found.
    """
    target = target or Target()
    volume = read_volume(case.image)
    labels, geometry = read_labels(case.label)
    if not volume.geometry.same_grid(geometry):
        raise ConfigError(f"{case.name}: image and label are not on the same grid.")
    frame = volume.geometry.canonical_frame()
    found = np.ascontiguousarray(frame.to_canonical(target.classes(labels, config.num_classes)))
    masks: list[NDArray[Any]] = (
        target.lesions(found > 0) if config.num_classes == 1 else [found] if found.any() else []
    )
    if not masks:
        raise ConfigError(f"{case.name}: the label image holds no lesion.")
    slices = _scaled(volume.array, case.modality or volume.modality, frame, config)
    whole = PreparedCase(case, slices, masks[0], frame, corners_of(masks[0]))
    return [replace(whole, mask=mask, box=corners_of(mask)) for mask in masks]


def prepare_background(image: Path, config: ModelConfig) -> PreparedCase:
    """Read an image without labels, for synthetic lesions; its empty mask has no box."""
    volume = read_volume(image)
    frame = volume.geometry.canonical_frame()
    slices = _scaled(volume.array, volume.modality, frame, config)
    case = Case(image.name, image.name, volume.modality or "", "background", image, image)
    nothing = np.zeros(slices.shape, dtype=bool)
    return PreparedCase(case, slices, nothing, frame, (0, 0, 0, -1, -1, -1))


def corners_of(mask: NDArray[Any]) -> Box:
    """Tight box x0, y0, z0, x1, y1, z1 (both ends included) of a mask (slice, row, column)."""
    x0, x1, y0, y1, z0, z1 = tight_box(mask)
    return x0, y0, z0, x1, y1, z1


def _scaled(
    array: NDArray[Any], modality: str | None, frame: CanonicalFrame, config: ModelConfig
) -> NDArray[np.float16]:
    values = normalise(array, modality, config.intensity, cut=config.cuts_intensity)
    np.clip(values, -FARTHEST, FARTHEST, out=values)  # half precision ends at 65504
    return np.ascontiguousarray(frame.to_canonical(values)).astype(np.float16)
