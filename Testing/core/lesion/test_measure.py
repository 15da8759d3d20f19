"""Measurements against hand-computed phantoms."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from masam_core.errors import SegmentationError
from masam_core.image.geometry import Geometry
from masam_core.image.volume import Volume
from masam_core.lesion.diameter_plane import DiameterPlane
from masam_core.lesion.measure import Measurements, measure

# A quarter turn about S with i and j swapped over: i runs along +P, j along -L.
QUARTER_TURN = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])


def volume_of(array, spacing=(1.0, 1.0, 1.0), origin=(0.0, 0.0, 0.0), direction=None):
    geometry = Geometry.from_spacing(
        array.shape, spacing, origin, np.eye(3) if direction is None else direction
    )
    return Volume(array=array, geometry=geometry, modality="CT", name="phantom", source=None)


def ball(radius_mm, spacing):
    """A ball in a tight KJI grid."""
    half = [math.ceil(radius_mm / s) + 1 for s in spacing]
    k, j, i = np.meshgrid(
        *[np.arange(-h, h + 1) * s for h, s in zip(half[::-1], spacing[::-1], strict=True)],
        indexing="ij",
    )
    return i**2 + j**2 + k**2 <= radius_mm**2


def test_a_box_in_a_turned_and_shifted_image():
    array = np.arange(10 * 12 * 14, dtype=np.int16).reshape(10, 12, 14)
    volume = volume_of(array, (0.5, 2.0, 4.0), (10.0, 20.0, 30.0), QUARTER_TURN)
    mask = np.zeros(array.shape, dtype=bool)
    mask[2:5, 3:7, 1:9] = True  # k 2..4, j 3..6, i 1..8
    found = measure(mask, (0, 0, 0), volume)

    assert found.voxels == 3 * 4 * 8
    assert found.volume_ml == pytest.approx(96 * 4.0 / 1000)
    assert found.bounding_box_ijk == (1, 8, 3, 6, 2, 4)
    assert found.bounding_box_mm == pytest.approx((4.0, 8.0, 12.0))
    # Mean index (4.5, 4.5, 3): i moves along +P, j along -L.
    assert found.centroid_lps == pytest.approx((10 - 4.5 * 2.0, 20 + 4.5 * 0.5, 30 + 3 * 4.0))
    assert found.diameter_axis == 2
    assert found.diameter_slice in (2, 3, 4)
    assert found.longest_diameter_mm == pytest.approx(math.hypot(4.0, 8.0))
    inside = array[mask].astype(float)
    assert (found.minimum, found.maximum) == (inside.min(), inside.max())
    assert found.mean == pytest.approx(sum(inside) / inside.size)
    assert found.sd == pytest.approx(math.sqrt(sum((v - found.mean) ** 2 for v in inside) / 96))
    first, second = np.array(found.diameter_endpoints_lps)
    assert np.linalg.norm(first - second) == pytest.approx(found.longest_diameter_mm)
    assert {first[2], second[2]} == {30 + found.diameter_slice * 4.0}
    # The outline's corners: i 0.5 and 8.5, j 2.5 and 6.5.
    assert {first[1], second[1]} == {20 + 0.25, 20 + 4.25}
    assert {first[0], second[0]} == {10 - 5.0, 10 - 13.0}


def test_a_crop_measures_the_same_as_the_whole_mask():
    rng = np.random.default_rng(3)
    array = rng.normal(size=(12, 30, 40)).astype(np.float32)
    volume = volume_of(array, (0.7, 0.9, 3.0), (-5.0, 7.0, 11.0))
    mask = np.zeros(array.shape, dtype=bool)
    mask[3:9, 10:22, 15:31] = rng.random((6, 12, 16)) > 0.4
    assert measure(mask[2:10, 8:25, 12:35], (2, 8, 12), volume) == measure(mask, (0, 0, 0), volume)


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (0.7, 0.7, 3.0), (0.5, 0.9, 5.0)])
def test_a_ball_has_the_volume_and_surface_of_a_sphere(spacing):
    radius = 20.0
    mask = ball(radius, spacing)
    found = measure(mask, (0, 0, 0), volume_of(mask.astype(np.float32), spacing))
    assert found.volume_ml == pytest.approx(4 / 3 * math.pi * radius**3 / 1000, rel=0.02)
    assert found.surface_area_mm2 == pytest.approx(4 * math.pi * radius**2, rel=0.02)
    assert found.longest_diameter_mm == pytest.approx(2 * radius, abs=math.hypot(*spacing[:2]))
    assert found.perpendicular_diameter_mm == pytest.approx(
        2 * radius, abs=math.hypot(*spacing[:2])
    )
    assert found.diameter_slice == mask.shape[0] // 2


def test_the_surface_does_not_depend_on_where_the_lesion_touches_the_image_border():
    mask = ball(9.0, (1.0, 1.0, 1.0))
    half = mask[: mask.shape[0] // 2 + 1]
    padded = np.pad(half, ((0, 3), (0, 0), (0, 0)))
    cut = measure(half, (0, 0, 0), volume_of(half.astype(np.float32)))
    inside = measure(padded, (0, 0, 0), volume_of(padded.astype(np.float32)))
    assert cut.surface_area_mm2 == inside.surface_area_mm2


def test_diameters_are_taken_in_the_plane_that_is_asked_for():
    mask = np.zeros((8, 8, 8), dtype=bool)
    mask[1:7, 4, 2:5] = True
    volume = volume_of(mask.astype(np.float32))
    assert measure(mask, (0, 0, 0), volume).longest_diameter_mm == pytest.approx(math.hypot(3, 1))
    coronal = measure(mask, (0, 0, 0), volume, plane=DiameterPlane.CORONAL)
    assert coronal.longest_diameter_mm == pytest.approx(math.hypot(6, 3))
    assert (coronal.diameter_axis, coronal.diameter_slice) == (1, 4)
    assert coronal.diameter_plane == "coronal"
    across = measure(mask, (0, 0, 0), replace(volume, modality="MR"), slice_axis=1)
    assert across == coronal


def test_values_that_are_not_numbers_are_left_out_of_the_intensities():
    array = np.zeros((1, 1, 4), dtype=np.float32)
    array[0, 0] = (1, np.nan, 3, np.inf)
    found = measure(np.ones(array.shape, dtype=bool), (0, 0, 0), volume_of(array))
    assert (found.mean, found.sd, found.minimum, found.maximum) == (2, 1, 1, 3)
    array[:] = np.nan
    found = measure(np.ones(array.shape, dtype=bool), (0, 0, 0), volume_of(array))
    assert (found.mean, found.sd, found.minimum, found.maximum) == (None,) * 4


def test_integer_intensities_do_not_overflow():
    array = np.full((20, 30, 30), 32000, dtype=np.int16)
    found = measure(np.ones(array.shape, dtype=bool), (0, 0, 0), volume_of(array))
    assert (found.mean, found.sd) == (32000, 0)


def test_an_empty_mask_measures_nothing():
    found = measure(np.zeros((3, 4, 5), dtype=bool), (0, 0, 0), volume_of(np.zeros((3, 4, 5))))
    assert found == Measurements()
    assert (found.voxels, found.volume_ml, found.longest_diameter_mm) == (0, 0.0, None)


def test_the_dictionary_is_flat_and_survives_json():
    mask = ball(3.0, (1.0, 1.0, 2.0))
    found = measure(mask, (0, 0, 0), volume_of(mask.astype(np.float32), (1.0, 1.0, 2.0)))
    loaded = json.loads(json.dumps(found.to_dict()))
    assert loaded == found.to_dict()
    assert loaded["volume_ml"] == found.volume_ml
    assert loaded["bounding_box_ijk"] == list(found.bounding_box_ijk)
    assert loaded["diameter_endpoints_lps"][1] == list(found.diameter_endpoints_lps[1])
    assert not any(isinstance(value, dict) for value in loaded.values())


@pytest.mark.parametrize("offset", [(1, 0, 0), (0, 0, -1)])
def test_a_mask_that_does_not_fit_the_image_is_refused(offset):
    with pytest.raises(SegmentationError, match="does not fit"):
        measure(np.ones((3, 4, 5), dtype=bool), offset, volume_of(np.zeros((3, 4, 5))))


def test_measurements_come_back_from_their_flat_form() -> None:
    import json

    from masam_core.image.geometry import Geometry
    from masam_core.image.volume import Volume
    from masam_core.lesion.measure import Measurements

    array = np.arange(6 * 7 * 8, dtype=np.int16).reshape(6, 7, 8)
    volume = Volume(array, Geometry.from_spacing(array.shape, (1.0, 2.0, 3.0)))
    found = measure(array % 5 > 1, (0, 0, 0), volume)
    assert Measurements.from_dict(json.loads(json.dumps(found.to_dict()))) == found
    assert Measurements.from_dict({}) == Measurements()
