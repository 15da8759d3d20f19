"""Prompts without a third extent as a 2D box on a slice."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from masam_core.image.geometry import CanonicalFrame, Geometry
from masam_core.inference.canonical_crop import canonical_voxels
from masam_core.inference.first_click import click_voxel
from masam_core.inference.job import Depth, Job, job_crop
from masam_core.inference.view import OPEN_LOGIT
from masam_core.model.config import ModelConfig
from masam_core.prompts.boxes import CORNER_BITS, BoxPrompt, SliceBoxes
from masam_core.prompts.first import LinePrompt, OpenPrompt, PointPrompt

# Short over long axis, where a reader gives one diameter. On the largest slice of 155 lesions for
# training the width across the longest diameter is 0.80 of it in the middle, 0.73 in the lower
# quarter; the network was trained with this value, a little below the middle, since a box that is
# too wide takes in what lies beside the lesion.
SHORT_AXIS = 0.75
MARGIN = 0.2  # of the box's longer side: how far beyond it a mask may reach on other slices
LEAST_HALF = 0.5  # slices
REACH = 1.5  # half depths, at first


@dataclass(frozen=True, eq=False)
class OnSlice:
    """A 2D box around a lesion on one slice.

    Attributes:
        frame: canonical frame, whose slices lie in the prompt's plane.
        index: of the slice.
        xyxy: (4,) edges in continuous indices, x = column, y = row.
        click: (row, column) of the pixel that was clicked; None where the prompt has an extent.
    """

    frame: CanonicalFrame
    index: int
    xyxy: NDArray[np.float64]
    click: tuple[int, int] | None = None

    @property
    def half_depth(self) -> float:
        """Half of the depth, in slices, of a lesion as deep as it is wide and high on average."""
        slice_mm, row_mm, col_mm = self.frame.spacing
        x0, y0, x1, y1 = self.xyxy
        half_mm = ((x1 - x0) * col_mm + (y1 - y0) * row_mm) / 4
        return max(LEAST_HALF, float(half_mm / slice_mm))

    def job(self, first: int, last: int, config: ModelConfig) -> Job:
        """What is asked on some slices: the same box on each, and a spheroid as a guess."""
        _, row_mm, col_mm = self.frame.spacing
        count = last - first + 1
        prompt = SliceBoxes(first, np.tile(self.xyxy, (count, 1)), self.frame)
        x0, y0, x1, y1 = self.xyxy
        margin_mm = MARGIN * max((x1 - x0) * col_mm, (y1 - y0) * row_mm)
        outwards = np.array([-1, -1, 1, 1]) * margin_mm / np.array([col_mm, row_mm] * 2)
        allowed = replace(prompt, xyxy=_clipped(prompt.xyxy + outwards, self.frame))
        half = self.half_depth
        depth = Depth(self.index - half + 0.5, self.index + half - 0.5, OPEN_LOGIT)
        crop = job_crop(prompt, allowed, self.frame, config)
        return Job(self.frame, prompt, allowed, crop, depth=depth)

    def box(self, first: int, last: int, xyxy: NDArray[np.float64], name: str) -> BoxPrompt:
        """A 3D box around some slices.

        Args:
            first, last: slices, both included.
            xyxy: (4,) edges, as those of the class.
            name: of the lesion.
        """
        low = np.array([xyxy[0], xyxy[1], first - 0.5])
        high = np.array([xyxy[2], xyxy[3], last + 0.5])
        corners = self.frame.ijk_from_canonical(low + CORNER_BITS * (high - low))
        # Turned to ascending i, j, k, as other boxes are.
        low, high = corners.min(axis=0), corners.max(axis=0)
        return BoxPrompt(low + CORNER_BITS * (high - low), name)


def on_slice(prompt: OpenPrompt, geometry: Geometry, slice_axis: int | None) -> OnSlice:
    """The slice and the 2D box that a line or a box on a slice suggests.

    A line is the long axis of an ellipse; its short axis is the line across it, or
    :data:`SHORT_AXIS` of it. The box holds the ellipse and every end of the lines.

    Args:
        prompt: no click, which has no extent; see ``candidates``.
        geometry: of the volume.
        slice_axis: voxel axis across the slices; None takes the one across the prompt's plane.
    """
    axis = _across(prompt.points_lps, geometry) if slice_axis is None else slice_axis
    frame = geometry.canonical_frame(axis)
    points = frame.canonical_from_ijk(geometry.ijk_from_lps(prompt.points_lps))
    index = int(np.clip(np.rint(points[:, 2].mean()), 0, frame.shape[0] - 1))
    flat = points[:, :2]
    low, high = flat.min(axis=0), flat.max(axis=0)
    if isinstance(prompt, LinePrompt):
        scale = np.array([frame.spacing[2], frame.spacing[1]])  # mm along x and y
        middle, half = _ellipse(flat * scale, prompt.across_lps is not None)
        low = np.minimum(low, (middle - half) / scale)
        high = np.maximum(high, (middle + half) / scale)
    return OnSlice(frame, index, _whole_pixels(np.concatenate([low, high]), frame))


def candidates(prompt: PointPrompt, geometry: Geometry, slice_axis: int | None) -> list[OnSlice]:
    """Square boxes of several physical sizes around a click: :data:`SIZES_MM`, as far as they are
    larger than a few pixels and smaller than the slice."""
    frame = geometry.canonical_frame(slice_axis)
    x, y, _ = frame.canonical_from_ijk(geometry.ijk_from_lps(prompt.points_lps))[0]
    index, row, col = (int(v) for v in canonical_voxels(click_voxel(prompt, geometry), frame)[0])
    _, rows, cols = frame.shape
    _, row_mm, col_mm = frame.spacing
    most = max(rows * row_mm, cols * col_mm)
    sizes = [size for size in SIZES_MM if LEAST_PIXELS * max(row_mm, col_mm) <= size <= most]
    found = []
    for size in sizes or [LEAST_PIXELS * max(row_mm, col_mm)]:
        half_x, half_y = size / 2 / col_mm, size / 2 / row_mm
        xyxy = np.array([x - half_x, y - half_y, x + half_x, y + half_y])
        found.append(OnSlice(frame, index, _whole_pixels(xyxy, frame), (row, col)))
    return found


SIZES_MM = (8.0, 13.0, 20.0, 32.0, 50.0, 80.0)  # from a small node to a large mass, 1.6 apart
LEAST_PIXELS = 5.0


def _ellipse(
    points: NDArray[np.float64], across: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Middle and half extents along x and y, in mm, of the ellipse of a line.

    Args:
        points: (2 or 4, 2) mm: ends of the long axis, then those of the line across.
        across: whether there is one.
    """
    along = points[1] - points[0]
    long = max(float(np.linalg.norm(along)), 1e-6)
    unit = along / long
    normal = np.array([-unit[1], unit[0]])
    middle, short = (points[0] + points[1]) / 2, SHORT_AXIS * long
    if across:
        places = points[2:] @ normal
        short = max(float(np.ptp(places)), 1e-6)
        middle = middle + normal * (places.mean() - middle @ normal)
    half = np.sqrt((long / 2 * unit) ** 2 + (short / 2 * normal) ** 2)
    return middle, half


def _across(points_lps: NDArray[np.float64], geometry: Geometry) -> int:
    """The voxel axis across the plane in which a prompt was drawn.

    A prompt that lies within one slice of the acquisition was drawn on it. Else it is the axis
    along which the prompt reaches over the fewest voxels.
    """
    extent = np.ptp(geometry.ijk_from_lps(points_lps), axis=0)
    own = geometry.acquisition_axis
    return own if extent[own] < 1 else int(extent.argmin())


def _whole_pixels(xyxy: NDArray[np.float64], frame: CanonicalFrame) -> NDArray[np.float64]:
    """Edges at least a pixel apart, within the slice."""
    middle = (xyxy[:2] + xyxy[2:]) / 2
    half = np.maximum((xyxy[2:] - xyxy[:2]) / 2, 0.5)
    return _clipped(np.concatenate([middle - half, middle + half])[None], frame)[0]


def _clipped(xyxy: NDArray[np.float64], frame: CanonicalFrame) -> NDArray[np.float64]:
    _, rows, cols = frame.shape
    limit = np.array([cols, rows, cols, rows]) - 0.5
    return np.asarray(np.clip(xyxy, -0.5, limit))
