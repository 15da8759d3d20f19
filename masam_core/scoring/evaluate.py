"""Segment cases from boxes around their expert masks and compare."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from masam_core.data.cases import Case, Target
from masam_core.errors import ConfigError, VolumeError
from masam_core.image.lattice import on_grid
from masam_core.image.volume import read_labels, read_volume
from masam_core.inference.box_segmenter import BoxSegmenter
from masam_core.inference.options import SegmentOptions
from masam_core.inference.quality import Quality
from masam_core.lesion.crops import tight_box
from masam_core.prompts.boxes import BoxPrompt
from masam_core.scoring.metrics import dice, inscribed_ellipsoid, iou, surface_distances
from masam_core.scoring.video import ClassScore, score_video
from masam_core.video.frames import is_video

if TYPE_CHECKING:
    from masam_core.image.volume import Volume
    from masam_core.inference.segmenter import Segmenter
    from masam_core.lesion.lesion import Lesion

VoxelBox = tuple[float, float, float, float, float, float]
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Score:
    """How well one lesion was found.

    ``dice`` and ``iou`` against the expert; ``hd95_mm`` and ``asd_mm`` the 95th percentile and the
    mean of the symmetric surface distance, None where the mask is empty or they were not asked
    for; ``ellipsoid`` the Dice of the ellipsoid inscribed in the same box; ``confidence`` the
    model's own estimate of its Dice (NaN where it has none); ``seconds`` for the answer.
    """

    case: str
    modality: str
    dice: float
    ellipsoid: float
    confidence: float
    patient: str = ""
    lesion: int = 1
    iou: float = float("nan")
    hd95_mm: float | None = None
    asd_mm: float | None = None
    seconds: float = 0.0

    @property
    def source(self) -> str:
        """The letters that the case's name begins with."""
        return source_of(self.case)


def source_of(case: str) -> str:
    """The letters that a case's name begins with."""
    letters = re.match(r"[A-Za-z]*", case)
    return letters[0] if letters else ""


@dataclass(frozen=True)
class BoxError3D:
    """How the boxes of a study are off: each side by up to ``jitter`` of its length.

    ``repeats`` boxes are drawn for each lesion; 0 jitter gives the tight box.
    """

    jitter: float = 0.0
    repeats: int = 1
    seed: int = 0


def evaluate_cases(
    cases: Sequence[Case],
    segmenter: BoxSegmenter,
    quality: Quality = SegmentOptions.quality,
    progress: Progress | None = None,
    target: Target | None = None,
    boxes: BoxError3D | None = None,
    surfaces: bool = False,
) -> list[Score]:
    """One score a lesion and box; without further wishes the tight 3D box of the whole mask.

    Args:
        cases: with their expert labels.
        segmenter: what is evaluated.
        quality: of the inference.
        progress: called with number, count and name of each case.
        target: which labels count, and whether each separate part is a lesion.
        boxes: how far the boxes are off.
        surfaces: also measure surface distances, which takes a moment.

    Raises:
        VolumeError: image and label of a case are on different grids, or nothing is to be found.
    """
    boxes = boxes or BoxError3D()
    scores = []
    for case, volume, lesions in read_lesions(cases, target, progress):
        segmenter.set_volume(volume, modality=case.modality or None)
        for number, expert in enumerate(lesions, start=1):
            for box in draw_boxes(tight_box(expert), boxes, f"{case.name} {number}"):
                began = time.monotonic()
                answer = segmenter.segment(
                    BoxPrompt.from_voxels(*box), SegmentOptions(quality=quality)
                )
                seconds = time.monotonic() - began
                ellipsoid = dice(inscribed_ellipsoid(volume.geometry.shape, box), expert)
                found = answer.mask_on_volume()
                made = compare_masks(case, number, found, expert, volume, surfaces)
                scores.append(
                    replace(
                        made, ellipsoid=ellipsoid, confidence=answer.confidence, seconds=seconds
                    )
                )
    return scores


def evaluate_automatic(
    cases: Sequence[Case],
    segmenter: Segmenter,
    quality: Quality = SegmentOptions.quality,
    progress: Progress | None = None,
    target: Target | None = None,
    surfaces: bool = False,
) -> list[Score]:
    """One score a case and class of segmentation without prompts; ``lesion`` is the class.

    Classes that the expert did not mark are left out. There is no box, so no ellipsoid (NaN).

    Raises:
        VolumeError: image and label of a case are on different grids.
        ConfigError: a model that needs boxes, or labels that do not fit its classes.
    """
    target = target or Target()
    scores: list[Score] = []
    if segmenter.config.sees_video:
        for number, case in enumerate(cases):
            if progress is not None:
                progress(number, len(cases), case.name)
            began = time.monotonic()
            own = score_video(case, segmenter, quality, target)
            seconds = time.monotonic() - began
            scores += [score_of_video(case, one, seconds) for one in own.classes]
        return scores
    for case, volume, number, answer, expert, seconds in class_answers(
        cases, segmenter, quality, progress, target
    ):
        if expert.any():
            found = answer.mask_on_volume()
            made = compare_masks(case, number, found, expert, volume, surfaces)
            scores.append(replace(made, confidence=answer.confidence, seconds=seconds))
    return scores


def class_answers(
    cases: Sequence[Case],
    segmenter: Segmenter,
    quality: Quality,
    progress: Progress | None,
    target: Target,
    as_said: bool = False,
) -> Iterator[tuple[Case, Volume, int, Lesion, NDArray[np.bool_], float]]:
    """Each case and class of segmentation without prompts: case, volume, number of the class, what
    was found, the expert's mask (bool KJI, empty where none is marked), seconds for the case.

    Args:
        cases, segmenter, quality, progress, target: see :func:`evaluate_automatic`.
        as_said: see ``segment_classes``.
    """
    from masam_core.inference.automatic import segment_classes

    for case, volume, labels in read_labelled(cases, progress):
        classes = target.classes(labels, segmenter.config.num_classes)
        segmenter.set_volume(volume, modality=case.modality or None)
        began = time.monotonic()
        answers = segment_classes(segmenter, quality, as_said=as_said)
        seconds = time.monotonic() - began
        for number, answer in enumerate(answers, start=1):
            yield case, volume, number, answer, classes == number, seconds


def score_of_video(case: Case, found: ClassScore, seconds: float = 0.0) -> Score:
    """The score of a class of a video; distances in mm are none."""
    unknown = float("nan")
    return Score(
        case=case.name,
        modality=case.modality,
        dice=found.dice,
        ellipsoid=unknown,
        confidence=unknown,
        patient=case.patient,
        lesion=found.number,
        iou=found.iou,
        seconds=seconds,
    )


def read_lesions(
    cases: Sequence[Case], target: Target | None = None, progress: Progress | None = None
) -> Iterator[tuple[Case, Volume, list[NDArray[np.bool_]]]]:
    """Each case with its volume and the masks (KJI) of its lesions, largest first.

    Raises:
        VolumeError: image and label are on different grids, or nothing is to be found.
    """
    wanted = target or Target()
    for case, volume, labels in read_labelled(cases, progress):
        lesions = wanted.lesions(wanted.classes(labels, 1) > 0)
        if not lesions:
            raise VolumeError(f"{case.name}: the label image holds no lesion.")
        yield case, volume, lesions


def read_labelled(
    cases: Sequence[Case], progress: Progress | None
) -> Iterator[tuple[Case, Volume, NDArray[Any]]]:
    """Each case with its volume and label image KJI.

    Raises:
        VolumeError: image and label are on different grids.
        ConfigError: a video.
    """
    for number, case in enumerate(cases):
        if progress is not None:
            progress(number, len(cases), case.name)
        if is_video(case.image):
            raise ConfigError(
                f"{case.name} is a video; videos are evaluated without boxes (--automatic), with a "
                "model that was trained on videos."
            )
        volume = read_volume(case.image)
        labels, geometry = read_labels(case.label)
        yield case, volume, on_grid(labels, geometry, volume.geometry, case.label)


def compare_masks(
    case: Case,
    lesion: int,
    found: NDArray[np.bool_],
    expert: NDArray[np.bool_],
    volume: Volume,
    surfaces: bool,
) -> Score:
    """Agreement alone; the rest is NaN or 0."""
    distances = surface_distances(found, expert, volume.geometry) if surfaces else None
    return Score(
        case=case.name,
        modality=case.modality,
        dice=dice(found, expert),
        ellipsoid=float("nan"),
        confidence=float("nan"),
        patient=case.patient,
        lesion=lesion,
        iou=iou(found, expert),
        hd95_mm=distances[0] if distances else None,
        asd_mm=distances[1] if distances else None,
    )


def draw_boxes(
    tight: tuple[int, int, int, int, int, int], wanted: BoxError3D, name: str
) -> list[VoxelBox]:
    """Boxes i0, i1, j0, j1, k0, k1 (continuous voxel indices, ends included) around a lesion.

    The same name gives the same boxes, so that models are compared on the same prompts. No side
    moves past the middle of the box.
    """
    if not wanted.jitter:
        return [tight]
    rng = np.random.default_rng([wanted.seed, *name.encode()])
    ends = np.array(tight, dtype=np.float64)
    lengths = np.repeat(ends[1::2] - ends[0::2] + 1, 2)
    out = []
    for _ in range(wanted.repeats):
        moved = ends + rng.uniform(-wanted.jitter, wanted.jitter, size=6) * lengths
        i0, i1, j0, j1, k0, k1 = moved.tolist()
        out.append((i0, max(i0, i1), j0, max(j0, j1), k0, max(k0, k1)))
    return out
