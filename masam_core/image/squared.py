"""Shear: numerical noise is taken away, real shear is named."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from masam_core.errors import VolumeError

# How far shear may move a voxel, as a share of a voxel, over the whole volume. A quarter is below
# what a person can draw, and above what float32 and four decimals leave.
SHARE = 0.25
# Cosine of an angle that is no noise in a volume of any size, however few its voxels (0.6 degrees).
PLAIN = 0.01
# Deviations from right angles below this stay as they are: float64 and float32 noise.
NOISE = 1e-6


def squared(
    what: object, matrix: NDArray[np.float64], shape: tuple[int, int, int]
) -> NDArray[np.float64]:
    """Affine with its axes at right angles, the volume's centre kept.

    Args:
        what: the image, for messages.
        matrix: (4, 4) from IJK to mm.
        shape: (K, J, I).

    Returns:
        The matrix as it is, or turned to the closest with right angles (polar decomposition).

    Raises:
        VolumeError: no axes, or shear that moves some voxel by more than :data:`SHARE` of one.
    """
    axes = matrix[:3, :3]
    spacing = np.linalg.norm(axes, axis=0)
    if not np.isfinite(matrix).all() or not (spacing > 0).all():
        raise VolumeError(f"{what} is damaged: its position matrix has an axis without length.")
    direction = axes / spacing
    if np.abs(direction.T @ direction - np.eye(3)).max() <= NOISE:
        return matrix
    require_square(what, matrix, shape)
    left, _, right = np.linalg.svd(direction)
    fixed = np.array(matrix, dtype=np.float64)
    fixed[:3, :3] = (left @ right) * spacing
    centre = (np.array(shape[::-1], dtype=np.float64) - 1) / 2
    fixed[:3, 3] += (axes - fixed[:3, :3]) @ centre
    return fixed


def require_square(what: object, matrix: NDArray[np.float64], shape: tuple[int, ...]) -> None:
    """Refuse axes so far from right angles that a voxel moves by more than :data:`SHARE` of one.

    Args:
        what: the image, for messages.
        matrix: (4, 4) from IJK to mm, its axes longer than 0.
        shape: (K, J, I).

    Raises:
        VolumeError: names the axes and their angle.
    """
    axes = matrix[:3, :3]
    direction = axes / np.linalg.norm(axes, axis=0)
    skew = np.abs(direction.T @ direction - np.eye(3)).max()
    if skew <= NOISE:
        return
    if skew > PLAIN or shear_in_voxels(axes, shape) > SHARE:
        raise VolumeError(
            f"{what} is sheared: {shear_in_words(axes)}. Such grids come from a tilted gantry; "
            "give the DICOM series itself, which is put straight, or resample the file to a "
            "regular grid first (in Slicer: module 'Resample Scalar/Vector/DWI Volume')."
        )


def shear_in_voxels(axes: NDArray[np.float64], shape: tuple[int, ...]) -> float:
    """Most that a corner lies from where axes at right angles would have it, in voxels.

    Args:
        axes: (3, 3), columns the steps of i, j, k in mm.
        shape: (K, J, I).
    """
    spacing = np.linalg.norm(axes, axis=0)
    left, _, right = np.linalg.svd(axes / spacing)
    straight = (left @ right) * spacing
    half = (np.array(shape[::-1], dtype=np.float64) - 1) / 2
    corners = np.array(np.meshgrid(*[(-h, h) for h in half])).reshape(3, 8)
    return float(np.abs(np.linalg.inv(straight) @ (axes - straight) @ corners).max())


def shear_in_words(axes: NDArray[np.float64]) -> str:
    """The two axes that are furthest from a right angle, and their angle."""
    direction = axes / np.linalg.norm(axes, axis=0)
    cosines = direction.T @ direction
    one, two = max(((0, 1), (0, 2), (1, 2)), key=lambda pair: abs(cosines[pair]))
    angle = np.degrees(np.arccos(np.clip(cosines[one, two], -1, 1)))
    pair = f"{'ijk'[one]} and {'ijk'[two]}"
    return f"its axes {pair} are not at right angles, they meet at {angle:.2f} degrees"
