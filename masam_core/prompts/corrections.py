"""Corrections of a mask by clicks, scribbles and lassos, and the voxels that they stand for."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from masam_core.errors import BoxError
from masam_core.image.geometry import Geometry
from masam_core.keywords import Keyword
from masam_core.prompts.first import finite_points, ras_words

STEP_VOXELS = 0.5  # between the samples of a scribble
MOST_POINTS = 10_000  # of one correction; a hand draws some hundreds


class CorrectionKind(Keyword):
    """What the user did: click, draw a line, or draw around an area on a slice."""

    POINT = "point"
    SCRIBBLE = "scribble"
    LASSO = "lasso"


_LEAST = {CorrectionKind.POINT: 1, CorrectionKind.SCRIBBLE: 1, CorrectionKind.LASSO: 3}


@dataclass(frozen=True, eq=False)
class Correction:
    """What the user says of a mask: this belongs to the lesion, or this does not.

    Attributes:
        kind: a word will do, and becomes a member.
        points_lps: (n, 3) LPS mm: positions of clicks, the corners of a scribble's polyline in
            their order, or of a lasso's outline, which closes by itself.
        positive: whether it belongs to the lesion.

    Raises:
        ConfigError: another kind.
        BoxError: positions that are not finite, too few or too many of them.

    >>> Correction("point", [[12.5, -40.0, 7.0]], positive=False).kind.value
    'point'
    """

    kind: CorrectionKind
    points_lps: NDArray[np.float64]
    positive: bool = True

    def __post_init__(self) -> None:
        kind = CorrectionKind.read(self.kind, "The kind of a correction")
        points = finite_points(self.points_lps, f"A {kind.value}")
        if not _LEAST[kind] <= len(points) <= MOST_POINTS:
            raise BoxError(
                f"A {kind.value} needs {_LEAST[kind]} to {MOST_POINTS} positions; got "
                f"{len(points)}."
            )
        points.setflags(write=False)
        object.__setattr__(self, "kind", kind)
        object.__setattr__(self, "points_lps", points)
        object.__setattr__(self, "positive", bool(self.positive))


def correction_voxels(correction: Correction, geometry: Geometry) -> NDArray[np.int64]:
    """The voxels of a volume that a correction stands for.

    A click is the voxel it lies in. A scribble is sampled at half a voxel. A lasso is the inside
    of its outline on one slice: of the voxel axes the one nearest to the right angle of the
    outline's plane, and of its slices the nearest; an outline that holds no voxel's centre is the
    voxel in its middle.

    Args:
        correction: the prompt.
        geometry: of the volume.

    Returns:
        (m, 3) voxel indices i, j, k, each once, in ascending order of k, j, i; what lies outside
        the volume is left out.

    Raises:
        BoxError: nothing of it lies in the volume.
    """
    points = geometry.ijk_from_lps(correction.points_lps)
    if correction.kind is CorrectionKind.LASSO:
        found = _filled(points, _across(correction.points_lps, geometry), geometry.size_ijk)
    elif correction.kind is CorrectionKind.SCRIBBLE:
        found = _nearest(_sampled(points, geometry.size_ijk))
    else:
        found = _nearest(points)
    size = np.array(geometry.size_ijk)
    inside = found[((found >= 0) & (found < size)).all(axis=1)]
    if not len(inside):
        middle = ras_words(correction.points_lps.mean(axis=0))
        raise BoxError(
            f"The {correction.kind.value} lies outside the volume: its middle is {middle} "
            f"({geometry.describe()})."
        )
    return np.unique(inside[:, ::-1], axis=0)[:, ::-1]


def _nearest(points: NDArray[np.float64]) -> NDArray[np.int64]:
    # Half-way goes up, for every voxel alike; rint would go to the even one.
    return np.floor(points + 0.5).astype(np.int64)


def _sampled(points: NDArray[np.float64], size: tuple[int, int, int]) -> NDArray[np.float64]:
    """Points (IJK) of a polyline, no further apart than half a voxel along any axis.

    What is far outside is cut off first, so that an end that is astray costs no memory.
    """
    parts = [points]
    reach = np.array(size, dtype=np.float64)
    for start, end in pairwise(points):
        step = end - start
        # Where the segment crosses the volume, as shares of its length.
        with np.errstate(divide="ignore", invalid="ignore"):
            a, b = (-1.0 - start) / step, (reach - start) / step
        still = step == 0
        low = np.where(still, 0.0, np.minimum(a, b)).max()
        high = np.where(still, 1.0, np.maximum(a, b)).min()
        low, high = max(0.0, low), min(1.0, high)
        if high <= low:
            continue
        count = int(np.ceil(np.abs(step).max() * (high - low) / STEP_VOXELS)) + 1
        parts.append(start + np.linspace(low, high, count)[:, None] * step)
    return np.concatenate(parts)


def _across(points_lps: NDArray[np.float64], geometry: Geometry) -> int:
    """The voxel axis nearest to the normal of the plane through an outline."""
    _, _, axes = np.linalg.svd(points_lps - points_lps.mean(axis=0), full_matrices=False)
    return int(np.abs(geometry.direction.T @ axes[2]).argmax())


def _filled(
    points: NDArray[np.float64], across: int, size: tuple[int, int, int]
) -> NDArray[np.int64]:
    """Voxels (IJK) whose centre lies inside an outline (IJK), on the slice nearest to it."""
    u, v = (axis for axis in range(3) if axis != across)
    index = _nearest(points.mean(axis=0)[None])[0, across]
    outline = points[:, [u, v]]
    low = np.maximum(np.ceil(outline.min(axis=0)), 0).astype(np.int64)
    high = np.minimum(np.floor(outline.max(axis=0)), np.array([size[u], size[v]]) - 1)
    columns, rows = (np.arange(a, b + 1) for a, b in zip(low, high.astype(np.int64), strict=True))
    inside = np.zeros((len(columns), len(rows)), dtype=bool)
    for (u0, v0), (u1, v1) in zip(outline, np.roll(outline, -1, axis=0), strict=True):
        # Even-odd rule: a ray along u from each centre crosses the outline an odd number of times.
        crossed = (v0 <= rows) != (v1 <= rows)
        if crossed.any():
            at = u0 + (rows[crossed] - v0) / (v1 - v0) * (u1 - u0)
            inside[:, crossed] ^= columns[:, None] < at
    found = np.argwhere(inside) + low
    if not len(found):
        found = _nearest(outline.mean(axis=0)[None])
    voxels = np.empty((len(found), 3), dtype=np.int64)
    voxels[:, [u, v]], voxels[:, across] = found, index
    return voxels
