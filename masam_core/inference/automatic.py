"""Segmentation without prompts: every slice of a volume, every class the model knows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from masam_core.errors import Cancelled, ConfigError, IntensityError
from masam_core.inference.box_segmenter import IsCancelled, Progress
from masam_core.inference.confidence import confidence
from masam_core.inference.judging import judged
from masam_core.inference.options import SegmentOptions
from masam_core.inference.quality import Quality
from masam_core.inference.view import slice_crop
from masam_core.lesion.choosing import choose_classes
from masam_core.lesion.diameter_plane import DiameterPlane
from masam_core.lesion.lesion import Lesion
from masam_core.lesion.measure import Measurements, measure
from masam_core.model.evidence import ClassEvidence
from masam_core.prompts.boxes import BoxPrompt

if TYPE_CHECKING:
    from masam_core.inference.segmenter import Segmenter

LOOKING = 0.9  # share of the windows in the whole work; the rest is measuring
Extent = tuple[slice, slice, slice]
NOWHERE = (slice(0, 1), slice(0, 1), slice(0, 1))


@dataclass(frozen=True, eq=False)
class Classified:
    """Every voxel's likeliest class.

    Attributes:
        labels: uint8 KJI, 0 for background and for classes that were not chosen.
        sure: float16 KJI, the class's probability.
        chosen: numbers of the classes that were asked for, in the model's order.
        extents: tight KJI slices of each class that was found.
    """

    labels: NDArray[np.uint8]
    sure: NDArray[np.float16]
    chosen: tuple[int, ...]
    extents: dict[int, Extent]


def segment_classes(
    segmenter: Segmenter,
    quality: Quality = SegmentOptions.quality,
    progress: Progress | None = None,
    cancelled: IsCancelled | None = None,
    slice_axis: int | None = None,
    diameter_plane: DiameterPlane = SegmentOptions.diameter_plane,
    classes: Sequence[str] = (),
    as_said: bool = False,
) -> list[Lesion]:
    """Segment the volume that was set, without boxes, as a model trained without prompts does.

    Args:
        segmenter, quality, progress, cancelled, slice_axis, classes: see :func:`classify`.
        diameter_plane: in which diameters are taken.
        as_said: take the model's confidence at its word, as only a check of it should.

    Returns:
        One entry for each class, in the model's order, with the class's name and term; the mask of
        a class that was not found is empty (a crop of one voxel), so that the order tells the
        class. The ``probability`` is 0 outside the mask, the ``box`` is the tight box of the mask.
        The ``confidence`` is NaN, and a message says why, where the model's file does not tell of
        enough held-out patients (:mod:`masam_core.model.evidence`).

    Raises:
        ConfigError, IntensityError, Cancelled: see :func:`classify`.
    """
    found = classify(segmenter, quality, progress, cancelled, slice_axis, classes)
    each = class_lesions(segmenter, found, progress, cancelled, slice_axis, diameter_plane, as_said)
    return list(each)


def classify(
    segmenter: Segmenter,
    quality: Quality = SegmentOptions.quality,
    progress: Progress | None = None,
    cancelled: IsCancelled | None = None,
    slice_axis: int | None = None,
    classes: Sequence[str] = (),
) -> Classified:
    """Say of every voxel of the volume that was set which class it is.

    Windows slide over all slices; where they overlap their probabilities are averaged, as in
    MA-SAM, and each voxel goes to its likeliest class. Memory grows with the volume by three
    bytes a voxel, not with the number of classes.

    Args:
        segmenter: with a volume; its model must see whole slices and need no prompts.
        quality: how many windows see each slice.
        progress: called with the fraction done and a word on what is being done.
        cancelled: asked between windows.
        slice_axis: voxel axis (0 = i, 1 = j, 2 = k) across the slices; None takes the coarsest.
        classes: names of those that are wanted (see ``choose_classes``); empty takes all. The
            others take part all the same, so that a mask does not depend on what else is wanted.

    Raises:
        ConfigError: no volume was set, the model needs a box, or it does not know a class.
        IntensityError: the image has one value everywhere.
        Cancelled: ``cancelled`` said so.
    """
    volume, able, name = segmenter.volume, segmenter.abilities, segmenter.config.name
    if not able.automatic:
        raise ConfigError(
            f"The model '{name}' needs a box; automatic segmentation needs a model that was "
            "trained without prompts, on whole slices."
        )
    chosen = choose_classes(able.classes, classes, name)
    from masam_core.inference.sliding import slide  # PyTorch, which a model for boxes may not need

    if not segmenter.sees_anything():
        raise IntensityError("The image has one value everywhere, so there is nothing to see.")
    frame = volume.geometry.canonical_frame(slice_axis)
    labels = np.zeros(volume.geometry.shape, dtype=np.uint8)
    sure = np.zeros(labels.shape, dtype=np.float16)
    # Views: what is written into them lands in the volume's own order.
    out_labels, out_sure = frame.to_canonical(labels), frame.to_canonical(sure)
    crop = slice_crop(frame)
    look = partial(segmenter.look, frame, crop)
    show = None if progress is None else _part(progress, 0.0, LOOKING)
    wanted = np.zeros(256, dtype=np.uint8)
    wanted[chosen] = chosen
    for index, label, best in slide(segmenter, look, crop, frame.shape, quality, show, cancelled):
        out_labels[index], out_sure[index] = wanted[label], best
    return Classified(labels, sure, tuple(chosen), extents_of(labels))


def class_lesions(
    segmenter: Segmenter,
    found: Classified,
    progress: Progress | None = None,
    cancelled: IsCancelled | None = None,
    slice_axis: int | None = None,
    diameter_plane: DiameterPlane = SegmentOptions.diameter_plane,
    as_said: bool = False,
) -> Iterator[Lesion]:
    """Measure what was found, class by class: one at a time is held in memory.

    Args:
        segmenter: with the volume that was classified.
        found: see :func:`classify`.
        progress, cancelled, slice_axis, diameter_plane, as_said: see :func:`segment_classes`.

    Yields:
        A lesion for each class that was chosen, see :func:`segment_classes`.
    """
    volume, terms = segmenter.volume, segmenter.abilities.classes
    evidence = segmenter.abilities.evidence
    show = None if progress is None else _part(progress, LOOKING, 1.0)
    for place, number in enumerate(found.chosen):
        if cancelled is not None and cancelled():
            raise Cancelled("Segmentation was cancelled.")
        term = terms[number - 1]
        if show is not None:
            show(place / len(found.chosen), f"measuring {term.name}")
        where = found.extents.get(number, NOWHERE)
        own = found.labels[where] == number
        probability = np.where(own, found.sure[where], 0).astype(np.float32)
        k, j, i = where
        offset = (k.start, j.start, i.start)
        box = BoxPrompt.from_voxels(
            i.start, i.stop - 1, j.start, j.stop - 1, k.start, k.stop - 1, name=term.name
        )
        figures = measure(own, offset, volume, slice_axis, diameter_plane)
        known = None if evidence is None else evidence.classes[number - 1]
        said = confidence(probability, own)
        sure, messages = (said, ()) if as_said else _told(said, figures, known)
        yield Lesion(
            name=term.name,
            mask=own,
            offset_kji=offset,
            probability=probability,
            confidence=sure,
            box=box,
            geometry=volume.geometry,
            measurements=figures,
            messages=messages,
            model=segmenter.config.name,
            term=term,
        )


def _told(
    said: float, figures: Measurements, known: ClassEvidence | None
) -> tuple[float, tuple[str, ...]]:
    """Confidence and notes of a class; there is nothing to be sure of where none was found."""
    if not figures.voxels:
        return float("nan"), ()
    return judged(said, figures.volume_ml, known)


def extents_of(labels: NDArray[np.uint8]) -> dict[int, Extent]:
    """Tight KJI slices of every label above 0 that is there, in one pass over the slices."""
    found: dict[int, list[int]] = {}
    for k, plane in enumerate(labels):
        for value in np.flatnonzero(np.bincount(plane.ravel(), minlength=1)[1:]) + 1:
            mask = plane == value
            rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
            low = (k, int(rows[0]), int(cols[0]))
            high = (k + 1, int(rows[-1]) + 1, int(cols[-1]) + 1)
            known = found.get(int(value), [*low, *high])
            found[int(value)] = [*map(min, known[:3], low), *map(max, known[3:], high)]
    return {
        value: (slice(k0, k1), slice(j0, j1), slice(i0, i1))
        for value, (k0, j0, i0, k1, j1, i1) in found.items()
    }


def _part(progress: Progress, low: float, high: float) -> Progress:
    def show(fraction: float, text: str) -> None:
        progress(low + fraction * (high - low), text)

    return show
