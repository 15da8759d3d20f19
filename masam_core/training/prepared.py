"""Cases prepared for training: in the canonical frame, scaled as the model wants them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from masam_core.data.cases import Case, Target
from masam_core.errors import ConfigError, VolumeError
from masam_core.image.geometry import CanonicalFrame
from masam_core.image.intensity import normalise
from masam_core.image.lattice import on_grid
from masam_core.image.volume import read_labels, read_volume
from masam_core.lesion.crops import tight_box
from masam_core.model.config import ModelConfig
from masam_core.video.frames import is_video, open_frames
from masam_core.video.labels import open_label_frames, require_same_frames

Box = tuple[int, int, int, int, int, int]
FARTHEST = 1000.0  # scaled value; what lies beyond is no image


@dataclass(frozen=True, eq=False)
class Regions:
    """``labels`` (S, R, C) int32; ``boxes`` x0, y0, z0, x1, y1, z1 of the usable ones by label."""

    labels: NDArray[np.int32]
    boxes: dict[int, Box]


@dataclass(frozen=True, eq=False)
class PreparedCase:
    """A case in the canonical frame, ready for sampling.

    ``slices`` (S, R, C) float16, the intensity limits at 0 and 1, or of a video (S, 3, R, C) uint8;
    ``mask`` (S, R, C) bool, or uint8 class indices; ``box`` the tight box as x0, y0, z0, x1, y1, z1
    voxel indices, both ends included.
    """

    case: Case
    slices: NDArray[Any]
    mask: NDArray[Any]
    frame: CanonicalFrame
    box: Box
    regions: Regions | None = None

    @cached_property
    def slices_of_classes(self) -> list[NDArray[np.int64]]:
        """Slices of each class that is there."""
        found: dict[int, list[int]] = {}
        for index, own in enumerate(self.mask):
            for number in np.unique(own):
                found.setdefault(int(number), []).append(index)
        return [np.array(found[number]) for number in sorted(found) if number]


NO_BOX: Box = (0, 0, 0, -1, -1, -1)  # of an empty mask


def prepare_case(
    case: Case, config: ModelConfig, target: Target | None = None, nothing: bool = False
) -> list[PreparedCase]:
    """Read a case into its canonical frame, scaled as the model wants it.

    Args:
        case: volume or video with its labels.
        config: of the model.
        target: which labels count.
        nothing: take a case that holds nothing of what is to be found for an example of that, as
            training without prompts does; its mask is empty.

    Returns:
        One entry a lesion (they share the image); of a model of several classes one in all.

    Raises:
        ConfigError: image and label are on different grids, or nothing is to be found; a video for
            a model of volumes, or the other way round.
    """
    target = target or Target()
    if is_video(case.image) != config.sees_video:
        kind = "a video" if is_video(case.image) else "a volume"
        raise ConfigError(
            f"{case.name} is {kind}, and the model's channels are '{config.channels}'; videos need "
            "'rgb', volumes 'repeat' or 'local'."
        )
    if config.sees_video:
        return _prepare_video(case, config, target, nothing)
    volume = read_volume(case.image)
    labels, geometry = read_labels(case.label)
    try:
        labels = on_grid(labels, geometry, volume.geometry, case.label)
    except VolumeError as error:
        raise ConfigError(f"{case.name}: {error}") from error
    frame = volume.geometry.canonical_frame()
    found = np.ascontiguousarray(frame.to_canonical(target.classes(labels, config.num_classes)))
    masks: list[NDArray[Any]] = (
        target.lesions(found > 0) if config.num_classes == 1 else [found] if found.any() else []
    )
    if not masks and nothing:
        masks = [np.zeros_like(found)]
    if not masks:
        raise ConfigError(f"{case.name}: the label image holds no lesion.")
    slices = _scaled(volume.array, case.modality or volume.modality, frame, config)
    whole = PreparedCase(case, slices, masks[0], frame, corners_of(masks[0]))
    return [replace(whole, mask=mask, box=corners_of(mask)) for mask in masks]


def _prepare_video(
    case: Case, config: ModelConfig, target: Target, nothing: bool
) -> list[PreparedCase]:
    """A video and its labels, every frame in its own size."""
    frames, expert = open_frames(case.image), open_label_frames(case.label)
    require_same_frames(frames, expert)
    classes = np.stack(
        [target.classes(expert.classes(n), config.num_classes) for n in range(len(frames))]
    )
    masks: list[NDArray[Any]] = (
        target.lesions(classes > 0) if config.num_classes == 1 else [classes] * bool(classes.any())
    )
    if not masks and nothing:
        masks = [np.zeros_like(classes)]
    if not masks:
        raise ConfigError(f"{case.name}: the label pictures hold nothing that is to be found.")
    slices = frames.stack(np.arange(len(frames)))
    frame = frames.geometry.canonical_frame(2)
    return [PreparedCase(case, slices, mask, frame, corners_of(mask)) for mask in masks]


def prepare_background(image: Path, config: ModelConfig) -> PreparedCase:
    """Read an image without labels, for synthetic lesions; its empty mask has no box."""
    volume = read_volume(image)
    frame = volume.geometry.canonical_frame()
    slices = _scaled(volume.array, volume.modality, frame, config)
    case = Case(image.name, image.name, volume.modality or "", "background", image, image)
    nothing = np.zeros(slices.shape, dtype=bool)
    return PreparedCase(case, slices, nothing, frame, NO_BOX)


def corners_of(mask: NDArray[Any]) -> Box:
    """Tight box x0, y0, z0, x1, y1, z1 (both ends included) of a mask (slice, row, column);
    :data:`NO_BOX` of an empty one."""
    if not mask.any():
        return NO_BOX
    x0, x1, y0, y1, z0, z1 = tight_box(mask)
    return x0, y0, z0, x1, y1, z1


def _scaled(
    array: NDArray[Any], modality: str | None, frame: CanonicalFrame, config: ModelConfig
) -> NDArray[np.float16]:
    values = normalise(array, modality, config.intensity, cut=config.cuts_intensity)
    np.clip(values, -FARTHEST, FARTHEST, out=values)  # half precision ends at 65504
    return np.ascontiguousarray(frame.to_canonical(values)).astype(np.float16)
