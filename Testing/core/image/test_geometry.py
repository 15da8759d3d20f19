"""Grids and the canonical frame, against SimpleITK and by following single voxels."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from masam_core.errors import VolumeError
from masam_core.image.geometry import Geometry, closest_axes


@st.composite
def geometries(draw: st.DrawFn) -> Geometry:
    """Any orientation: rotated, flipped, permuted, anisotropic, shifted."""
    shape = draw(st.tuples(*[st.integers(1, 9)] * 3))
    spacing = draw(st.tuples(*[st.floats(0.2, 8.0)] * 3))
    origin = draw(st.tuples(*[st.floats(-500, 500)] * 3))
    angles = draw(st.tuples(*[st.floats(-180, 180)] * 3))
    signs = draw(st.tuples(*[st.sampled_from([-1.0, 1.0])] * 3))
    direction = Rotation.from_euler("xyz", angles, degrees=True).as_matrix() * signs
    return Geometry.from_spacing(shape, spacing, origin, direction)


def sitk_image(geometry: Geometry) -> sitk.Image:
    image = sitk.Image(geometry.size_ijk, sitk.sitkInt16)
    geometry.apply_to_sitk(image)
    return image


def every_index(geometry: Geometry) -> np.ndarray:
    return np.argwhere(np.ones(geometry.size_ijk))


@given(geometries())
@settings(deadline=None, max_examples=60)
def test_points_lie_where_simpleitk_puts_them(geometry: Geometry) -> None:
    image = sitk_image(geometry)
    again = Geometry.from_sitk(image)
    assert again.same_grid(geometry, 1e-4)
    for index in every_index(geometry)[:: max(1, geometry.shape[0] * 7)]:
        expected = image.TransformIndexToPhysicalPoint([int(n) for n in index])
        lps = geometry.lps_from_ijk(index[None])
        assert np.allclose(lps[0], expected, atol=1e-3)
        assert np.allclose(geometry.ijk_from_lps(lps), index, atol=1e-6)
        ras = geometry.ras_from_ijk(index[None])
        assert np.allclose(ras[0], np.array(expected) * [-1, -1, 1], atol=1e-3)
        assert np.allclose(geometry.ijk_from_ras(ras), index, atol=1e-6)


@given(geometries(), st.sampled_from([None, 0, 1, 2]))
@settings(deadline=None, max_examples=60)
def test_the_canonical_frame_moves_no_voxel(geometry: Geometry, axis: int | None) -> None:
    frame = geometry.canonical_frame(axis)
    array = np.arange(np.prod(geometry.shape)).reshape(geometry.shape)
    canonical = frame.to_canonical(array)
    assert canonical.shape == frame.shape
    assert np.array_equal(frame.from_canonical(canonical), array)
    zyx = np.argwhere(np.ones(frame.shape))
    ijk = np.rint(frame.ijk_from_canonical(zyx[:, ::-1])).astype(int)
    assert np.array_equal(canonical[tuple(zyx.T)], array[tuple(ijk[:, ::-1].T)])
    xyz = np.c_[zyx[:, ::-1], np.ones(len(zyx))]
    assert np.allclose((frame.xyz_to_lps @ xyz.T).T[:, :3], geometry.lps_from_ijk(ijk), atol=1e-6)
    assert np.allclose(frame.canonical_from_ijk(ijk), zyx[:, ::-1], atol=1e-9)


@given(geometries(), st.sampled_from([None, 0, 1, 2]))
@settings(deadline=None, max_examples=60)
def test_canonical_axes_point_to_left_back_and_up(geometry: Geometry, axis: int | None) -> None:
    frame = geometry.canonical_frame(axis)
    anatomical = closest_axes(geometry.direction)
    for place in range(3):
        step = frame.xyz_to_lps[:3, 2 - place]
        assert step[anatomical[frame.axes[place]]] > 0 or np.isclose(
            step[anatomical[frame.axes[place]]], 0
        )
        assert np.linalg.norm(step) == pytest.approx(frame.spacing[place])
    # rows run along S before P, columns along P before L
    assert anatomical[frame.axes[1]] > anatomical[frame.axes[2]]


@given(geometries())
@settings(deadline=None, max_examples=60)
def test_slices_run_along_the_coarsest_axis(geometry: Geometry) -> None:
    frame = geometry.canonical_frame()
    assert frame.spacing[0] >= 0.99 * max(geometry.spacing)


@pytest.mark.parametrize("code", ["LPS", "RAS", "LIP", "SPL", "AIR", "PSR"])
def test_reorienting_agrees_with_simpleitks_own(code: str) -> None:
    rng = np.random.default_rng(1)
    image = sitk.GetImageFromArray(rng.integers(0, 99, size=(4, 5, 6)))
    image.SetSpacing((1.0, 1.5, 3.0))
    image.SetOrigin((7.0, -3.0, 2.0))
    stored = sitk.DICOMOrient(image, code)
    frame = Geometry.from_sitk(stored).canonical_frame()
    expected = sitk.GetArrayFromImage(sitk.DICOMOrient(stored, "LPS"))
    assert np.array_equal(frame.to_canonical(sitk.GetArrayFromImage(stored)), expected)


def test_equal_spacing_means_axial_slices() -> None:
    coronal_first = np.array([[1.0, 0, 0], [0, 0, 1], [0, 1, 0]])  # i L, j S, k P
    geometry = Geometry.from_spacing((5, 6, 7), (1.0, 1.0, 1.005), direction=coronal_first)
    assert geometry.acquisition_axis == 1


def test_a_grid_turned_by_45_degrees_still_has_three_different_axes() -> None:
    direction = Rotation.from_euler("z", 45, degrees=True).as_matrix()
    assert sorted(closest_axes(direction)) == [0, 1, 2]


def test_grids_are_the_same_up_to_the_tolerance() -> None:
    one = Geometry.from_spacing((50, 60, 70), (0.5, 0.5, 2.0))
    assert one.same_grid(Geometry.from_spacing((50, 60, 70), (0.500001, 0.5, 2.0)))
    assert not one.same_grid(Geometry.from_spacing((50, 60, 70), (0.501, 0.5, 2.0)))
    assert not one.same_grid(Geometry.from_spacing((50, 60, 71), (0.5, 0.5, 2.0)))


def test_voxel_volume_is_the_product_of_spacings() -> None:
    assert Geometry.from_spacing((2, 2, 2), (0.5, 2.0, 3.0)).voxel_volume_mm3 == pytest.approx(3)


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.array([[1, 0.4, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]]), "right angles"),
        (np.diag([1.0, 0.0, 1.0, 1.0]), "positive"),
        (np.full((4, 4), np.nan), "finite"),
    ],
)
def test_impossible_grids_are_refused(matrix: np.ndarray, message: str) -> None:
    with pytest.raises(VolumeError, match=message):
        Geometry((3, 3, 3), matrix)


def test_a_slice_axis_that_is_none_is_refused() -> None:
    with pytest.raises(VolumeError, match="0, 1 or 2"):
        Geometry.from_spacing((3, 3, 3)).canonical_frame(3)
