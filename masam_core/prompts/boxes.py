"""Box prompts: eight corners in voxel space, and the 2D box that they cut out of each slice."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from masam_core.errors import BoxError
from masam_core.image.geometry import CanonicalFrame, Geometry, closest_axes
from masam_core.late import sitk
from masam_core.prompts.per import Per

# Corner number bi + 2 bj + 4 bk lies at the low (0) or high (1) end of i, j and k.
CORNER_BITS = np.array([[n & 1, n >> 1 & 1, n >> 2 & 1] for n in range(8)], dtype=np.float64)
_PAIRS = np.array(list(combinations(range(8), 2)))
_SIDES = (("right", "left"), ("front", "back"), ("lower", "upper"))
NEGLIGIBLE_MM = 0.05


@dataclass(frozen=True, eq=False)
class BoxPrompt:
    """A box around a lesion: a convex hexahedron, upright or oblique, in a volume's voxel space.

    Attributes:
        corners_ijk: (8, 3) continuous voxel indices, voxel centres at integers; corner
            ``bi + 2 bj + 4 bk`` lies at the low or high end of the box's own three axes.
        name: of the lesion.
        tracking_uid: DICOM's UID of the lesion over time, where it came with one.

    Raises:
        BoxError: corners that are not finite, or a box without volume.
    """

    corners_ijk: NDArray[np.float64]
    name: str = ""
    tracking_uid: str = ""

    def __post_init__(self) -> None:
        corners = np.array(self.corners_ijk, dtype=np.float64)
        if corners.shape != (8, 3) or not np.isfinite(corners).all():
            raise BoxError("A box needs eight corners with finite coordinates.")
        edges = corners[[1, 2, 4]] - corners[0]
        if abs(np.linalg.det(edges)) < 1e-9:
            raise BoxError("The box has no volume: at least one of its sides has length zero.")
        corners.setflags(write=False)
        object.__setattr__(self, "corners_ijk", corners)

    @classmethod
    def from_voxels(
        cls, i0: float, i1: float, j0: float, j1: float, k0: float, k1: float, *, name: str = ""
    ) -> BoxPrompt:
        """A box of whole voxels, both ends included; raises BoxError if an end precedes a start."""
        low, high = np.array([i0, j0, k0], float), np.array([i1, j1, k1], float)
        if not (low <= high).all():
            raise BoxError(
                f"The box runs backwards: got i {i0}..{i1}, j {j0}..{j1}, k {k0}..{k1}; expected "
                "the smaller index first."
            )
        return cls(low - 0.5 + CORNER_BITS * (high - low + 1), name)

    @classmethod
    def from_lps_bounds(
        cls, low: ArrayLike, high: ArrayLike, geometry: Geometry, name: str = ""
    ) -> BoxPrompt:
        """A box along the LPS axes, from its lowest and highest corner in mm."""
        lo, hi = np.asarray(low, float), np.asarray(high, float)
        if not (lo < hi).all():
            raise BoxError(
                f"The box runs backwards: got {lo.tolist()} to {hi.tolist()} mm; expected the "
                "smaller coordinate first."
            )
        return cls(geometry.ijk_from_lps(lo + CORNER_BITS * (hi - lo)), name)

    @classmethod
    def from_ras_bounds(
        cls, low: ArrayLike, high: ArrayLike, geometry: Geometry, name: str = ""
    ) -> BoxPrompt:
        """A box along the RAS axes, from its lowest and highest corner in mm."""
        lo, hi = np.asarray(low, float), np.asarray(high, float)
        flip = np.array([-1.0, -1.0, 1.0])
        ends = np.stack([lo * flip, hi * flip])
        if not (lo < hi).all():
            raise BoxError(
                f"The box runs backwards: got {lo.tolist()} to {hi.tolist()} mm; expected the "
                "smaller coordinate first."
            )
        return cls.from_lps_bounds(ends.min(axis=0), ends.max(axis=0), geometry, name)

    @classmethod
    def from_oriented(
        cls,
        center_lps: ArrayLike,
        axes_lps: ArrayLike,
        size_mm: ArrayLike,
        geometry: Geometry,
        name: str = "",
    ) -> BoxPrompt:
        """A box with its own axes.

        Args:
            center_lps: (3,) mm.
            axes_lps: (3, 3), columns the unit vectors of the box's axes.
            size_mm: (3,) lengths along them.
            geometry: of the volume.
            name: of the lesion.
        """
        size = np.asarray(size_mm, float)
        if not (np.isfinite(size).all() and (size > 0).all()):
            raise BoxError(f"The box's sides must be longer than zero; got {size.tolist()} mm.")
        offsets = (CORNER_BITS - 0.5) * size
        corners = np.asarray(center_lps, float) + offsets @ np.asarray(axes_lps, float).T
        return cls(geometry.ijk_from_lps(corners), name)

    @classmethod
    def from_labels(
        cls,
        labels: NDArray[np.integer[Any]],
        per: Per = Per.COMPONENT,
    ) -> list[BoxPrompt]:
        """Tight boxes of a label image KJI, one a connected component or a value.

        Ordered by value, then by the component's first voxel; named ``label 1`` or
        ``label 1 component 2``.

        Raises:
            BoxError: no label above 0.
        """
        chosen = Per.read(per, "'per'")
        boxes: list[BoxPrompt] = []
        for value, whole in _bounds(_label_image(labels)).items():
            pieces = {1: whole}
            if chosen is Per.COMPONENT:
                # In the value's own box: a hundred labels then cost one image, not a hundred.
                inside = sitk.GetImageFromArray((labels[whole] == value).astype(np.uint8))
                pieces = _bounds(sitk.ConnectedComponent(inside, True))
                pieces = {n: _moved(piece, whole) for n, piece in pieces.items()}
            for number, piece in pieces.items():
                name = f"label {value}" + (f" component {number}" if len(pieces) > 1 else "")
                ends = [end for s in reversed(piece) for end in (s.start, s.stop - 1)]
                boxes.append(cls.from_voxels(*ends, name=name))
        if not boxes:
            raise BoxError("The label image is empty: it holds no value above 0, so no box.")
        return boxes

    def renamed(self, name: str) -> BoxPrompt:
        """The same box under another name."""
        return replace(self, name=name)

    def require_inside(self, frame: CanonicalFrame) -> None:
        """Raise BoxError, which says on which side, where the box lies wholly outside the volume.

        Args:
            frame: canonical frame of the volume.
        """
        corners = frame.canonical_from_ijk(self.corners_ijk)
        slices, rows, cols = frame.shape
        low, high = corners.min(axis=0), corners.max(axis=0)
        if (high < -0.5).any() or (low > np.array([cols, rows, slices]) - 0.5).any():
            raise BoxError(_outside(low, high, frame))

    def slice_boxes(self, frame: CanonicalFrame, margin_mm: float = 0.0) -> SliceBoxes:
        """The 2D box in each slice: the extent of the box's cut with the slice's centre plane.

        Args:
            frame: canonical frame of the volume.
            margin_mm: how much further the boxes reach, within slices and across them.

        Raises:
            BoxError: the box lies wholly outside the volume.
        """
        corners = frame.canonical_from_ijk(self.corners_ijk)
        slices, rows, cols = frame.shape
        slice_mm, row_mm, col_mm = frame.spacing
        low, high = corners.min(axis=0), corners.max(axis=0)
        limit = np.array([cols, rows, slices]) - 0.5
        self.require_inside(frame)
        reach = margin_mm / slice_mm
        indices = np.arange(
            max(0, int(np.ceil(low[2] - reach))),
            min(slices - 1, int(np.floor(high[2] + reach))) + 1,
        )
        if len(indices) == 0:  # thinner than a slice and between two centres
            middle = round(float(np.clip((low[2] + high[2]) / 2, 0, slices - 1)))
            indices = np.array([middle])
        planes = np.clip(indices, low[2], high[2])
        xyxy = np.stack([_cut(corners, z) for z in planes])
        xyxy += np.array([-1, -1, 1, 1]) * margin_mm / np.array([col_mm, row_mm] * 2)
        bounds = np.array([[-0.5, limit[0]], [-0.5, limit[1]]] * 2)
        xyxy = np.clip(xyxy, bounds[:, 0], bounds[:, 1])
        messages = _clipped(low, high, frame)
        boxes = SliceBoxes(int(indices[0]), xyxy, frame, messages)
        if not boxes.region().any():
            boxes = boxes.widened()
        return boxes


Slices = tuple[slice, ...]


def _label_image(labels: NDArray[np.integer[Any]]) -> sitk.Image:
    """Labels (KJI) as an image of a type whose labels SimpleITK counts; what is below 0 is 0."""
    if labels.dtype.kind != "u" or labels.dtype.itemsize > 4:
        labels = np.maximum(labels, 0)
        if labels.dtype.itemsize > 4:
            labels = np.minimum(labels, 2**32 - 1)
        labels = labels.astype(np.uint32)
    return sitk.GetImageFromArray(labels)


def _bounds(labels: sitk.Image) -> dict[int, Slices]:
    """The tight box of each value above 0 (KJI), by value, in one pass over the image."""
    shapes = sitk.LabelShapeStatisticsImageFilter()
    shapes.ComputePerimeterOff()
    shapes.Execute(labels)
    found: dict[int, Slices] = {}
    for value in shapes.GetLabels():
        # First voxel and size of the bounding box, both in i, j, k.
        i, j, k, width, height, depth = shapes.GetBoundingBox(value)
        found[value] = (slice(k, k + depth), slice(j, j + height), slice(i, i + width))
    return found


def _moved(piece: Slices, whole: Slices) -> Slices:
    """Slices within a crop as slices of the whole."""
    return tuple(
        slice(w.start + p.start, w.start + p.stop) for p, w in zip(piece, whole, strict=True)
    )


@dataclass(frozen=True, eq=False)
class SliceBoxes:
    """A box prompt in the canonical frame, clipped to the volume.

    Attributes:
        first_slice: of the box.
        xyxy: (n, 4) edges x0, y0, x1, y1 in continuous indices (x = column, y = row), one row a
            slice; the columns 3 to 5 give x0 = 2.5, x1 = 5.5.
        frame: of the volume.
        messages: what the user should know, e.g. that the box was clipped.
    """

    first_slice: int
    xyxy: NDArray[np.float64]
    frame: CanonicalFrame
    messages: tuple[str, ...] = ()

    @property
    def last_slice(self) -> int:
        """Last slice of the box."""
        return self.first_slice + len(self.xyxy) - 1

    @property
    def slices(self) -> range:
        """Slices of the box."""
        return range(self.first_slice, self.last_slice + 1)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """x0, y0, x1, y1 of the union over slices."""
        low, high = self.xyxy[:, :2].min(axis=0), self.xyxy[:, 2:].max(axis=0)
        return float(low[0]), float(low[1]), float(high[0]), float(high[1])

    def region(self) -> NDArray[np.bool_]:
        """(n, rows, cols): the voxels whose centre lies inside the box."""
        _, rows, cols = self.frame.shape
        x, y = np.arange(cols), np.arange(rows)
        x0, y0, x1, y1 = (self.xyxy[:, n, None] for n in range(4))
        in_x, in_y = (x >= x0) & (x <= x1), (y >= y0) & (y <= y1)
        return np.asarray(in_y[:, :, None] & in_x[:, None, :])

    def widened(self) -> SliceBoxes:
        """Grown to the nearest voxel, for a box so thin that it holds no voxel centre."""
        _, rows, cols = self.frame.shape
        xyxy = self.xyxy.copy()
        for low, count in ((0, cols), (1, rows)):
            centre = np.clip(np.rint(xyxy[:, low::2].mean(axis=1)), 0, count - 1)
            xyxy[:, low] = np.minimum(xyxy[:, low], centre - 0.5)
            xyxy[:, low + 2] = np.maximum(xyxy[:, low + 2], centre + 0.5)
        message = "The box is thinner than a voxel; the nearest voxels were taken."
        return replace(self, xyxy=xyxy, messages=(*self.messages, message))


def _cut(corners: NDArray[np.float64], z: float) -> NDArray[np.float64]:
    """x0, y0, x1, y1 of the cut of the corners' convex hull with the plane at z.

    Every vertex of the cut lies on a segment between two corners, and every such segment lies in
    the hull, so the crossings of all 28 segments have the same extent as the cut.
    """
    a, b = corners[_PAIRS[:, 0]], corners[_PAIRS[:, 1]]
    rise = b[:, 2] - a[:, 2]
    crossing = (np.minimum(a[:, 2], b[:, 2]) <= z) & (np.maximum(a[:, 2], b[:, 2]) >= z)
    sloped = crossing & (np.abs(rise) > 1e-12)
    t = (z - a[sloped, 2]) / rise[sloped]
    points = a[sloped, :2] + t[:, None] * (b[sloped, :2] - a[sloped, :2])
    flat = crossing & ~sloped
    points = np.concatenate([points, a[flat, :2], b[flat, :2]])
    return np.concatenate([points.min(axis=0), points.max(axis=0)])


def side_names(frame: CanonicalFrame) -> list[tuple[str, str]]:
    """Names of the low and high side along x, y, z of a canonical frame, by the patient."""
    assigned = closest_axes(frame.geometry.direction)
    return [_SIDES[assigned[axis]] for axis in reversed(frame.axes)]


def _clipped(
    low: NDArray[np.float64], high: NDArray[np.float64], frame: CanonicalFrame
) -> tuple[str, ...]:
    spacing = np.array(frame.spacing[::-1])
    limit = np.array(frame.shape[::-1]) - 0.5
    parts = []
    for axis, names in enumerate(side_names(frame)):
        for excess, side in ((-0.5 - low[axis], names[0]), (high[axis] - limit[axis], names[1])):
            if excess * spacing[axis] > NEGLIGIBLE_MM:
                parts.append(f"{excess * spacing[axis]:.1f} mm at its {side} side")
    if not parts:
        return ()
    return (f"The box reached beyond the volume and was cut off: {', '.join(parts)}.",)


def _outside(low: NDArray[np.float64], high: NDArray[np.float64], frame: CanonicalFrame) -> str:
    ijk = frame.ijk_from_canonical(np.stack([low, high]))
    box_low, box_high = ijk.min(axis=0), ijk.max(axis=0)
    size = frame.geometry.size_ijk
    names = "ijk"
    wrong = [
        f"{names[a]} {box_low[a]:.1f}..{box_high[a]:.1f} (the volume has 0..{size[a] - 1})"
        for a in range(3)
        if box_high[a] < -0.5 or box_low[a] > size[a] - 0.5
    ]
    geometry = frame.geometry
    corners = geometry.ras_from_ijk(CORNER_BITS * (np.array(size) - 1))
    box = geometry.ras_from_ijk(box_low + CORNER_BITS * (box_high - box_low))
    return (
        f"The box lies outside the volume: voxels {', '.join(wrong)}. Box in RAS mm "
        f"{_extent(box)}; volume {_extent(corners)}."
    )


def _extent(points: NDArray[np.float64]) -> str:
    low, high = points.min(axis=0), points.max(axis=0)
    return " x ".join(f"{a:.0f}..{b:.0f}" for a, b in zip(low, high, strict=True))
