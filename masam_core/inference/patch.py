"""A small regular grid around a prompt, in the canonical frame: what a correction looks at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Values = NDArray[np.float32]
Place = tuple[slice, slice, slice]

PATCH_SHAPE = (16, 64, 64)
FADE = (2, 6, 6)  # samples from a side within which an answer counts less
LESION_PIXELS = 64  # in-plane pixels over the longest side of a lesion
PROMPT_PIXELS = 40  # most of the patch that a scribble or a lasso may take
LEAST_STEP = 0.5  # voxels: finer shows nothing new
MOST_STEP = 3.0  # of an in-plane pixel over that of a click's patch, for long prompts
RUN_SHARE = 2 / 3  # most of a patch, along each axis, over which a prompt may reach


@dataclass(frozen=True, eq=False)
class Patch:
    """A grid of samples in a canonical volume (slice, row, column).

    Attributes:
        centre: (3,) continuous voxel index of its middle.
        step: (3,) voxels from one sample to the next.
        shape: samples along each axis.
        z_px: distance of its slices over that of its in-plane pixels, both in mm.
    """

    centre: NDArray[np.float64]
    step: NDArray[np.float64]
    z_px: float
    shape: tuple[int, int, int] = PATCH_SHAPE

    def positions(self, axis: int) -> NDArray[np.float64]:
        """Continuous voxel indices of the samples along an axis."""
        count = self.shape[axis]
        return self.centre[axis] + (np.arange(count) - (count - 1) / 2) * self.step[axis]

    def extract(self, array: NDArray[Any]) -> Values:
        """Resample a volume onto the patch, averaged where the patch is coarser.

        Args:
            array: (slices, rows, columns).

        Returns:
            (D, H, W) float32; beyond the volume the values of its edge.
        """
        weights, part = [], []
        for axis, length in enumerate(array.shape):
            first, matrix = _reading(self.positions(axis), self.step[axis], length)
            part.append(slice(first, first + matrix.shape[1]))
            weights.append(matrix)
        values = np.array(array[part[0], part[1], part[2]], dtype=np.float32)
        return _along_axes(weights, values)

    def covers(self, shape: tuple[int, ...]) -> Place:
        """The voxels of a volume that lie between the samples, one along each axis at least."""
        parts = []
        for axis, length in enumerate(shape):
            place = self.positions(axis)
            low = max(0, int(np.ceil(place[0] - 1e-6)))
            high = min(length - 1, int(np.floor(place[-1] + 1e-6)))
            parts.append(slice(low, max(low, high) + 1))
        return parts[0], parts[1], parts[2]

    def put_back(self, values: Values, shape: tuple[int, int, int]) -> tuple[Values, Place]:
        """Interpolate values of the patch on the voxels that it covers.

        Args:
            values: (D, H, W).
            shape: of the volume.

        Returns:
            Values on those voxels, and where they lie.
        """
        covered = self.covers(shape)
        matrices = []
        for axis, part in enumerate(covered):
            voxels, first = np.arange(part.start, part.stop), self.positions(axis)[0]
            matrices.append(_writing(voxels, first, self.step[axis], self.shape[axis]))
        return _along_axes(matrices, values.astype(np.float32)), covered

    def nearest(self, voxels: NDArray[Any]) -> NDArray[np.int64]:
        """The samples nearest to voxels (n, 3); those beyond the patch are left out."""
        count = np.array(self.shape)
        index = np.rint((voxels - self.centre) / self.step + (count - 1) / 2).astype(np.int64)
        inside = ((index >= 0) & (index < count)).all(axis=1)
        return np.unique(index[inside], axis=0)


def patch_for(
    prompt: ArrayLike, lesion: ArrayLike, spacing: ArrayLike, shape: tuple[int, int, int]
) -> Patch:
    """The patch in which a prompt is answered.

    Args:
        prompt: (n, 3) voxels (slice, row, column) of the new prompt.
        lesion: (2, 3) first and last voxel of the lesion so far, or of its box.
        spacing: mm along slice, row, column.
        shape: of the volume.

    Returns:
        A patch centred on the prompt. Its pixels show a lesion's longest in-plane side on
        :data:`LESION_PIXELS`, and are larger, up to :data:`MOST_STEP` times, where the prompt would
        not fit; its slices are the volume's, or as far apart as the pixels where those are wider.
        A prompt that does not fit all the same is to be split before, see :func:`split`.
    """
    points = np.asarray(prompt, np.float64)
    mm = np.asarray(spacing, np.float64)
    pixel, slices = _steps_mm(points, np.asarray(lesion, np.float64), mm)
    centre = np.clip((points.min(axis=0) + points.max(axis=0)) / 2, 0, np.array(shape) - 1)
    if slices == mm[0]:  # slices of the volume, not between them
        centre[0] = np.floor(centre[0]) + 0.5
    step = np.array([slices, pixel, pixel]) / mm
    return Patch(centre, step, float(slices / pixel))


def split(
    voxels: NDArray[np.int64], lesion: ArrayLike, spacing: ArrayLike
) -> list[NDArray[np.int64]]:
    """Runs of a prompt's voxels of which each fits well into its own patch.

    Args:
        voxels: (n, 3) slice, row, column.
        lesion, spacing: see :func:`patch_for`.

    Returns:
        Indices into the voxels, in the order in which the runs begin; one run for a short prompt.
    """
    if not len(voxels):
        return []
    mm = np.asarray(spacing, np.float64)
    pixel, slices = _steps_mm(voxels.astype(np.float64), np.asarray(lesion, np.float64), mm)
    reach = RUN_SHARE * np.array(PATCH_SHAPE) * np.array([slices, pixel, pixel]) / mm
    length = np.ptp(voxels, axis=0) + 1
    count = np.ceil(length / reach).astype(np.int64)
    cell = (voxels - voxels.min(axis=0)) * count // length
    number = np.ravel_multi_index(tuple(cell.T), tuple(count))
    known, first = np.unique(number, return_index=True)
    if len(known) == 1:
        return [np.arange(len(voxels))]
    groups = [np.flatnonzero(number == known[each]) for each in np.argsort(first)]
    # A run is shorter than the whole, so that its own patch may be finer: it is looked at again.
    return [group[run] for group in groups for run in split(voxels[group], lesion, spacing)]


def _steps_mm(
    points: NDArray[np.float64], ends: NDArray[np.float64], mm: NDArray[np.float64]
) -> tuple[float, float]:
    """In-plane pixel and distance of slices, in mm."""
    longest = ((ends[1] - ends[0] + 1) * mm)[1:].max()
    extent = (np.ptp(points, axis=0) * mm)[1:].max()
    plain = max(longest / LESION_PIXELS, LEAST_STEP * mm[1:].min())
    pixel = max(plain, min(extent / PROMPT_PIXELS, MOST_STEP * plain))
    return float(pixel), float(max(mm[0], pixel))


def fade() -> Values:
    """How much of an answer counts, (D, H, W): 1 within the patch, falling to 0 at its sides."""
    out = np.ones(PATCH_SHAPE, dtype=np.float32)
    for axis, (count, width) in enumerate(zip(PATCH_SHAPE, FADE, strict=True)):
        place = np.arange(count, dtype=np.float32)
        share = np.minimum(np.minimum(place, count - 1 - place) / np.float32(width), 1)
        out = out * share.reshape([-1 if a == axis else 1 for a in range(3)])
    return out


def contrast(image: Values) -> Values:
    """Scale a patch (D, H, W) by what it shows: its 1st and 99th percentile become 0 and 1.

    The same as ``masam_core.model.corrector.contrast``, with which the corrector was trained.
    """
    sample = np.sort(image[:, ::2, ::2], axis=None)
    low, high = (sample[round(p * (len(sample) - 1))] for p in (0.01, 0.99))
    return np.clip((image - low) / max(high - low, np.float32(1e-6)), 0, 1)


def _along_axes(matrices: list[Values], values: Values) -> Values:
    """A matrix (new, old) along each axis of values, one after the other."""
    flat = matrices[1] @ values @ matrices[2].T
    return np.asarray(np.tensordot(matrices[0], flat, axes=1), dtype=np.float32)


def _reading(positions: NDArray[np.float64], step: float, length: int) -> tuple[int, Values]:
    """First voxel, and weights (samples, voxels) of triangles as wide as the steps."""
    wide = max(1.0, step)
    place = np.clip(positions, 0, length - 1)
    first = max(0, int(np.floor(place[0] - wide)))
    last = min(length - 1, int(np.ceil(place[-1] + wide)))
    voxels = np.arange(first, last + 1)
    weights = np.maximum(0, 1 - np.abs(voxels[None] - place[:, None]) / wide)
    weights /= weights.sum(axis=1, keepdims=True)
    return first, weights.astype(np.float32)


def _writing(voxels: NDArray[Any], first: float, step: float, count: int) -> Values:
    """Weights (voxels, samples) of linear interpolation."""
    index = np.clip((voxels - first) / step, 0, count - 1)
    weights = np.maximum(0, 1 - np.abs(index[:, None] - np.arange(count)[None]))
    return np.asarray((weights / weights.sum(axis=1, keepdims=True)).astype(np.float32))
