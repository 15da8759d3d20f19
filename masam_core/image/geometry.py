"""Voxel grids in physical space: IJK indices, LPS and RAS millimetres, the canonical frame."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import permutations
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from masam_core.errors import VolumeError
from masam_core.image.squared import require_square

if TYPE_CHECKING:
    import SimpleITK as sitk

    from masam_core.image.formats.dicom.origin import SourceImages

Points = NDArray[np.float64]

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
SPACING_TIE = 0.01


@dataclass(frozen=True, eq=False)
class Geometry:
    """Grid of a volume's voxels in space.

    Attributes:
        shape: (K, J, I), numpy's order for a SimpleITK or Slicer volume.
        ijk_to_lps: (4, 4) affine from continuous voxel index (voxel centres at integers) to
            physical LPS millimetres.
        images: the DICOM images that its slices are, where they are known; results refer to them.

    Raises:
        VolumeError: a matrix that is singular, not finite, or sheared: axes so far from right
            angles that a voxel moves by a share of its size, which ITK images can't say.
    """

    shape: tuple[int, int, int]
    ijk_to_lps: NDArray[np.float64]
    images: SourceImages | None = None

    def __post_init__(self) -> None:
        matrix = np.array(self.ijk_to_lps, dtype=np.float64)
        if matrix.shape != (4, 4) or not np.isfinite(matrix).all():
            raise VolumeError("The image's position matrix must be 4 x 4 finite numbers.")
        if len(self.shape) != 3 or min(self.shape) < 1:
            raise VolumeError(f"A volume needs three dimensions of 1 or more; got {self.shape}.")
        spacing = np.linalg.norm(matrix[:3, :3], axis=0)
        if not (spacing > 0).all():
            raise VolumeError(f"Voxel spacing must be positive; got {spacing.tolist()} mm.")
        require_square("The image's grid", matrix, self.shape)
        matrix.setflags(write=False)
        object.__setattr__(self, "ijk_to_lps", matrix)
        object.__setattr__(self, "shape", tuple(int(n) for n in self.shape))

    @classmethod
    def from_sitk(cls, image: sitk.Image) -> Geometry:
        """Grid of a 3D SimpleITK image."""
        i, j, k = image.GetSize()
        direction = np.array(image.GetDirection()).reshape(3, 3)
        return cls.from_spacing((k, j, i), image.GetSpacing(), image.GetOrigin(), direction)

    @classmethod
    def from_spacing(
        cls,
        shape_kji: tuple[int, int, int],
        spacing_ijk: ArrayLike = (1.0, 1.0, 1.0),
        origin_lps: ArrayLike = (0.0, 0.0, 0.0),
        direction: ArrayLike | None = None,
    ) -> Geometry:
        """Grid from ITK's three parts.

        Args:
            shape_kji: (K, J, I).
            spacing_ijk: mm along i, j, k.
            origin_lps: centre of voxel (0, 0, 0).
            direction: (3, 3), columns the unit vectors of the i, j, k axes; None is the identity.
        """
        matrix = np.eye(4)
        axes = np.eye(3) if direction is None else np.asarray(direction, dtype=np.float64)
        matrix[:3, :3] = axes.reshape(3, 3) * np.asarray(spacing_ijk, dtype=np.float64)
        matrix[:3, 3] = np.asarray(origin_lps, dtype=np.float64)
        return cls(shape_kji, matrix)

    def apply_to_sitk(self, image: sitk.Image) -> None:
        """Set spacing, origin and direction of a SimpleITK image of this size."""
        image.SetSpacing(self.spacing.tolist())
        image.SetOrigin(self.origin.tolist())
        image.SetDirection(self.direction.flatten().tolist())

    @property
    def size_ijk(self) -> tuple[int, int, int]:
        """(I, J, K), ITK's order."""
        k, j, i = self.shape
        return i, j, k

    @cached_property
    def spacing(self) -> NDArray[np.float64]:
        """(3,) mm along i, j, k."""
        return np.asarray(np.linalg.norm(self.ijk_to_lps[:3, :3], axis=0))

    @property
    def origin(self) -> NDArray[np.float64]:
        """(3,) LPS position of voxel (0, 0, 0)."""
        return self.ijk_to_lps[:3, 3]

    @property
    def direction(self) -> NDArray[np.float64]:
        """(3, 3), columns the unit vectors (LPS) of the i, j, k axes."""
        return np.asarray(self.ijk_to_lps[:3, :3] / self.spacing)

    @property
    def ijk_to_ras(self) -> NDArray[np.float64]:
        """(4, 4) affine from continuous voxel index to RAS millimetres, Slicer's frame."""
        return np.asarray(LPS_TO_RAS @ self.ijk_to_lps)

    @property
    def voxel_volume_mm3(self) -> float:
        """Volume of one voxel."""
        return float(np.prod(self.spacing))

    @cached_property
    def _lps_to_ijk(self) -> NDArray[np.float64]:
        return np.asarray(np.linalg.inv(self.ijk_to_lps))

    def lps_from_ijk(self, points: ArrayLike) -> Points:
        """Continuous indices (n, 3) i, j, k to LPS mm (n, 3)."""
        return transform_points(self.ijk_to_lps, points)

    def ijk_from_lps(self, points: ArrayLike) -> Points:
        """LPS mm (n, 3) to continuous indices (n, 3) i, j, k."""
        return transform_points(self._lps_to_ijk, points)

    def ras_from_ijk(self, points: ArrayLike) -> Points:
        """Continuous indices (n, 3) i, j, k to RAS mm (n, 3)."""
        return transform_points(self.ijk_to_ras, points)

    def ijk_from_ras(self, points: ArrayLike) -> Points:
        """RAS mm (n, 3) to continuous indices (n, 3) i, j, k."""
        return transform_points(self._lps_to_ijk @ LPS_TO_RAS, points)

    def describe(self) -> str:
        """Size and spacing in words, for messages."""
        size = " x ".join(str(n) for n in self.size_ijk)
        spacing = " x ".join(f"{s:.3g}" for s in self.spacing)
        return f"{size} voxels of {spacing} mm"

    def same_grid(self, other: Geometry, tolerance: float = 1e-3) -> bool:
        """Whether both grids have one shape and no voxel lies more than ``tolerance`` mm apart."""
        if self.shape != other.shape:
            return False
        far = np.array(self.size_ijk, dtype=np.float64) - 1
        corners = np.array(np.meshgrid(*[(0, n) for n in far])).reshape(3, 8).T
        apart = self.lps_from_ijk(corners) - other.lps_from_ijk(corners)
        return bool(np.abs(apart).max() <= tolerance)

    @property
    def acquisition_axis(self) -> int:
        """IJK axis of the coarsest spacing; among ties (1 %) the one closest to S, i.e. axial."""
        spacing = self.spacing
        tied = np.flatnonzero(spacing >= spacing.max() * (1 - SPACING_TIE))
        return int(max(tied, key=lambda axis: abs(self.direction[2, axis])))

    def canonical_frame(self, slice_axis: int | None = None) -> CanonicalFrame:
        """The frame in which the network sees the volume.

        Args:
            slice_axis: IJK axis across slices; None takes the acquisition axis.

        Raises:
            VolumeError: an axis other than 0, 1, 2.
        """
        across = self.acquisition_axis if slice_axis is None else slice_axis
        if across not in (0, 1, 2):
            raise VolumeError(f"The slice axis must be 0, 1 or 2 (i, j or k); got {slice_axis}.")
        anatomical = closest_axes(self.direction)
        # Within a slice: rows along S before P, columns along P before L (S > P > L).
        inner = sorted((a for a in range(3) if a != across), key=lambda a: -anatomical[a])
        axes = (across, inner[0], inner[1])
        flips = tuple(bool(self.direction[anatomical[a], a] < 0) for a in axes)
        return CanonicalFrame(self, axes, (flips[0], flips[1], flips[2]))


@dataclass(frozen=True, eq=False)
class CanonicalFrame:
    """A volume's voxels turned to the closest LPS axes, without resampling.

    Arrays are (slice, row, column): axial (P rows, L columns), coronal (S, L) or sagittal (S, P),
    every axis pointing along +L, +P or +S. Points are (x, y, z) = (column, row, slice).

    Attributes:
        geometry: of the source volume.
        axes: source IJK axis of slice, row, column.
        flips: whether that axis is reversed.
    """

    geometry: Geometry
    axes: tuple[int, int, int]
    flips: tuple[bool, bool, bool]

    @property
    def shape(self) -> tuple[int, int, int]:
        """(slices, rows, columns)."""
        size = self.geometry.size_ijk
        return size[self.axes[0]], size[self.axes[1]], size[self.axes[2]]

    @property
    def spacing(self) -> tuple[float, float, float]:
        """mm between slices, rows, columns."""
        s = self.geometry.spacing
        return float(s[self.axes[0]]), float(s[self.axes[1]]), float(s[self.axes[2]])

    def to_canonical(self, array: NDArray[Any]) -> NDArray[Any]:
        """A view (slice, row, column) of an array KJI."""
        turned = array.transpose([2 - axis for axis in self.axes])
        return turned[self._reversal()]

    def from_canonical(self, array: NDArray[Any]) -> NDArray[Any]:
        """A view KJI of an array (slice, row, column); the exact inverse of to_canonical."""
        order = [2 - axis for axis in self.axes]
        return array[self._reversal()].transpose([order.index(kji) for kji in range(3)])

    def canonical_from_ijk(self, points: ArrayLike) -> Points:
        """Continuous indices (n, 3) i, j, k to (n, 3) x, y, z of this frame."""
        return transform_points(np.asarray(np.linalg.inv(self._xyz_to_ijk), np.float64), points)

    def ijk_from_canonical(self, points: ArrayLike) -> Points:
        """(n, 3) x, y, z of this frame to continuous indices (n, 3) i, j, k."""
        return transform_points(self._xyz_to_ijk, points)

    @property
    def xyz_to_lps(self) -> NDArray[np.float64]:
        """(4, 4) affine from x, y, z of this frame to LPS millimetres."""
        return np.asarray(self.geometry.ijk_to_lps @ self._xyz_to_ijk)

    @cached_property
    def _xyz_to_ijk(self) -> NDArray[np.float64]:
        matrix = np.zeros((4, 4))
        matrix[3, 3] = 1.0
        for place, (axis, flipped) in enumerate(zip(self.axes, self.flips, strict=True)):
            matrix[axis, 2 - place] = -1.0 if flipped else 1.0
            if flipped:
                matrix[axis, 3] = self.geometry.size_ijk[axis] - 1
        return matrix

    def _reversal(self) -> tuple[slice, slice, slice]:
        a, b, c = (slice(None, None, -1 if flipped else 1) for flipped in self.flips)
        return a, b, c


def transform_points(matrix: NDArray[np.float64], points: ArrayLike) -> Points:
    """Apply a (4, 4) affine to points (n, 3)."""
    p = np.atleast_2d(np.asarray(points, dtype=np.float64))
    return np.asarray(p @ matrix[:3, :3].T + matrix[:3, 3])


def closest_axes(direction: NDArray[np.float64]) -> tuple[int, int, int]:
    """The anatomical axis (0 L, 1 P, 2 S) of each voxel axis, each used once.

    Of the six assignments the one with the largest sum of cosines, so that a grid turned by 45
    degrees is still assigned one to one.
    """
    cosines = np.abs(direction)
    best = max(permutations(range(3)), key=lambda p: sum(cosines[p[a], a] for a in range(3)))
    return best[0], best[1], best[2]
