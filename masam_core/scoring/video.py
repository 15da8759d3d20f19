"""Agreement of a segmented video with its expert's labels, counted frame by frame."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from masam_core.data.cases import Case, Target
from masam_core.inference.quality import Quality
from masam_core.inference.segmenter import Segmenter
from masam_core.inference.video import segment_frames
from masam_core.video.frames import open_frames
from masam_core.video.labels import LabelFrames, open_label_frames, require_same_frames


@dataclass(frozen=True)
class ClassScore:
    """Dice and IoU of one class over all pixels of a video."""

    number: int
    dice: float
    iou: float


@dataclass(frozen=True)
class VideoScore:
    """What a video scores.

    Attributes:
        classes: that the expert marked in it, without background.
        frame_iou: of each frame, the mean IoU of the classes, background among them, that the
            expert marked in it. The mean over all frames of all videos is what the robotic scene
            segmentation challenge of EndoVis 2018 counts (its page "Submission").
    """

    classes: tuple[ClassScore, ...]
    frame_iou: tuple[float, ...]


def score_video(
    case: Case, segmenter: Segmenter, quality: Quality, target: Target | None = None
) -> VideoScore:
    """Segment a video without prompts and compare, one frame in memory at a time.

    Raises:
        ConfigError: a model of grey volumes.
        VolumeError: frames or labels that can't be read, or that do not belong together.
    """
    frames, expert = open_frames(case.image), open_label_frames(case.label)
    require_same_frames(frames, expert)
    found = ((i, labels) for i, labels, _ in segment_frames(segmenter, frames, quality))
    return compare_frames(found, expert, target or Target(), segmenter.config.num_classes)


def compare_frames(
    found: Iterable[tuple[int, NDArray[np.uint8]]],
    expert: LabelFrames,
    target: Target,
    count: int,
) -> VideoScore:
    """Compare labelled frames with the expert's.

    Args:
        found: index and class of each pixel (rows, columns) of every frame.
        expert: label values, which ``target`` turns into classes.
        target: see :class:`~masam_core.data.cases.Target`.
        count: classes without background.
    """
    table = np.zeros((count + 1, count + 1), dtype=np.int64)
    frame_iou = []
    for index, labels in found:
        truth = target.classes(expert.classes(index), count)
        pairs = truth.astype(np.int64) * (count + 1) + labels
        own = np.bincount(pairs.ravel(), minlength=table.size).reshape(table.shape)
        frame_iou.append(float(np.mean(_iou(own)[own.sum(axis=1) > 0])))
        table += own
    marked = [n for n in range(1, count + 1) if table[n].sum() > 0]
    both = table.sum(axis=0) + table.sum(axis=1)
    iou = _iou(table)
    scores = [ClassScore(n, float(2 * table[n, n] / both[n]), float(iou[n])) for n in marked]
    return VideoScore(tuple(scores), tuple(frame_iou))


def _iou(table: NDArray[np.int64]) -> NDArray[np.float64]:
    """IoU of each class from a table (expert, found) of pixel counts; 0 where there is none."""
    shared = np.diag(table)
    union = table.sum(axis=0) + table.sum(axis=1) - shared
    return np.asarray(shared / np.maximum(union, 1))
