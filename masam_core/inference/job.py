"""One box on one volume: what is computed, where it lies, and the way back to the volume."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from masam_core.image.geometry import CanonicalFrame
from masam_core.inference.view import PRIOR_LOGIT, Crop, choose_crop, ellipsoid_prior
from masam_core.model.config import ModelConfig
from masam_core.model.prompt import NetworkPrompt
from masam_core.prompts.boxes import SliceBoxes


def job_crop(
    prompt: SliceBoxes, allowed: SliceBoxes, frame: CanonicalFrame, config: ModelConfig
) -> Crop:
    """The field of view for a box; wider than usual only if the margin would not fit in.

    A box without margin then looks the same to the network as one with a small margin.
    """
    crop = choose_crop(prompt.bounds, frame, config)
    if crop.holds(allowed.bounds):
        return crop
    a, b = prompt.bounds, allowed.bounds
    union = (min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3]))
    return choose_crop(union, frame, config)


@dataclass(frozen=True)
class Depth:
    """Slices that a shape prior spans, both included, and how sure it is of them.

    Of a prompt on one slice they are a guess, which may lie between slices.
    """

    first: float
    last: float
    logit: float = PRIOR_LOGIT


@dataclass(frozen=True, eq=False)
class Job:
    """One box on one volume, in the canonical frame.

    Attributes:
        frame: of the volume.
        prompt: what the network is asked with.
        allowed: where voxels may be set.
        crop: the field of view.
        computed: where probabilities are computed: the allowed region or more, see
            :meth:`with_halo`; None is the allowed region.
        depth: which slices the shape prior spans; None are those of the prompt.
    """

    frame: CanonicalFrame
    prompt: SliceBoxes
    allowed: SliceBoxes
    crop: Crop
    computed: SliceBoxes | None = None
    depth: Depth | None = None

    def only(self, first: int, last: int) -> Job:
        """The same box, computed on some slices alone, and on the same rows and columns."""
        xyxy = np.tile(np.array(self.where.bounds), (last - first + 1, 1))
        return replace(self, computed=replace(self.where, first_slice=first, xyxy=xyxy))

    def ask(self, slices: NDArray[np.int64], config: ModelConfig) -> NetworkPrompt:
        """What the network is asked about slices: the box, and its ellipsoid where the model
        takes one."""
        boxes = self.crop.to_pixels(self.boxes_at(slices), config.image_size)
        prompt = NetworkPrompt(boxes)
        if config.shape_prior == "ellipsoid":
            prompt.masks = self.prior(slices, config)
        return prompt

    def ends(self) -> Depth:
        """The slices that the shape prior spans."""
        return self.depth or Depth(self.prompt.first_slice, self.prompt.last_slice)

    def prior(self, slices: NDArray[np.int64], config: ModelConfig) -> NDArray[np.float32]:
        """The prompt's ellipsoid as mask prompt of slices; see ``ellipsoid_prior``."""
        boxes = self.crop.to_pixels(self.boxes_at(slices), config.image_size)
        depth = self.ends()
        return ellipsoid_prior(slices, depth.first, depth.last, boxes, config, depth.logit)

    def with_halo(self, share: float, slices: int) -> Job:
        """The same box, computed on a rim around the allowed region, too.

        Args:
            share: width of the rim within slices, of the box's longer side there; at least one
                voxel, and no further than the crop or the volume.
            slices: height of the rim across slices, as far as the volume reaches.
        """
        count, rows, cols = self.frame.shape
        _, row_mm, col_mm = self.frame.spacing
        x0, y0, x1, y1 = self.allowed.bounds
        reach = share * max((x1 - x0) * col_mm, (y1 - y0) * row_mm)
        rim = np.maximum(1.0, np.array([reach / col_mm, reach / row_mm] * 2))
        low = np.maximum([self.crop.x0, self.crop.y0], 0) - 0.5
        high = np.minimum(
            [self.crop.x0 + self.crop.width, self.crop.y0 + self.crop.height], [cols, rows]
        )
        xyxy = self.allowed.xyxy + rim * [-1, -1, 1, 1]
        xyxy = np.clip(xyxy, [*low, *low], [*(high - 0.5), *(high - 0.5)])
        below = min(slices, self.allowed.first_slice)
        above = min(slices, count - 1 - self.allowed.last_slice)
        xyxy = np.pad(xyxy, ((below, above), (0, 0)), mode="edge")
        wider = replace(self.allowed, first_slice=self.allowed.first_slice - below, xyxy=xyxy)
        return replace(self, computed=wider)

    def without_halo(self) -> Job:
        """The same box, computed where voxels may be set."""
        return replace(self, computed=None)

    @property
    def where(self) -> SliceBoxes:
        """The boxes within which probabilities are computed."""
        return self.allowed if self.computed is None else self.computed

    def inner(self) -> tuple[slice, slice, slice]:
        """The place of the allowed region's extent in the extent of all that is computed."""
        own = self.without_halo().extent()
        parts = [
            slice(a.start - b.start, a.stop - b.start)
            for a, b in zip(own, self.extent(), strict=True)
        ]
        return parts[0], parts[1], parts[2]

    def key(self, start: int) -> tuple[object, ...]:
        """What of a window's embedding depends on the job."""
        return (self.frame.axes, self.frame.flips, self.crop, start)

    def boxes_at(self, slices: NDArray[np.int64]) -> NDArray[np.float64]:
        """The prompt box (n, 4) of each slice; beyond the box's ends that of the nearest slice."""
        rows = np.clip(slices - self.prompt.first_slice, 0, len(self.prompt.xyxy) - 1)
        return self.prompt.xyxy[rows]

    def extent(self) -> tuple[slice, slice, slice]:
        """Crop of the results: slices and bounding rectangle of what is computed."""
        _, rows, cols = self.frame.shape
        where = self.where
        x0, y0, x1, y1 = where.bounds
        return (
            slice(where.first_slice, where.last_slice + 1),
            slice(max(0, int(np.ceil(y0))), min(rows, int(np.floor(y1)) + 1)),
            slice(max(0, int(np.ceil(x0))), min(cols, int(np.floor(x1)) + 1)),
        )

    def in_crop(self) -> tuple[slice, slice]:
        """Rows and columns, counted from the crop's first, that both the extent and the crop hold;
        where results are computed."""
        _, rows, cols = self.extent()
        crop = self.crop
        top, bottom = max(rows.start, crop.y0), min(rows.stop, crop.y0 + crop.height)
        left, right = max(cols.start, crop.x0), min(cols.stop, crop.x0 + crop.width)
        return slice(top - crop.y0, bottom - crop.y0), slice(left - crop.x0, right - crop.x0)

    def region(self) -> NDArray[np.bool_]:
        """The voxels of the extent that may be set."""
        _, rows, cols = self.extent()
        return self.allowed.region()[:, rows, cols]

    def centre(self) -> NDArray[np.bool_]:
        """The middle half, along each axis, of the extent."""
        shape = tuple(s.stop - s.start for s in self.extent())
        out = np.zeros(shape, dtype=bool)
        middle = tuple(slice(n // 4, n - n // 4) for n in shape)
        out[middle] = True
        return out

    def to_source(
        self, mask: NDArray[np.bool_], probability: NDArray[np.float32]
    ) -> tuple[tuple[int, int, int], NDArray[np.bool_], NDArray[np.float32]]:
        """Arrays on the extent, to KJI arrays with their offset in the volume."""
        frame = self.frame
        # KJI axis of each canonical axis, from its IJK axis.
        target = [2 - axis for axis in frame.axes]
        offset = [0, 0, 0]
        arrays: list[NDArray[np.generic]] = [mask, probability]
        for canonical, (axis, flipped) in enumerate(zip(target, frame.flips, strict=True)):
            part = self.extent()[canonical]
            length = frame.shape[canonical]
            offset[axis] = length - part.stop if flipped else part.start
            if flipped:
                arrays = [np.flip(a, axis=canonical) for a in arrays]
        order = [target.index(kji) for kji in range(3)]
        turned = [np.ascontiguousarray(a.transpose(order)) for a in arrays]
        return (
            (offset[0], offset[1], offset[2]),
            turned[0].astype(bool),
            turned[1].astype(np.float32),
        )


class RunningMean:
    """Mean of overlapping predictions on the extent of a job."""

    def __init__(self, job: Job) -> None:
        self.job = job
        planes, rows, cols = job.extent()
        shape = (planes.stop - planes.start, rows.stop - rows.start, cols.stop - cols.start)
        self.sum: NDArray[np.float32] = np.zeros(shape, dtype=np.float32)
        self.count: NDArray[np.int64] = np.zeros(shape[0], dtype=np.int64)
        self.quality: NDArray[np.float64] = np.zeros(shape[0])

    def add(self, index: int, probability: NDArray[np.float32], quality: float = 0.0) -> None:
        """Add one slice's probability on ``job.in_crop()``, and the predicted quality of its mask;
        what lies outside the crop stays 0."""
        planes, rows, cols = self.job.extent()
        inner_rows, inner_cols = self.job.in_crop()
        top = inner_rows.start + self.job.crop.y0 - rows.start
        left = inner_cols.start + self.job.crop.x0 - cols.start
        height, width = probability.shape
        self.sum[index - planes.start, top : top + height, left : left + width] += probability
        self.count[index - planes.start] += 1
        self.quality[index - planes.start] += quality

    def add_view(
        self,
        other: RunningMean,
        back: Callable[[NDArray[np.float32]], NDArray[np.float32]],
    ) -> None:
        """Add the mean of another view of the same job; ``back`` turns its extent into this."""
        self.sum += back(other.mean())
        self.count += other.count > 0
        self.quality += other.mean_quality()

    def mean(self) -> NDArray[np.float32]:
        """Probability on the extent."""
        count = np.maximum(self.count, 1).astype(np.float32)
        return np.asarray(self.sum / count[:, None, None], dtype=np.float32)

    def mean_quality(self) -> NDArray[np.float64]:
        """Predicted quality of each slice of the extent."""
        return np.asarray(self.quality / np.maximum(self.count, 1))
