"""Segmentation of videos: frames instead of slices, time instead of depth (MA-SAM, section 3)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from masam_core.errors import BoxError, ConfigError
from masam_core.image.geometry import CanonicalFrame
from masam_core.inference.box_segmenter import IsCancelled, Progress
from masam_core.inference.options import SegmentOptions
from masam_core.inference.quality import Quality
from masam_core.inference.segmenter import Segmenter
from masam_core.inference.sliding import Slice, probabilities, slide
from masam_core.inference.view import network_input, slice_crop
from masam_core.inference.windows import window_slices
from masam_core.model.prompt import NetworkPrompt, repeated
from masam_core.video.frames import FrameSequence

TIME = 2  # axis of a FrameSequence's grid


def segment_frames(
    segmenter: Segmenter,
    frames: FrameSequence,
    quality: Quality = SegmentOptions.quality,
    progress: Progress | None = None,
    cancelled: IsCancelled | None = None,
) -> Iterator[Slice]:
    """Segment a video without prompts, every class the model knows, frame after frame.

    Windows of consecutive frames (the paper's five) slide over it, the first and last frame
    repeated at the ends; where windows overlap their probabilities are averaged. Memory does not
    grow with the video's length.

    Args:
        segmenter: with a model that was trained on videos.
        frames: the video.
        quality: how many windows see each frame.
        progress: called with the fraction done and a word on what is being done.
        cancelled: asked between windows.

    Yields:
        Index of the frame, class of each pixel (rows, columns; 0 is background), its probability.

    Raises:
        ConfigError: a model of grey volumes.
        VolumeError: a frame that can't be read.
        Cancelled: ``cancelled`` said so.
    """
    frame = _frame(segmenter, frames)
    crop = slice_crop(frame)

    def look(start: int) -> NDArray[np.float32]:
        return _look(segmenter, frames, frame, start)

    return slide(segmenter, look, crop, frame.shape, quality, progress, cancelled)


def segment_around(
    segmenter: Segmenter,
    frames: FrameSequence,
    index: int,
    box: tuple[float, float, float, float],
    threshold: float | None = None,
) -> list[tuple[int, NDArray[np.uint8]]]:
    """Segment what a box on one frame holds, on the window of frames around it.

    Args:
        segmenter: with a model of one class that was trained on videos, with boxes.
        frames: the video.
        index: frame of the box, from 0.
        box: x0, y0, x1, y1 in pixels of the frame, both ends included.
        threshold: probability that makes a pixel object; None takes the model's.

    Returns:
        Index and mask (rows, columns; 0 and 1) of each frame of the window.

    Raises:
        BoxError: a box outside the frame, or a frame that is not there.
        ConfigError: a model of grey volumes, or of several classes.
    """
    config = segmenter.config
    frame = _frame(segmenter, frames)
    if config.num_classes != 1:
        raise ConfigError(
            f"The model '{config.name}' tells {config.num_classes} classes apart; a box asks for "
            "one object and needs a model with one."
        )
    if not 0 <= index < len(frames):
        raise BoxError(f"The video has the frames 0 to {len(frames) - 1}; got {index}.")
    rows, columns = frames.size
    x0, y0, x1, y1 = box
    if not (0 <= x0 <= x1 < columns and 0 <= y0 <= y1 < rows):
        raise BoxError(
            f"The box {x0:g} {x1:g} {y0:g} {y1:g} does not lie in the frame of {columns} x {rows} "
            "pixels."
        )
    depth = config.num_slices
    start = index - depth // 2
    crop = slice_crop(frame)
    edges = np.array([[x0 - 0.5, y0 - 0.5, x1 + 0.5, y1 + 0.5]])
    prompt = NetworkPrompt(repeated(crop.to_pixels(edges, config.image_size), depth))
    window = _look(segmenter, frames, frame, start)
    seen = probabilities(segmenter, window, crop, prompt)[:, 1, :rows, :columns].numpy()
    least = config.threshold if threshold is None else threshold
    found = []
    for number, mask in enumerate(seen >= least):
        if 0 <= start + number < len(frames):
            found.append((start + number, mask.astype(np.uint8)))
    return found


def _frame(segmenter: Segmenter, frames: FrameSequence) -> CanonicalFrame:
    if not segmenter.config.sees_video:
        raise ConfigError(
            f"The model '{segmenter.config.name}' was trained on grey volumes; a video needs one "
            "that was trained on videos (model.channels: rgb)."
        )
    return frames.geometry.canonical_frame(TIME)


def _look(
    segmenter: Segmenter, frames: FrameSequence, frame: CanonicalFrame, start: int
) -> NDArray[np.float32]:
    indices = window_slices(start, segmenter.config.num_slices, len(frames))
    values = frames.stack(indices).astype(np.float32)
    return network_input(values, slice_crop(frame), segmenter.config)
