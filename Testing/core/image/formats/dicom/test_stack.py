"""Images that make no regular grid are refused, and what is put right is told."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from masam_core.errors import VolumeError
from masam_core.image.volume import read_volume
from Testing.core.image.formats.dicom.making import ARRAY, COUNT, enhanced, image, save, series

TILT = math.radians(15)
LOCALIZER = {"ImageOrientationPatient": [0, 1, 0, 0, 0, -1], "InstanceNumber": 99}


def turned(k: int, degrees: float) -> list[float]:
    angle = math.radians(degrees * k)
    return [math.cos(angle), math.sin(angle), 0, -math.sin(angle), math.cos(angle), 0]


@pytest.mark.parametrize(
    ("tags", "says"),
    [
        (
            {"ImagePositionPatient": lambda k: [(0, 2)[k == 4], 0, 3 * k]},
            r"drift within their plane, by up to 2\.00 mm",
        ),
        ({"ImagePositionPatient": lambda k: [0, 0.1 * k * k, 3 * k]}, "drift within their plane"),
        ({"ImageOrientationPatient": lambda k: turned(k, 5)}, "turned against each other"),
        (
            {"ImageOrientationPatient": lambda k: turned(k == 3, 2)},
            r"turned against each other, by up to 2\.00 degrees \(2 orientations",
        ),
        ({"ImagePositionPatient": [0, 0, 0]}, "all 8 images lie at one position"),
        (
            {"ImagePositionPatient": lambda k: [0, 0, 3 * (k // 2)], "EchoTime": lambda k: k % 2},
            r"8 images lie at only 4 positions.*echo time: 0",
        ),
        ({"PixelSpacing": None}, "8 of 8 images .* how large its pixels are"),
        ({"PixelSpacing": ""}, "how large its pixels are"),
        ({"PixelSpacing": [0, 1]}, "PixelSpacing is 0 and 1 mm"),
        (
            {"PixelSpacing": lambda k: [1, 1] if k < 4 else [0.5, 0.5]},
            "differ in pixel spacing: 1 x 1 mm .* 0.5 x 0.5 mm",
        ),
        ({"ImagePositionPatient": None}, "8 of 8 images .* where it lies"),
        ({"ImagePositionPatient": lambda k: "" if k == 2 else [0, 0, 3 * k]}, "1 of 8 images"),
        ({"ImageOrientationPatient": None}, "how it is turned"),
        ({"ImageOrientationPatient": [1, 0, 0]}, "ImageOrientationPatient is '1.*expected 6"),
        ({"ImageOrientationPatient": [0, 0, 0, 0, 0, 0]}, "no two directions at right angles"),
        ({"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]}, "no two directions at right angles"),
        ({"ImagePositionPatient": lambda k: [0, 0, 3 * k + (k > 4) * 3]}, "do not lie evenly"),
        ({"RescaleSlope": 0}, "RescaleSlope is 0"),
        ({"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB"}, "colour"),
    ],
)
def test_what_is_no_grid_is_refused_with_the_reason(
    tmp_path: Path, tags: dict[str, Any], says: str
) -> None:
    series(tmp_path, **tags)
    with pytest.raises(VolumeError, match=says) as caught:
        read_volume(tmp_path)
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize(
    ("tags", "says"),
    [
        ({"ImageOrientationPatient": [1, 0, 0, 0, math.cos(TILT), -math.sin(TILT)]}, "15.0"),
        ({"ImagePositionPatient": lambda k: [0, 0.3 * k, 3 * k]}, "5.7"),
    ],
)
def test_a_tilted_gantry_is_put_straight_and_told(
    tmp_path: Path, tags: dict[str, Any], says: str
) -> None:
    series(tmp_path, **tags)
    volume = read_volume(tmp_path)
    (note,) = volume.notes
    assert f"a tilted gantry ({says} degrees)" in note
    assert str(tmp_path) in note
    direction = volume.geometry.direction
    np.testing.assert_allclose(direction.T @ direction, np.eye(3), atol=1e-9)


def test_gaps_that_add_up_are_refused_though_each_is_within_bounds(tmp_path: Path) -> None:
    slices = np.repeat(ARRAY, 3, axis=0)
    series(
        tmp_path,
        slices,
        ImagePositionPatient=lambda k: [0, 0, 2.86 * k if k < 12 else 2.86 * 12 + 3.14 * (k - 12)],
    )
    with pytest.raises(VolumeError, match="slices away from where an even stack"):
        read_volume(tmp_path)


def test_sizes_that_differ_are_named(tmp_path: Path) -> None:
    series(tmp_path)
    other = np.zeros((6, 6), np.int16)
    save(image(other, ImagePositionPatient=[0, 0, 24.0]), tmp_path / "other.dcm")
    with pytest.raises(VolumeError, match=r"10 x 12 pixels .*6 x 6 \(other.dcm\)"):
        read_volume(tmp_path)


@pytest.mark.parametrize(
    "tags", [LOCALIZER, {"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"], "InstanceNumber": 0}]
)
def test_a_localizer_among_the_slices_is_left_out_and_told(
    tmp_path: Path, tags: dict[str, Any]
) -> None:
    series(tmp_path)
    save(image(ARRAY[0], **tags), tmp_path / "loc.dcm")
    volume = read_volume(tmp_path)
    assert np.array_equal(volume.array, ARRAY)
    assert len(volume.notes) == 1
    assert "localizer" in volume.notes[0]
    assert "left out" in volume.notes[0]


@pytest.mark.parametrize("name", ["scan.dcm", "IM0001"])
@pytest.mark.parametrize("by_folder", [True, False])
def test_frames_of_an_enhanced_file_are_ordered_by_position(
    tmp_path: Path, name: str, by_folder: bool
) -> None:
    path = enhanced(tmp_path / name, [3, 0, 7, 1, 5, 2, 6, 4], slope=lambda k: 0.25 * (k + 1))
    volume = read_volume(tmp_path if by_folder else path)
    slopes = 0.25 * np.arange(1, COUNT + 1)[:, None, None]
    np.testing.assert_allclose(volume.array, ARRAY * slopes, rtol=1e-6)
    np.testing.assert_allclose(volume.geometry.spacing, (0.75, 1.5, 3.0))
    np.testing.assert_allclose(volume.geometry.lps_from_ijk([[2, 4, 7]])[0], (1.5, 6.0, 21.0))
    assert volume.modality == "CT"


def test_a_file_of_many_frames_without_positions_is_refused(tmp_path: Path) -> None:
    path = save(image(ARRAY), tmp_path / "movie.dcm")
    with pytest.raises(VolumeError, match=r"8 of 8 images .*where it lies"):
        read_volume(path)


@given(
    angles=st.tuples(*[st.floats(-180, 180)] * 3),
    spacing=st.tuples(*[st.floats(0.3, 4)] * 3),
    origin=st.tuples(*[st.floats(-200, 200)] * 3),
    digits=st.integers(5, 12),
)
@settings(max_examples=15, deadline=None)
def test_any_oblique_series_is_placed_as_its_tags_say(
    tmp_path_factory: pytest.TempPathFactory,
    angles: tuple[float, ...],
    spacing: tuple[float, ...],
    origin: tuple[float, ...],
    digits: int,
) -> None:
    """Positions to as few digits as scanners write; the formula is that of PS3.3, C.7.6.2.1.1."""
    folder = tmp_path_factory.mktemp("oblique")
    row, column, normal = Rotation.from_euler("xyz", angles, degrees=True).as_matrix().T

    def position(k: int) -> list[float]:
        place = np.array(origin) + k * spacing[2] * normal
        return [round(float(v), digits - 1) for v in place]

    cosines = [round(float(v), digits) for v in (*row, *column)]
    series(
        folder,
        ARRAY[:4],
        ImagePositionPatient=position,
        ImageOrientationPatient=cosines,
        PixelSpacing=[spacing[1], spacing[0]],
    )
    volume = read_volume(folder)
    assert np.array_equal(volume.array, ARRAY[:4])
    expected = np.array(origin) + 5 * spacing[0] * row + 7 * spacing[1] * column
    expected = expected + 3 * spacing[2] * normal
    np.testing.assert_allclose(volume.geometry.lps_from_ijk([[5, 7, 3]])[0], expected, atol=5e-3)
