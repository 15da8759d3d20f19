"""Planes of diameters: chosen by what the image is, named, and the same however it is stored."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from masam_core.errors import ConfigError
from masam_core.image.geometry import Geometry
from masam_core.image.volume import Volume
from masam_core.inference.options import SegmentOptions
from masam_core.lesion.diameter_plane import DiameterPlane
from masam_core.lesion.measure import Measurements, measure
from masam_core.lesion.measurements.diameters import diameters_text
from masam_core.lesion.measurements.registry import listed_quantities
from masam_core.lesion.plane import axis_across, plane_across

# Columns are the directions of i, j and k in LPS.
STORED = {
    "axial": np.eye(3),
    "coronal": np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]]),
    "sagittal": np.array([[0.0, 0, 1], [1, 0, 0], [0, -1, 0]]),
}


def tilted(degrees: float) -> np.ndarray:
    """Axes turned about left to right, as by a gantry or an oblique head scan."""
    s, c = np.sin(np.radians(degrees)), np.cos(np.radians(degrees))
    return np.array([[1.0, 0, 0], [0, c, s], [0, -s, c]])


def grid(spacing: tuple[float, float, float], direction: np.ndarray) -> Geometry:
    return Geometry.from_spacing((8, 8, 8), spacing, (0, 0, 0), direction)


def test_a_body_in_thin_ct_slices_is_measured_axially_however_it_is_stored() -> None:
    """The body of the report: 24 x 24 x 60 mm in voxels of 0.8 x 0.8 x 0.7 mm."""
    k, j, i = np.indices((128, 50, 50))
    body = ((k - 64) * 0.7 / 30) ** 2 + ((j - 25) * 0.8 / 12) ** 2 + ((i - 25) * 0.8 / 12) ** 2 <= 1
    found = set()
    for order in itertools.permutations(range(3)):
        axes = np.eye(3)[:, list(order)]
        mask = body.transpose([2 - order[2 - kji] for kji in range(3)])
        spacing = np.array([0.8, 0.8, 0.7])[list(order)]
        geometry = Geometry.from_spacing(mask.shape, spacing, (5, 6, 7), axes)
        one = measure(mask, (0, 0, 0), Volume(mask.astype(np.int16), geometry, "CT"))
        found.add((round(one.longest_diameter_mm, 6), one.diameter_plane))
        assert order[one.diameter_axis] == 2
    ((longest, plane),) = found
    assert plane == "axial"
    # Between 24 mm and one pixel's diagonal more.
    assert 24.0 < longest < 24.0 + 0.8 * 2**0.5


@pytest.mark.parametrize("stored", STORED)
@pytest.mark.parametrize("spacing", [(1, 1, 1), (0.8, 0.8, 0.7), (0.8, 0.8, 3), (2, 0.5, 1)])
def test_ct_is_axial_whatever_the_voxels(stored: str, spacing: tuple[float, float, float]) -> None:
    geometry = grid(spacing, STORED[stored])
    across = axis_across(DiameterPlane.AUTO, geometry, "CT", slice_axis=0)
    assert abs(geometry.direction[2, across]) == 1
    assert plane_across(geometry, across) == "axial"


@pytest.mark.parametrize("stored", STORED)
@pytest.mark.parametrize(
    ("spacing", "plane"),
    [
        ((0.9, 0.9, 5.0), None),  # thick slices: the plane that is stored
        ((0.94, 0.94, 1.2), None),
        ((1.0, 1.0, 0.5), None),  # square pixels, slices closer than they are wide
        ((1.0, 1.0, 1.0), "axial"),
        ((1.0, 1.004, 0.998), "axial"),  # the same within one per cent
    ],
)
@pytest.mark.parametrize("kind", ["MR", "other"])
def test_other_images_are_measured_as_they_were_acquired(
    stored: str, spacing: tuple[float, float, float], plane: str | None, kind: str
) -> None:
    geometry = grid(spacing, STORED[stored])
    across = axis_across(DiameterPlane.AUTO, geometry, kind)  # type: ignore[arg-type]
    assert plane_across(geometry, across) == (plane or stored)
    assert axis_across(DiameterPlane.ACQUISITION, geometry, "CT") == across


@pytest.mark.parametrize("degrees", [12.0, 30.0, -40.0])
def test_of_an_oblique_image_the_nearest_plane_is_taken(degrees: float) -> None:
    geometry = grid((0.7, 0.7, 0.6), tilted(degrees))
    assert axis_across(DiameterPlane.AUTO, geometry, "CT") == 2
    assert axis_across(DiameterPlane.CORONAL, geometry, "CT") == 1
    assert plane_across(geometry, 2) == "axial"


@pytest.mark.parametrize("kind", ["CT", "MR"])
@pytest.mark.parametrize("stored", STORED)
@pytest.mark.parametrize("word", ["axial", "coronal", "sagittal"])
def test_a_plane_that_is_asked_for_is_taken(word: str, stored: str, kind: str) -> None:
    geometry = grid((1, 1, 4), STORED[stored])
    across = axis_across(DiameterPlane(word), geometry, kind)  # type: ignore[arg-type]
    assert plane_across(geometry, across) == word
    normal = {"sagittal": 0, "coronal": 1, "axial": 2}[word]
    assert abs(geometry.direction[normal, across]) == 1


def test_an_axis_that_was_given_is_that_of_the_slices_except_on_ct() -> None:
    geometry = grid((1, 1, 1), np.eye(3))
    assert axis_across(DiameterPlane.AUTO, geometry, "MR", slice_axis=0) == 0
    assert axis_across(DiameterPlane.ACQUISITION, geometry, "CT", slice_axis=0) == 0
    assert axis_across(DiameterPlane.AUTO, geometry, "CT", slice_axis=0) == 2
    assert axis_across(DiameterPlane.CORONAL, geometry, "MR", slice_axis=0) == 1


def test_the_plane_stands_beside_the_number() -> None:
    found = Measurements(
        longest_diameter_mm=24.94, perpendicular_diameter_mm=20.06, diameter_plane="coronal"
    )
    assert diameters_text(found) == "24.9 x 20.1 coronal"
    assert diameters_text(found, " / ", "mm") == "24.9 / 20.1 mm coronal"
    assert diameters_text(Measurements()) == ""
    (diameter,) = [q for q in listed_quantities() if q.name == "longest_diameter_mm"]
    assert diameter.shown(found) == "24.9 coronal"
    assert diameter.shown({"longest_diameter_mm": 24.94}) == "24.9"  # of an older scene
    assert diameter.shown({}) == ""


def test_the_setting_is_a_word_and_others_are_refused() -> None:
    options = SegmentOptions.from_dict({"diameter_plane": "sagittal"})
    assert options.diameter_plane is DiameterPlane.SAGITTAL
    assert options.to_dict()["diameter_plane"] == "sagittal"
    assert SegmentOptions().to_dict()["diameter_plane"] == "auto"
    for wrong in ("Axial", "transverse", 2, None):
        with pytest.raises(ConfigError, match="expected one of auto, axial, coronal"):
            SegmentOptions.from_dict({"diameter_plane": wrong})
