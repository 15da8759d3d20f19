"""Labels of another grid on the same lattice: cropped, mirrored in storage, axes in another order.

Nothing is interpolated: where every voxel of one grid lies on a voxel of the other, up to a share
of one, labels are moved by index. Everything else is refused, and what differs is named.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from masam_core.errors import VolumeError
from masam_core.image.geometry import Geometry
from masam_core.image.squared import SHARE


def on_grid(labels: NDArray[Any], source: Geometry, target: Geometry, what: object) -> NDArray[Any]:
    """Labels on another grid of the same lattice.

    Args:
        labels: KJI on ``source``.
        source: the labels' grid.
        target: the image's grid.
        what: the label image, for messages.

    Returns:
        KJI on ``target``; 0 where the labels' grid does not reach.

    Raises:
        VolumeError: the grids share no lattice, or labels lie outside the image.
    """
    if source.same_grid(target):
        return labels
    to_target = np.linalg.inv(target.ijk_to_lps) @ source.ijk_to_lps
    steps = np.rint(to_target[:3, :3])
    size = np.array(source.size_ijk, dtype=np.float64)
    corners = np.array(np.meshgrid(*[(0.0, n - 1) for n in size])).reshape(3, 8)
    centre = (size - 1) / 2
    start = np.rint(to_target[:3, :3] @ centre + to_target[:3, 3] - steps @ centre)
    apart = (to_target[:3, :3] - steps) @ corners + (to_target[:3, 3] - start)[:, None]
    if not _turns_axes_only(steps) or np.abs(apart).max() > SHARE:
        raise VolumeError(f"{what} is not on the image's grid: {difference(source, target)}.")
    order = [int(np.flatnonzero(row)[0]) for row in steps]  # source axis of each target axis
    turned = labels.transpose([2 - order[2 - kji] for kji in range(3)])
    backwards = [steps[axis, order[axis]] < 0 for axis in (2, 1, 0)]
    turned = turned[tuple(slice(None, None, -1) if b else slice(None) for b in backwards)]
    # Index in the target of the turned labels' first voxel.
    ends = np.array([start, start + steps @ (size - 1)]).min(axis=0).astype(int)[::-1]
    here, there = [], []
    for first, count, whole in zip(ends, turned.shape, target.shape, strict=True):
        low, high = max(0, first), min(whole, first + count)
        here.append(slice(low, max(low, high)))
        there.append(slice(low - first, max(low, high) - first))
    placed = np.zeros(target.shape, labels.dtype)
    inside = turned[tuple(there)]
    placed[tuple(here)] = inside
    lost = int(np.count_nonzero(turned)) - int(np.count_nonzero(inside))
    if lost:
        raise VolumeError(
            f"{what} does not fit the image: {lost} labelled voxels lie outside it "
            f"({difference(source, target)})."
        )
    return placed


def difference(source: Geometry, target: Geometry) -> str:
    """What tells two grids apart, the labels' first: voxel size, direction, place, extent."""
    match = np.abs(target.direction.T @ source.direction)
    order = [int(match[axis].argmax()) for axis in range(3)]
    if sorted(order) == [0, 1, 2]:
        cosine = min(1.0, min(float(match[axis, order[axis]]) for axis in range(3)))
        extents = np.array(source.size_ijk) * source.spacing
        turned = np.sin(np.arccos(cosine)) * extents.max() / target.spacing.min()
        stretch = np.abs(source.spacing[order] / target.spacing - 1)
        if (stretch * np.array(source.size_ijk)[order]).max() > SHARE:
            return f"{source.describe()}, the image {target.describe()}"
        if turned > SHARE:
            return f"it is turned against the image by {np.degrees(np.arccos(cosine)):.2f} degrees"
    else:
        return "its axes are turned against the image's"
    centre = (np.array(source.size_ijk, dtype=np.float64) - 1) / 2
    place = target.ijk_from_lps(source.lps_from_ijk([centre]))[0]
    # The centre of an even number of voxels lies half-way between two.
    halves = (np.array(source.size_ijk)[order] - 1) / 2 % 1
    shift = (place - halves + 0.5) % 1 - 0.5
    if np.abs(shift).max() > SHARE:
        axis = int(np.abs(shift).argmax())
        return (
            f"it is shifted by {abs(shift[axis]):.2f} of a voxel "
            f"({abs(shift[axis]) * target.spacing[axis]:.2f} mm) along {'ijk'[axis]}"
        )
    return f"{source.describe()}, the image {target.describe()}, at another place"


def _turns_axes_only(steps: NDArray[np.float64]) -> bool:
    """Whether a matrix swaps and mirrors axes, and does nothing else."""
    sizes = np.abs(steps)
    return bool((sizes.sum(axis=0) == 1).all() and (sizes.sum(axis=1) == 1).all())
