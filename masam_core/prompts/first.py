"""First prompts without a third extent: a line across a lesion, a box on one slice, a click."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from masam_core.errors import BoxError
from masam_core.image.geometry import CanonicalFrame
from masam_core.prompts.boxes import BoxPrompt

SHORTEST_MM = 1e-3  # what is shorter has no direction


@dataclass(frozen=True, eq=False)
class LinePrompt:
    """A lesion's diameter as a reader measures it (RECIST), on one slice or across several.

    Attributes:
        ends_lps: (2, 3) ends of the longest diameter, LPS mm.
        across_lps: (2, 3) ends of the diameter at right angles to it, LPS mm, or None.
        name: of the lesion.
        tracking_uid: DICOM's UID of the lesion over time, where it came with one.

    Raises:
        BoxError: ends that are not finite, or a line without length.

    >>> LinePrompt([[10, 0, 5], [10, 40, 5]]).length_mm
    40.0
    """

    ends_lps: NDArray[np.float64]
    across_lps: NDArray[np.float64] | None = None
    name: str = ""
    tracking_uid: str = ""

    def __post_init__(self) -> None:
        _set_points(self, "ends_lps", self.ends_lps, 2, "A line")
        _require_length("The line", self.ends_lps)
        if self.across_lps is not None:
            _set_points(self, "across_lps", self.across_lps, 2, "The line across")
            _require_length("The line across", self.across_lps)

    @property
    def length_mm(self) -> float:
        """Length of the longest diameter."""
        return float(np.linalg.norm(self.ends_lps[1] - self.ends_lps[0]))

    @property
    def points_lps(self) -> NDArray[np.float64]:
        """(2 or 4, 3) every end, LPS mm."""
        return self.ends_lps if self.across_lps is None else np.vstack(self._lines())

    def _lines(self) -> list[NDArray[np.float64]]:
        return [line for line in (self.ends_lps, self.across_lps) if line is not None]

    def renamed(self, name: str) -> LinePrompt:
        """The same line under another name."""
        return replace(self, name=name)

    def require_inside(self, frame: CanonicalFrame) -> None:
        """Raise BoxError where an end lies outside the volume of a canonical frame."""
        _require_inside("line", self.points_lps, frame)


@dataclass(frozen=True, eq=False)
class SliceBoxPrompt:
    """A rectangle around a lesion on one slice.

    Attributes:
        corners_lps: (4, 3) corners one after the other around it, LPS mm.
        name: of the lesion.
        tracking_uid: DICOM's UID of the lesion over time, where it came with one.

    Raises:
        BoxError: corners that are not finite, or a rectangle without area.
    """

    corners_lps: NDArray[np.float64]
    name: str = ""
    tracking_uid: str = ""

    def __post_init__(self) -> None:
        _set_points(self, "corners_lps", self.corners_lps, 4, "A box on a slice")
        first, second, _, fourth = self.corners_lps
        if np.linalg.norm(np.cross(second - first, fourth - first)) < SHORTEST_MM**2:
            raise BoxError("The box on a slice has no area: two of its sides have length zero.")

    @property
    def points_lps(self) -> NDArray[np.float64]:
        """(4, 3) the corners, LPS mm."""
        return self.corners_lps

    def renamed(self, name: str) -> SliceBoxPrompt:
        """The same rectangle under another name."""
        return replace(self, name=name)

    def require_inside(self, frame: CanonicalFrame) -> None:
        """Raise BoxError where it lies wholly outside the volume of a canonical frame."""
        _require_inside("box on a slice", self.corners_lps, frame, whole=False)


@dataclass(frozen=True, eq=False)
class PointPrompt:
    """One click in a lesion.

    Attributes:
        position_lps: (3,) LPS mm.
        name: of the lesion.
        tracking_uid: DICOM's UID of the lesion over time, where it came with one.

    Raises:
        BoxError: a position that is not three finite numbers.
    """

    position_lps: NDArray[np.float64]
    name: str = ""
    tracking_uid: str = ""

    def __post_init__(self) -> None:
        position = finite_points([self.position_lps], "A click")[0]
        object.__setattr__(self, "position_lps", _read_only(position))

    @property
    def points_lps(self) -> NDArray[np.float64]:
        """(1, 3) the position, LPS mm."""
        return self.position_lps[None]

    def renamed(self, name: str) -> PointPrompt:
        """The same click under another name."""
        return replace(self, name=name)

    def require_inside(self, frame: CanonicalFrame) -> None:
        """Raise BoxError where it lies outside the volume of a canonical frame."""
        _require_inside("click", self.points_lps, frame)


OpenPrompt = LinePrompt | SliceBoxPrompt | PointPrompt
FirstPrompt = BoxPrompt | OpenPrompt


def finite_points(points: ArrayLike, what: str) -> NDArray[np.float64]:
    """Points (n, 3) as numbers; BoxError, which begins with ``what``, for anything else."""
    try:
        values = np.array(points, dtype=np.float64)
    except (TypeError, ValueError):
        values = np.empty(0)
    if values.ndim != 2 or values.shape[1:] != (3,) or not np.isfinite(values).all():
        raise BoxError(f"{what} needs positions of three finite numbers each, in mm.")
    return values


def outside(points_lps: NDArray[np.float64], frame: CanonicalFrame) -> NDArray[np.bool_]:
    """Which of points (n, 3) LPS mm lie in no voxel of a frame's volume."""
    ijk = frame.geometry.ijk_from_lps(points_lps)
    limit = np.array(frame.geometry.size_ijk) - 0.5
    return np.asarray(((ijk < -0.5) | (ijk > limit)).any(axis=1))


def ras_words(point_lps: NDArray[np.float64]) -> str:
    """A position (3,) in LPS mm as Slicer shows it: ``R 1.0, A -2.0, S 3.0 mm``."""
    x, y, z = (float(v) for v in point_lps)
    return f"R {0 - x:.1f}, A {0 - y:.1f}, S {z:.1f} mm"


def _set_points(prompt: object, name: str, points: ArrayLike, count: int, what: str) -> None:
    values = finite_points(points, what)
    if len(values) != count:
        raise BoxError(f"{what} needs {count} positions; got {len(values)}.")
    object.__setattr__(prompt, name, _read_only(values))


def _read_only(values: NDArray[np.float64]) -> NDArray[np.float64]:
    values.setflags(write=False)
    return values


def _require_length(what: str, ends: NDArray[np.float64]) -> None:
    if np.linalg.norm(ends[1] - ends[0]) < SHORTEST_MM:
        raise BoxError(f"{what} has no length: both ends are at the same place.")


def _require_inside(
    what: str, points: NDArray[np.float64], frame: CanonicalFrame, whole: bool = True
) -> None:
    if not whole:
        ijk = frame.geometry.ijk_from_lps(points)
        limit = np.array(frame.geometry.size_ijk) - 0.5
        if not ((ijk.max(axis=0) < -0.5) | (ijk.min(axis=0) > limit)).any():
            return
    lost = outside(points, frame)
    if lost.any():
        raise BoxError(
            f"The {what} lies outside the volume: {ras_words(points[lost][0])} is in none of its "
            f"voxels ({frame.geometry.describe()})."
        )
