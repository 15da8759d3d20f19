"""The same box seen several ways, whose answers are averaged: mirrored, and from further away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from masam_core.inference.job import Job, job_crop
from masam_core.inference.quality import Quality
from masam_core.inference.view import Crop
from masam_core.model.config import ModelConfig
from masam_core.prompts.boxes import SliceBoxes

FURTHER = 1.25  # times the usual crop: the next but one of the steps in which crops grow


@dataclass(frozen=True, eq=False)
class Viewpoint:
    """A job seen another way.

    Attributes:
        job: in a frame that may be mirrored.
        back: turns (slices, rows, columns) of its extent into that of the first job.
    """

    job: Job
    back: Callable[[NDArray[np.float32]], NDArray[np.float32]]


def averages_views(quality: Quality, config: ModelConfig) -> bool:
    """Whether several views are averaged: at the best quality, of a model that sees crops.

    One that sees whole slices has no other crop, and does at its best what the paper does.
    """
    return quality is Quality.BEST and config.field_of_view == "prompt"


def viewpoints(job: Job, config: ModelConfig) -> list[Viewpoint]:
    """The job as it is, mirrored along columns, along rows, and from further away."""
    wider = replace(config, crop_scale=config.crop_scale * FURTHER)
    return [
        Viewpoint(job, lambda values: values),
        Viewpoint(mirrored(job, 2), lambda values: values[:, :, ::-1]),
        Viewpoint(mirrored(job, 1), lambda values: values[:, ::-1]),
        Viewpoint(
            replace(job, crop=job_crop(job.prompt, job.where, job.frame, wider)),
            lambda values: values,
        ),
    ]


def mirrored(job: Job, axis: int) -> Job:
    """A job in the frame that is reversed along its rows (1) or columns (2)."""
    flips = [flipped != (number == axis) for number, flipped in enumerate(job.frame.flips)]
    frame = replace(job.frame, flips=(flips[0], flips[1], flips[2]))
    count = job.frame.shape[axis]
    low, high = (0, 2) if axis == 2 else (1, 3)  # of x0, y0, x1, y1

    def turn(boxes: SliceBoxes) -> SliceBoxes:
        xyxy = boxes.xyxy.copy()
        xyxy[:, low] = count - 1 - boxes.xyxy[:, high]
        xyxy[:, high] = count - 1 - boxes.xyxy[:, low]
        return replace(boxes, xyxy=xyxy, frame=frame)

    crop = job.crop
    if axis == 2:
        crop = Crop(count - crop.x0 - crop.width, crop.y0, crop.width, crop.height)
    else:
        crop = Crop(crop.x0, count - crop.y0 - crop.height, crop.width, crop.height)
    computed = None if job.computed is None else turn(job.computed)
    return replace(
        job,
        frame=frame,
        prompt=turn(job.prompt),
        allowed=turn(job.allowed),
        crop=crop,
        computed=computed,
    )
