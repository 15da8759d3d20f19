"""Segmentation without prompts: every slice of a volume, every class the model knows."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from masam_core.errors import ConfigError, IntensityError
from masam_core.image.geometry import CanonicalFrame
from masam_core.inference.box_segmenter import IsCancelled, Progress
from masam_core.inference.confidence import confidence
from masam_core.inference.options import SegmentOptions
from masam_core.inference.quality import Quality
from masam_core.inference.segmenter import Segmenter
from masam_core.inference.view import slice_crop
from masam_core.lesion.crops import tight_slices
from masam_core.lesion.diameter_plane import DiameterPlane
from masam_core.lesion.lesion import Lesion
from masam_core.lesion.measure import measure
from masam_core.prompts.boxes import BoxPrompt


def segment_classes(
    segmenter: Segmenter,
    quality: Quality = SegmentOptions.quality,
    progress: Progress | None = None,
    cancelled: IsCancelled | None = None,
    slice_axis: int | None = None,
    diameter_plane: DiameterPlane = SegmentOptions.diameter_plane,
) -> list[Lesion]:
    """Segment the volume that was set, without boxes, as a model trained without prompts does.

    Windows slide over all slices; where they overlap their probabilities are averaged, as in
    MA-SAM, and each voxel goes to its likeliest class. Memory grows with the volume by three
    bytes a voxel, not with the number of classes.

    Args:
        segmenter: with a volume; its model must see whole slices and need no shape prior.
        quality: how many windows see each slice.
        progress: called with the fraction done and a word on what is being done.
        cancelled: asked between windows.
        slice_axis: voxel axis (0 = i, 1 = j, 2 = k) across the slices; None takes the coarsest.
        diameter_plane: in which diameters are taken.

    Returns:
        One entry for each class, in the model's order, with the class's name; the mask of a class
        that was not found is empty (a crop of one voxel), so that the order tells the class. The
        ``probability`` is 0 outside the mask, the ``box`` is the tight box of the mask.

    Raises:
        ConfigError: no volume was set, or the model needs a box.
        IntensityError: the image has one value everywhere.
        Cancelled: ``cancelled`` said so.
    """
    config, volume = segmenter.config, segmenter.volume
    if config.field_of_view != "slice" or config.shape_prior != "none":
        raise ConfigError(
            f"The model '{config.name}' needs a box; automatic segmentation needs a model that was "
            "trained without prompts, on whole slices."
        )
    if not segmenter.sees_anything():
        raise IntensityError("The image has one value everywhere, so there is nothing to see.")
    frame = volume.geometry.canonical_frame(slice_axis)
    labels, sure = _slide(segmenter, frame, quality, progress, cancelled)
    found = []
    for number in range(1, config.num_classes + 1):
        mask = labels == number
        tight = tight_slices(mask) or (slice(0, 1), slice(0, 1), slice(0, 1))
        k, j, i = tight
        own = np.ascontiguousarray(mask[tight])
        probability = np.where(own, sure[tight], 0).astype(np.float32)
        offset = (k.start, j.start, i.start)
        name = config.class_names[number - 1] if config.class_names else f"class {number}"
        box = BoxPrompt.from_voxels(
            i.start, i.stop - 1, j.start, j.stop - 1, k.start, k.stop - 1, name=name
        )
        found.append(
            Lesion(
                name=name,
                mask=own,
                offset_kji=offset,
                probability=probability,
                confidence=confidence(probability, own),
                box=box,
                geometry=volume.geometry,
                measurements=measure(own, offset, volume, slice_axis, diameter_plane),
                model=config.name,
            )
        )
    return found


def _slide(
    segmenter: Segmenter,
    frame: CanonicalFrame,
    quality: Quality,
    progress: Progress | None,
    cancelled: IsCancelled | None,
) -> tuple[NDArray[np.uint8], NDArray[np.float16]]:
    """Class and its probability of every voxel, KJI."""
    from masam_core.inference.sliding import slide  # torch, which no model with boxes needs here

    labels = np.zeros(segmenter.volume.geometry.shape, dtype=np.uint8)
    sure = np.zeros(labels.shape, dtype=np.float16)
    # Views: what is written into them lands in the volume's own order.
    out_labels, out_sure = frame.to_canonical(labels), frame.to_canonical(sure)
    crop = slice_crop(frame)
    look = partial(segmenter.look, frame, crop)
    found = slide(segmenter, look, crop, frame.shape, quality, progress, cancelled)
    for index, label, best in found:
        out_labels[index], out_sure[index] = label, best
    return labels, sure
