"""Inputs on which version 0.1.0 failed in the field, where the folder of such cases is at hand."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

from masam_core.errors import VolumeError
from masam_core.image.volume import read_volume

NAME = Path("shared") / "cases" / "dicom_cases.py"
SCRIPT = next((p / NAME for p in Path(__file__).resolve().parents if (p / NAME).exists()), None)
READ = {
    "plain": 0,
    "localizer_in_series": 1,
    "pet_first_slope_1": 0,
    "enhanced_in_order": 0,
    "enhanced_scrambled_noext": 0,
}
REFUSED = {
    "all_at_one_position": "at one position",
    "no_position": "where it lies",
    "empty_position": "where it lies",
    "no_pixel_spacing": "how large its pixels are",
    "pixel_spacing_differs": "differ in pixel spacing",
    "two_phases": "differ in acquisition",
    "latin1_two_series": "CT, Schädel, 20 slices",
}


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cases, made by their own script."""
    if SCRIPT is None:
        pytest.skip(f"{NAME} is not beside this repository")
    folder = tmp_path_factory.mktemp("cases")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [str(SCRIPT), str(folder)])
        runpy.run_path(str(SCRIPT), run_name="cases")
    return folder


@pytest.mark.parametrize("name", READ)
def test_what_can_be_placed_is_placed_where_its_tags_say(cases: Path, name: str) -> None:
    volume = read_volume(cases / name)
    assert volume.array.shape == (20, 64, 64)
    np.testing.assert_allclose(volume.geometry.lps_from_ijk([[0, 0, 19]])[0], (0, 0, 57), atol=1e-6)
    assert len(volume.notes) == READ[name]
    if name == "pet_first_slope_1":
        # 90 * 0.01 * 15 in the last slice of the ellipsoid that is stored as 90; 40 in the first.
        np.testing.assert_allclose(volume.array[[0, 10], 32, 32], (40.0, 90 * 0.11), rtol=1e-6)
    else:
        assert volume.array[10, 32, 32] == 90


def test_a_tilted_gantry_shows_the_ball_where_its_tags_say(cases: Path) -> None:
    volume = read_volume(cases / "gantry_tilt_15")
    tilt = np.radians(15)
    assert volume.geometry.spacing == pytest.approx([1, 1, 3 * np.cos(tilt)], abs=1e-6)
    for row, column, inside in ((32, 32, 90), (32, 26, 90), (44, 32, 40)):
        place = [[column, row * np.cos(tilt), 30 - row * np.sin(tilt)]]
        i, j, k = np.rint(volume.geometry.ijk_from_lps(place)[0]).astype(int)
        assert volume.array[k, j, i] == inside
    assert "tilted gantry (15.0 degrees)" in volume.notes[0]


@pytest.mark.parametrize("name", REFUSED)
def test_what_can_not_be_placed_is_refused_with_the_reason(cases: Path, name: str) -> None:
    with pytest.raises(VolumeError) as caught:
        read_volume(cases / name)
    assert REFUSED[name] in str(caught.value)
