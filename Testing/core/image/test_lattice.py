"""Labels on the image's lattice are moved by index; what lies elsewhere is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from masam_core.errors import VolumeError
from masam_core.image.geometry import Geometry
from masam_core.image.lattice import on_grid

SHAPE = (9, 14, 12)
DIRECTION = Rotation.from_euler("xyz", (10, -20, 35), degrees=True).as_matrix()
IMAGE = Geometry.from_spacing(SHAPE, (0.8, 1.2, 3.0), (-12.5, 40.0, 7.25), DIRECTION)


def as_image(array: np.ndarray, geometry: Geometry) -> sitk.Image:
    image = sitk.GetImageFromArray(array)
    geometry.apply_to_sitk(image)
    return image


@given(
    order=st.permutations([0, 1, 2]),
    flips=st.tuples(*[st.booleans()] * 3),
    start=st.tuples(*[st.integers(-3, 5)] * 3),
    size=st.tuples(*[st.integers(1, 12)] * 3),
    seed=st.integers(0, 99),
    noise=st.sampled_from([0.0, 0.05]),
)
@settings(max_examples=80, deadline=None)
def test_any_crop_in_any_storage_is_placed_as_itk_would_resample_it(
    order: list[int],
    flips: tuple[bool, ...],
    start: tuple[int, ...],
    size: tuple[int, ...],
    seed: int,
    noise: float,
) -> None:
    """Nearest neighbour finds the same voxel for each, since all lie on one lattice."""
    image = sitk.Image(*[int(n) for n in size], sitk.sitkInt16)
    IMAGE.apply_to_sitk(image)
    origin = IMAGE.lps_from_ijk([np.array(start) + noise])[0]
    image.SetOrigin(origin.tolist())
    image = sitk.PermuteAxes(image, order)
    image = sitk.Flip(image, flips, False)
    labels = np.random.default_rng(seed).integers(0, 3, image.GetSize()[::-1]).astype(np.int16)
    source = Geometry.from_sitk(image)
    stored = as_image(labels, source)
    expected = sitk.GetArrayFromImage(
        sitk.Resample(
            stored,
            as_image(np.zeros(SHAPE, np.int16), IMAGE),
            sitk.Transform(),
            sitk.sitkNearestNeighbor,
        )
    )
    if np.count_nonzero(expected) < np.count_nonzero(labels):
        with pytest.raises(VolumeError, match=r"labelled voxels lie outside"):
            on_grid(labels, source, IMAGE, "labels.nrrd")
    else:
        np.testing.assert_array_equal(on_grid(labels, source, IMAGE, "labels.nrrd"), expected)


@pytest.mark.parametrize(
    ("spacing", "shift", "degrees", "shape", "says"),
    [
        ((0.8, 1.2, 3.0), (0.0, 0.0, 0.0), 5.0, SHAPE, "turned against the image by 5.00 degrees"),
        ((0.8, 1.2, 2.5), (0.0, 0.0, 0.0), 0.0, SHAPE, "0.8 x 1.2 x 2.5 mm, the image"),
        ((0.4, 0.6, 3.0), (0.0, 0.0, 0.0), 0.0, SHAPE, "0.4 x 0.6 x 3 mm, the image"),
        ((0.8, 1.2, 3.0), (0.0, 0.6, 0.0), 0.0, SHAPE, "shifted by 0.50 of a voxel (0.60 mm)"),
        ((0.8, 1.2, 3.0), (0.32, 0.0, 0.0), 0.0, (4, 4, 4), "0.40 of a voxel (0.32 mm) along i"),
        ((0.8, 1.2, 3.0), (800.0, 0.0, 0.0), 0.0, SHAPE, "labelled voxels lie outside"),
    ],
)
def test_what_differs_is_named(
    spacing: tuple[float, ...],
    shift: tuple[float, ...],
    degrees: float,
    shape: tuple[int, int, int],
    says: str,
) -> None:
    turn = Rotation.from_euler("z", degrees, degrees=True).as_matrix()
    origin = IMAGE.origin + DIRECTION @ np.array(shift)
    source = Geometry.from_spacing(shape, spacing, origin, DIRECTION @ turn)
    with pytest.raises(VolumeError) as caught:
        on_grid(np.ones(shape, np.uint8), source, IMAGE, "labels.nrrd")
    assert says in str(caught.value)
    assert "labels.nrrd" in str(caught.value)


@pytest.mark.parametrize(
    ("spacing", "origin"),
    [
        ((0.7031, 0.7031, 3.0), (-181.648437, -223.351562, -1423.6)),
        ((0.703125, 0.703125, 3.0), (-181.65, -223.35, -1423.6)),
        ((0.703125, 0.703125, 3.0001), (-181.6484, -223.3516, -1423.6)),
    ],
)
def test_headers_that_were_rounded_fit(
    tmp_path: Path, spacing: tuple[float, ...], origin: tuple[float, ...]
) -> None:
    shape = (20, 64, 64)
    full = (-181.648437, -223.351562, -1423.6)
    image = Geometry.from_spacing(shape, (0.703125, 0.703125, 3.0), full)
    labels = np.random.default_rng(0).integers(0, 2, shape)
    found = on_grid(labels, Geometry.from_spacing(shape, spacing, origin), image, "labels")
    np.testing.assert_array_equal(found, labels)
