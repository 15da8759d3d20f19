"""Series of a tilted gantry: slices that are evenly shifted against each other, in their plane.

A volume is straight, so the slices are shifted back, each within its own plane: along k nothing is
interpolated, and slice k of the volume lies in the plane of image k. SimpleITK resamples, linear
for values and nearest for masks; what is ours is the affine that it is given.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from masam_core.errors import VolumeError
from masam_core.image.geometry import Geometry

# Gantries tilt by 30 degrees at most; beyond this the positions are damaged.
MOST_DEGREES = 45.0
# Of fewer images nothing shows that they are shifted evenly.
FEWEST = 3


class TiltedGrid(Geometry):
    """The grid of a tilted series as it was recorded: i and j at right angles, k oblique to them.

    For what refers to the images alone. ``direction`` has their normal as its third column, and
    ``spacing`` the distance of their planes.
    """

    def __post_init__(self) -> None:
        matrix = np.array(self.ijk_to_lps, dtype=np.float64)
        if matrix.shape != (4, 4) or not np.isfinite(matrix).all() or min(self.shape) < 1:
            raise VolumeError("The grid of a tilted series is damaged.")
        matrix.setflags(write=False)
        object.__setattr__(self, "ijk_to_lps", matrix)
        object.__setattr__(self, "shape", tuple(int(n) for n in self.shape))
        if not (self.spacing > 0).all():
            raise VolumeError(
                "The grid of a tilted series is damaged: it has an axis of no length."
            )

    @property
    def direction(self) -> NDArray[np.float64]:
        """(3, 3), columns the unit vectors (LPS) along a row, along a column, and of the normal."""
        row, column = (
            self.ijk_to_lps[:3, :2].T / np.linalg.norm(self.ijk_to_lps[:3, :2], axis=0)[:, None]
        )
        normal = np.cross(row, column)
        return np.column_stack([row, column, normal * np.sign(normal @ self.ijk_to_lps[:3, 2])])

    @cached_property
    def spacing(self) -> NDArray[np.float64]:
        """(3,) mm between columns, rows and the planes of the slices."""
        return np.abs(np.einsum("ca,ca->a", self.direction, self.ijk_to_lps[:3, :3]))


@dataclass(frozen=True, eq=False)
class Tilt:
    """How the images of a straight volume lie.

    Attributes:
        grid: of the images as they were recorded.
    """

    grid: TiltedGrid

    @classmethod
    def of(cls, stacked: Geometry, step: NDArray[np.float64]) -> Tilt:
        """The tilt of a series.

        Args:
            stacked: grid of its images, as if each lay straight over the one before.
            step: (3,) mm, LPS, by which each is shifted within its plane.
        """
        matrix = stacked.ijk_to_lps.copy()
        matrix[:3, 2] += step
        return cls(TiltedGrid(stacked.shape, matrix))

    @property
    def degrees(self) -> float:
        """Angle of the gantry."""
        along = self.grid.ijk_to_lps[:3, 2]
        return float(np.degrees(np.arccos(min(1.0, self.grid.spacing[2] / np.linalg.norm(along)))))

    @cached_property
    def _stacked(self) -> Geometry:
        """The images as if each lay straight over the one before: ITK can't say how they lie."""
        grid = self.grid
        return Geometry.from_spacing(grid.shape, grid.spacing, grid.origin, grid.direction)

    @property
    def straight(self) -> Geometry:
        """The smallest straight grid, on the pixels of the first image, that holds all images."""
        k, j, i = self.grid.shape
        ends = np.array([[a, b, c] for a in (0, i - 1) for b in (0, j - 1) for c in (0, k - 1)])
        there = self._stacked.ijk_from_lps(self.grid.lps_from_ijk(ends))[:, :2]
        # Positions are written with few digits: a thousandth of a pixel is no further column.
        low = np.floor(there.min(axis=0) + 1e-3)
        high = np.ceil(there.max(axis=0) - 1e-3)
        columns, rows = (high - low + 1).astype(int)
        origin = self._stacked.lps_from_ijk([[*low, 0]])[0]
        return Geometry.from_spacing(
            (k, int(rows), int(columns)), self.grid.spacing, origin, self.grid.direction
        )

    def straightened(self, values: NDArray[Any], fill: float) -> NDArray[Any]:
        """Values of the images on :attr:`straight`.

        Args:
            values: KJI, as recorded.
            fill: where there is no image.

        Returns:
            KJI of the same type; of whole numbers rounded.
        """
        whole = np.issubdtype(values.dtype, np.integer)
        wide = values.dtype.itemsize > (2 if whole else 4)
        given = values.astype(np.float64 if wide else np.float32, copy=False)
        found = self._resampled(given, self._stacked, self.straight, 1, fill, linear=True)
        return np.rint(found, out=found).astype(values.dtype) if whole else found

    def straight_mask(self, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """A mask of the images on :attr:`straight`, by the nearest pixel."""
        return self._nearest(mask, self._stacked, self.straight, 1)

    def on_images(self, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """A mask on :attr:`straight` on the images' own pixels, by the nearest voxel."""
        return self._nearest(mask, self.straight, self._stacked, -1)

    def _nearest(
        self, mask: NDArray[np.bool_], source: Geometry, target: Geometry, way: int
    ) -> NDArray[np.bool_]:
        labels = mask.astype(np.uint8)
        return self._resampled(labels, source, target, way, 0, linear=False) > 0

    def _resampled(
        self,
        values: NDArray[Any],
        source: Geometry,
        target: Geometry,
        way: int,
        fill: float,
        linear: bool,
    ) -> NDArray[Any]:
        """Resample by the shear.

        Args:
            values: KJI on ``source``.
            source, target: grids, of which one stacks the images.
            way: 1 from the images to the straight grid, -1 the other way.
            fill: outside of ``source``.
            linear: between pixels; else the nearest is taken.
        """
        # Not above: without SimpleITK nothing is read, and that is told in words elsewhere.
        import SimpleITK as sitk

        stacked = self._stacked
        normal = stacked.direction[:, 2]
        step = self.grid.ijk_to_lps[:3, 2] - stacked.ijk_to_lps[:3, 2]
        # A point of the target to where its value stands in the source (ITK's direction).
        shear = np.eye(3) - way * np.outer(step, normal) / stacked.spacing[2]
        transform = sitk.AffineTransform(3)
        transform.SetMatrix(shear.ravel().tolist())
        transform.SetCenter(stacked.origin.tolist())
        image = sitk.GetImageFromArray(values)
        source.apply_to_sitk(image)
        made = sitk.Resample(
            image,
            target.size_ijk,
            transform,
            sitk.sitkLinear if linear else sitk.sitkNearestNeighbor,
            target.origin.tolist(),
            target.spacing.tolist(),
            target.direction.flatten().tolist(),
            float(fill),
        )
        return np.asarray(sitk.GetArrayFromImage(made))

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"shape": list(self.grid.shape), "ijk_to_lps": self.grid.ijk_to_lps.tolist()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Tilt:
        """The inverse of :meth:`to_dict`; ValueError, TypeError or KeyError for anything else."""
        k, j, i = (int(n) for n in values["shape"])
        return cls(TiltedGrid((k, j, i), np.array(values["ijk_to_lps"], dtype=np.float64)))
