"""Several methods on the same cases, class by class: a model of ours, and masks of others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from masam_core.data.cases import Case, Target
from masam_core.errors import ConfigError
from masam_core.evaluation.predictions import (
    find_predictions,
    read_prediction,
    read_video_prediction,
    same_size,
)
from masam_core.evaluation.statistics import Comparison, compare
from masam_core.image.volume import Volume
from masam_core.inference.automatic import segment_classes
from masam_core.inference.quality import Quality
from masam_core.inference.segmenter import Segmenter
from masam_core.scoring.evaluate import (
    Score,
    compare_masks,
    evaluate_cases,
    read_labelled,
    score_of_video,
)
from masam_core.scoring.video import compare_frames, score_video
from masam_core.video.frames import is_video
from masam_core.video.labels import open_label_frames

Told = Callable[[str, int, int, str], None]


@dataclass(frozen=True)
class Others:
    """Masks of another method: where they lie, and which of their values is which class."""

    folder: Path
    target: Target


@dataclass(frozen=True)
class ClassStudy:
    """Results: by method the score of each case and class that the expert marked, in one order.

    ``frame_iou`` has by method, of each video's frame, the mean IoU over the classes in it, see
    :class:`masam_core.scoring.video.VideoScore`. ``comparisons`` are paired, each method against
    the first.
    """

    classes: tuple[str, ...]
    scores: dict[str, list[Score]]
    frame_iou: dict[str, list[float]] = field(default_factory=dict)
    comparisons: list[Comparison] = field(default_factory=list)


def run_class_study(
    cases: Sequence[Case],
    classes: Sequence[str],
    target: Target,
    model: tuple[str, Segmenter] | None,
    others: Mapping[str, Others],
    quality: Quality,
    boxes: bool = False,
    progress: Told | None = None,
) -> ClassStudy:
    """Score every method on the same cases.

    Args:
        cases: with expert labels; volumes or videos.
        classes: names, in the model's order.
        target: which of the expert's label values is which class.
        model: its name in the table, and the segmenter; None compares others alone.
        others: by name in the table.
        quality: of the model's inference.
        boxes: whether the model gets the tight 3D box of the expert's mask instead of no prompt;
            for one class.
        progress: called with what is being done, number, count and name of each case.

    Raises:
        ConfigError: no method, or a case without a mask; told before the model begins.
        VolumeError: images, labels or masks that can't be read, or that do not fit together.
    """
    if model is None and not others:
        raise ConfigError("There is nothing to evaluate: neither a model nor masks of others.")
    if boxes and len(classes) > 1:
        raise ConfigError(
            "A box asks for one lesion; several classes are segmented without boxes (--automatic)."
        )
    found = {name: find_predictions(one.folder, cases) for name, one in others.items()}
    scores: dict[str, list[Score]] = {}
    frame_iou: dict[str, list[float]] = {}

    def told(name: str) -> Callable[[int, int, str], None]:
        def tell(number: int, count: int, case: str) -> None:
            if progress is not None:
                progress(name, number, count, case)

        return tell

    if model is not None:
        name, segmenter = model
        if boxes:
            scores[name] = evaluate_cases(
                cases, segmenter, quality, told(name), target, surfaces=True
            )
        else:
            scores[name], frame_iou[name] = _of_model(cases, segmenter, quality, target, told(name))
    for name, one in others.items():
        scores[name], frame_iou[name] = _of_masks(
            cases, found[name], target, one.target, len(classes), told(name)
        )
    if not any(scores.values()):
        raise ConfigError("The expert marked none of the classes in any case.")
    first = next(iter(scores))
    pairs = [compare(scores[first], own, (first, n)) for n, own in scores.items() if n != first]
    kept = {name: values for name, values in frame_iou.items() if values}
    return ClassStudy(tuple(classes), scores, kept, pairs)


def _of_model(
    cases: Sequence[Case],
    segmenter: Segmenter,
    quality: Quality,
    target: Target,
    tell: Callable[[int, int, str], None],
) -> tuple[list[Score], list[float]]:
    count = segmenter.config.num_classes
    scores: list[Score] = []
    if segmenter.config.sees_video:
        frames: list[float] = []
        for number, case in enumerate(cases):
            tell(number, len(cases), case.name)
            own = score_video(case, segmenter, quality, target)
            scores += [score_of_video(case, one) for one in own.classes]
            frames += own.frame_iou
        return scores, frames
    for case, volume, labels in read_labelled(cases, tell):
        segmenter.set_volume(volume, modality=case.modality or None)
        made = np.zeros(labels.shape, dtype=np.uint8)
        for number, lesion in enumerate(segment_classes(segmenter, quality), start=1):
            made[lesion.mask_on_volume()] = number
        truth = target.classes(labels, count)
        scores += _each_class(case, volume, made, truth, count)
    return scores, []


def _of_masks(
    cases: Sequence[Case],
    found: Mapping[str, Path],
    target: Target,
    own: Target,
    count: int,
    tell: Callable[[int, int, str], None],
) -> tuple[list[Score], list[float]]:
    scores: list[Score] = []
    frames: list[float] = []
    videos = [case for case in cases if is_video(case.image)]
    volumes = [case for case in cases if case not in videos]
    for case, volume, labels in read_labelled(volumes, tell):
        made = own.classes(read_prediction(found[case.name], volume.geometry), count)
        scores += _each_class(case, volume, made, target.classes(labels, count), count)
    for number, case in enumerate(videos):
        tell(number, len(videos), case.name)
        score = compare_frames(
            _frames_of(case, found[case.name], own, count),
            open_label_frames(case.label),
            target,
            count,
        )
        scores += [score_of_video(case, one) for one in score.classes]
        frames += score.frame_iou
    return scores, frames


def _frames_of(
    case: Case, path: Path, own: Target, count: int
) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    expert = open_label_frames(case.label)
    made = read_video_prediction(path, expert)
    for index in range(len(expert)):
        labels = own.classes(made.classes(index), count)
        same_size(labels, expert.classes(index), made.files[index])
        yield index, labels


def _each_class(
    case: Case, volume: Volume, made: NDArray[np.uint8], truth: NDArray[np.uint8], count: int
) -> list[Score]:
    """A score for each class that the expert marked."""
    return [
        compare_masks(case, number, made == number, truth == number, volume, True)
        for number in range(1, count + 1)
        if (truth == number).any()
    ]
