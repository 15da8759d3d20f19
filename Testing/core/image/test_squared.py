"""Shear that is numerical noise is taken away, real shear is named with its axes and angle."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from masam_core.errors import VolumeError
from masam_core.image.geometry import Geometry
from masam_core.image.squared import SHARE, squared
from masam_core.image.volume import read_volume
from Testing.core.image.formats.making import nifti


@pytest.mark.parametrize("shear", [1e-7, 1.5e-4, 2e-3])
def test_a_nifti_file_with_noise_in_its_sform_is_read(tmp_path: Path, shear: float) -> None:
    affine = np.diag([1.0, 1.0, 3.0, 1.0])[:3]
    affine[0, 1] = shear
    volume = read_volume(nifti(tmp_path / "scan.nii", affine=affine))
    direction = volume.geometry.direction
    np.testing.assert_allclose(direction.T @ direction, np.eye(3), atol=2e-6)
    middle = np.append((np.array(volume.geometry.size_ijk) - 1) / 2, 1.0)
    np.testing.assert_allclose(
        volume.geometry.lps_from_ijk([middle[:3]])[0] * (-1, -1, 1), affine @ middle, atol=1e-5
    )


def test_a_nifti_file_from_a_tilted_gantry_is_named_so(tmp_path: Path) -> None:
    affine = np.diag([1.0, 1.0, 3.0, 1.0])[:3]
    affine[1, 2] = 3 * np.tan(np.radians(15))
    with pytest.raises(VolumeError, match=r"axes j and k .* 75\.00 degrees"):
        read_volume(nifti(tmp_path / "scan.nii", affine=affine))


@given(
    angles=st.tuples(*[st.floats(-180, 180)] * 3),
    spacing=st.tuples(*[st.floats(0.3, 5)] * 3),
    shear=st.floats(0, 0.005),
    count=st.integers(2, 512),
)
@settings(max_examples=100, deadline=None)
def test_no_voxel_moves_by_more_than_its_share(
    angles: tuple[float, ...], spacing: tuple[float, ...], shear: float, count: int
) -> None:
    skew = np.eye(3)
    skew[0, 1] = shear
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_euler("xyz", angles, degrees=True).as_matrix() @ skew * spacing
    shape = (count, count, count)
    try:
        fixed = Geometry(shape, squared("scan.nii", matrix, shape))
    except VolumeError as error:
        assert "i and j" in str(error)  # noqa: PT017
        # Half of the shear, half of the extent from the centre, in the smaller of two voxels.
        reach = shear / 2 * count / 2 * max(spacing[:2]) / min(spacing[:2])
        assert reach > SHARE * 0.9
        return
    corners = np.array(np.meshgrid(*[(0.0, count - 1.0)] * 3)).reshape(3, 8).T
    apart = fixed.ijk_from_lps(corners @ matrix[:3, :3].T) - corners
    assert np.abs(apart).max() <= SHARE * 1.01
