"""What the network sees of a slice: a square field of view, and the way back from it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from masam_core.image.geometry import CanonicalFrame
from masam_core.inference.resample import averaging
from masam_core.model.config import ModelConfig

# Crop sizes step by a quarter octave and crop centres by an eighth of the side: small edits of a
# box then land on the same crop, and its cached embeddings serve again.
SIZE_STEPS_PER_OCTAVE = 4
CENTRE_STEPS_PER_SIDE = 8
MIN_CROP_VOXELS = 8
PRIOR_LOGIT = 6.0
OPEN_LOGIT = 3.0  # of a prompt on one slice: how far the lesion reaches is a guess
LEAST_CONTRAST = 0.02  # of the intensity range; less is noise, and stays dim

Images = NDArray[np.float32]


@dataclass(frozen=True)
class Crop:
    """A rectangle of whole voxels in a canonical slice, square in mm; it may overhang the slice.

    ``x0, y0`` are the first column and row, ``width, height`` the counts.
    """

    x0: int
    y0: int
    width: int
    height: int

    def holds(self, bounds: tuple[float, float, float, float]) -> bool:
        """Whether the edges x0, y0, x1, y1 (continuous voxel indices) lie inside."""
        x0, y0, x1, y1 = bounds
        return (
            self.x0 - 0.5 <= x0
            and self.y0 - 0.5 <= y0
            and x1 <= self.x0 + self.width - 0.5
            and y1 <= self.y0 + self.height - 0.5
        )

    def extract(self, slices: Images, size: int, outside: float = 0.0) -> Images:
        """Cut and resample; what lies outside the slice is ``outside``.

        Args:
            slices: (n, rows, cols).
            size: side of the output in pixels.
            outside: value beyond the edges of the slice.

        Returns:
            (n, size, size), area-averaged where the crop is finer than the output.
        """
        rows, cols = slices.shape[1:]
        top, left = max(self.y0, 0), max(self.x0, 0)
        bottom, right = min(self.y0 + self.height, rows), min(self.x0 + self.width, cols)
        if top >= bottom or left >= right:
            return np.full((len(slices), size, size), outside, np.float32)
        # Weights of what lies outside are left out: there is nothing once ``outside`` is taken off.
        seen = slices[:, top:bottom, left:right] - np.float32(outside)
        down = averaging(self.height, size)[:, top - self.y0 : bottom - self.y0]
        across = averaging(self.width, size)[:, left - self.x0 : right - self.x0]
        return resampled(seen, down, across) + np.float32(outside)

    def to_pixels(self, xyxy: NDArray[np.float64], size: int) -> NDArray[np.float32]:
        """Box edges in continuous voxel indices (n, 4) to network pixels (n, 4).

        Pixel centres lie at integers in both, so a box that fills the crop becomes
        (-0.5, -0.5, size - 0.5, size - 0.5); SAM's prompt encoder adds the half pixel back.
        """
        origin = np.array([self.x0, self.y0, self.x0, self.y0]) - 0.5
        scale = size / np.array([self.width, self.height, self.width, self.height])
        return ((xyxy - origin) * scale - 0.5).astype(np.float32)


def resampled(images: Images, down: Images, across: Images) -> Images:
    """Images (..., h, w) by the weights (H, h) of their rows and (W, w) of their columns."""
    out = images if is_identity(down) else down @ images
    return np.asarray(out if is_identity(across) else out @ across.T, dtype=np.float32)


def is_identity(weights: Images) -> bool:
    """Whether weights leave everything as it is."""
    rows, columns = weights.shape
    return rows == columns and bool((weights.diagonal() == 1).all())


def slice_crop(frame: CanonicalFrame) -> Crop:
    """The whole slice, made square in mm by overhanging at the end of its shorter side."""
    _, rows, cols = frame.shape
    _, row_mm, col_mm = frame.spacing
    side = max(rows * row_mm, cols * col_mm)
    return Crop(0, 0, max(cols, round(side / col_mm)), max(rows, round(side / row_mm)))


def prompt_crop(
    bounds: tuple[float, float, float, float], frame: CanonicalFrame, scale: float
) -> Crop:
    """A square around a box, snapped to a coarse grid.

    Args:
        bounds: x0, y0, x1, y1 edges of the box over all its slices, continuous voxel indices.
        frame: of the volume.
        scale: least side of the crop over the longest side of the box.

    Returns:
        A crop that holds the box with ``scale`` to ``1.19 * scale`` times its longest side.
    """
    _, row_mm, col_mm = frame.spacing
    x0, y0, x1, y1 = bounds
    longest = max((x1 - x0) * col_mm, (y1 - y0) * row_mm, MIN_CROP_VOXELS * max(row_mm, col_mm))
    exponent = math.ceil(math.log2(longest * scale) * SIZE_STEPS_PER_OCTAVE - 1e-9)
    side = 2.0 ** (exponent / SIZE_STEPS_PER_OCTAVE)
    step = side / CENTRE_STEPS_PER_SIDE
    centre_x = round(((x0 + x1) / 2 + 0.5) * col_mm / step) * step
    centre_y = round(((y0 + y1) / 2 + 0.5) * row_mm / step) * step
    return square_crop(centre_x, centre_y, side, frame)


def square_crop(centre_x: float, centre_y: float, side: float, frame: CanonicalFrame) -> Crop:
    """The whole voxels nearest to a square.

    Args:
        centre_x, centre_y: mm from the outer edge of the first column and row.
        side: mm.
        frame: of the volume.
    """
    _, row_mm, col_mm = frame.spacing
    return Crop(
        round((centre_x - side / 2) / col_mm),
        round((centre_y - side / 2) / row_mm),
        max(1, round(side / col_mm)),
        max(1, round(side / row_mm)),
    )


def network_input(slices: Images, crop: Crop, config: ModelConfig) -> Images:
    """What the network sees of a window of slices.

    Args:
        slices: (D, rows, cols), scaled by the intensity limits; not cut at them where
            ``config.channels`` is ``local``. With ``rgb`` (D, 3, rows, cols), 0 to 255.
        crop: field of view.
        config: gives image size and channels.

    Returns:
        (D, S, S), or with ``local`` and ``rgb`` (D, 3, S, S), in [0, 1].
    """
    if config.sees_video:
        frames = slices.reshape(-1, *slices.shape[2:]) / np.float32(255)
        seen = crop.extract(frames, config.image_size)
        return np.clip(seen.reshape(*slices.shape[:2], *seen.shape[1:]), 0, 1)
    if config.cuts_intensity:
        return crop.extract(slices, config.image_size)
    return local_channels(crop.extract(slices, config.image_size, outside=float(slices.min())))


def local_channels(window: Images) -> Images:
    """A window in three contrasts: by the volume's limits, by the crop's values, by its middle's.

    A lesion then shows in some channel whatever the organ and the window level: a nodule whose
    rim is aerated lung, or an enhancement that is faint beside fat. The values come from the
    window alone, not from the box, so that embeddings serve every box on the same crop.

    Args:
        window: (D, S, S), not cut at 0 and 1.

    Returns:
        (D, 3, S, S) in [0, 1].
    """
    quarter = window.shape[-1] // 4
    middle = window[:, quarter : 3 * quarter, quarter : 3 * quarter]
    channels = [window, _stretch(window, window, 0.01), _stretch(window, middle, 0.02)]
    return np.clip(np.stack(channels, axis=1), 0, 1)


def _stretch(window: Images, reference: Images, tail: float) -> Images:
    """Scale so that the given tails of the reference become 0 and 1; (D, S, S)."""
    sample = np.sort(reference[:, ::2, ::2], axis=None)
    last = len(sample) - 1
    low, high = sample[round(tail * last)], sample[round((1 - tail) * last)]
    return np.asarray((window - low) / max(high - low, np.float32(LEAST_CONTRAST)))


def choose_crop(
    bounds: tuple[float, float, float, float], frame: CanonicalFrame, config: ModelConfig
) -> Crop:
    """The field of view that the config asks for."""
    if config.field_of_view == "slice":
        return slice_crop(frame)
    return prompt_crop(bounds, frame, config.crop_scale)


def ellipsoid_prior(
    slices: NDArray[np.int64],
    first: float,
    last: float,
    boxes: NDArray[np.float32],
    config: ModelConfig,
    logit: float = PRIOR_LOGIT,
) -> Images:
    """The ellipsoid inscribed in a 3D box, as a mask prompt for each slice.

    Args:
        slices: (n,) slice indices.
        first, last: slices of the box, both included.
        boxes: (n, 4) boxes in network pixels.
        config: gives image size and token grid g.
        logit: at its middle; less says that its ends are a guess.

    Returns:
        (n, 1, 4g, 4g) logits, ``logit * (1 - r^2)`` clipped below at ``-logit``, with r = 1 on the
        ellipsoid's surface.
    """
    side = 4 * config.grid
    pixel = config.image_size / side
    centres = (np.arange(side) + 0.5) * pixel - 0.5
    squared = squared_radius(slices, first, last, boxes.astype(np.float64), centres, centres)
    logits = np.clip(logit * (1 - squared), -logit, logit)
    return np.asarray(logits.astype(np.float32)[:, None])


def prior_map(
    logits: NDArray[np.float32], first: tuple[int, int], crop: Crop, config: ModelConfig
) -> Images:
    """Logits of a part of a slice as a mask prompt.

    Args:
        logits: (rows, columns) of voxels; what lies around them gets the lowest of them.
        first: row and column of the first of them in the slice.
        crop: the field of view.
        config: gives image size and token grid g.

    Returns:
        (1, 1, 4g, 4g).
    """
    top, left = first[0] - crop.y0, first[1] - crop.x0
    whole = np.full((crop.height, crop.width), logits.min(), dtype=np.float32)
    rows = slice(max(0, -top), min(logits.shape[0], crop.height - top))
    cols = slice(max(0, -left), min(logits.shape[1], crop.width - left))
    whole[top + rows.start : top + rows.stop, left + cols.start : left + cols.stop] = logits[
        rows, cols
    ]
    side = 4 * config.grid
    down, across = averaging(crop.height, side), averaging(crop.width, side)
    return resampled(whole, down, across)[None, None]


def squared_radius(
    slices: NDArray[np.int64],
    first: float,
    last: float,
    boxes: NDArray[np.float64],
    rows: NDArray[Any],
    cols: NDArray[Any],
) -> NDArray[np.float64]:
    """Squared radius of the ellipsoid inscribed in a 3D box: 1 on its surface.

    Args:
        slices: (n,) slice indices.
        first, last: slices of the box, both included.
        boxes: (n, 4) x0, y0, x1, y1 of each slice, in the unit of rows and columns.
        rows, cols: (h,) and (w,) coordinates.

    Returns:
        (n, h, w).
    """
    half_x = np.maximum((boxes[:, 2] - boxes[:, 0]) / 2, 1e-3)
    half_y = np.maximum((boxes[:, 3] - boxes[:, 1]) / 2, 1e-3)
    x = (cols[None] - (boxes[:, 0] + boxes[:, 2])[:, None] / 2) / half_x[:, None]
    y = (rows[None] - (boxes[:, 1] + boxes[:, 3])[:, None] / 2) / half_y[:, None]
    z = (slices - (first + last) / 2) / ((last - first + 1) / 2)
    return np.asarray((z**2)[:, None, None] + (y**2)[:, :, None] + (x**2)[:, None, :])
