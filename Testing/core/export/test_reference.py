"""Results of a file that lost its DICOM tags, on the series that it was made of."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk

from masam_core.errors import SegmentationError
from masam_core.export.reference import onto_reference, require_reference
from masam_core.image.geometry import Geometry
from masam_core.image.volume import Volume, read_volume
from Testing.core.export.dicom.making import lesion_of, patient_series


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory) -> Volume:
    values = np.random.default_rng(0).integers(0, 900, (9, 12, 10)).astype(np.int16)
    return read_volume(patient_series(tmp_path_factory.mktemp("series") / "scan", values))


def converted(series: Volume, order: list[int], flips: list[bool], start: int = 0) -> Volume:
    """What a converter makes of it: other axes, other directions, perhaps a crop along k."""
    image = sitk.GetImageFromArray(series.array[start:])
    k = np.array(series.geometry.lps_from_ijk([[0, 0, start]])[0])
    series.geometry.apply_to_sitk(image)
    image.SetOrigin(k.tolist())
    turned = sitk.Flip(sitk.PermuteAxes(image, order), flips, False)
    return Volume(
        sitk.GetArrayFromImage(turned).astype(np.float32), Geometry.from_sitk(turned), "CT", "x"
    )


@pytest.mark.parametrize(
    ("order", "flips", "start"),
    [
        ([0, 1, 2], [False, False, False], 0),
        ([0, 1, 2], [False, True, False], 0),
        ([0, 1, 2], [True, True, True], 0),
        ([2, 0, 1], [True, False, True], 0),
        ([1, 0, 2], [False, True, True], 3),
    ],
)
def test_a_mask_lies_on_the_same_voxels(
    series: Volume, order: list[int], flips: list[bool], start: int
) -> None:
    image = converted(series, order, flips, start)
    chosen = image.array > 450  # whatever the order, those voxels are known by their values
    chosen[:, :, : image.array.shape[2] // 3] = False
    lesion = lesion_of(chosen, image)
    require_reference(image.geometry, series.geometry)
    (moved,), notes = onto_reference([lesion], series)
    assert notes == []
    assert moved.geometry.images is not None
    points = image.geometry.lps_from_ijk(np.argwhere(chosen)[:, ::-1].astype(float))
    expected = {tuple(p) for p in np.rint(series.geometry.ijk_from_lps(points)).astype(int)}
    assert {tuple(p) for p in np.argwhere(moved.mask_on_volume())[:, ::-1]} == expected
    for name in ("volume_ml", "mean", "sd", "longest_diameter_mm"):
        assert moved.measurements[name] == pytest.approx(lesion.measurements[name], rel=1e-4)
    ends = [
        np.sort(np.array(m.measurements.diameter_endpoints_lps), axis=0) for m in (moved, lesion)
    ]
    assert np.allclose(*ends, atol=1e-3)
    middle = moved.box.corners_ijk.mean(axis=0)
    assert np.allclose(
        series.geometry.lps_from_ijk([middle]),
        image.geometry.lps_from_ijk([lesion.box.corners_ijk.mean(axis=0)]),
        atol=1e-3,
    )


def test_another_series_of_the_same_grid_is_told(series: Volume) -> None:
    image = converted(series, [0, 1, 2], [False, True, False])
    lesion = lesion_of(image.array > 450, image)
    other = replace(series, array=series.array * 0.1)
    _, (note,) = onto_reference([lesion], other)
    assert "is it the one that the image was made of" in note


def shifted(series: Volume, voxels: float) -> Geometry:
    matrix = series.geometry.ijk_to_lps.copy()
    matrix[:3, 3] += voxels * matrix[:3, 2]
    return Geometry(series.geometry.shape, matrix)


def test_what_lies_elsewhere_is_refused_in_words(series: Volume) -> None:
    own = series.geometry
    require_reference(shifted(series, 0.001), own)  # what a file's rounding leaves
    with pytest.raises(SegmentationError, match=r"shifted by 0\.40 of a voxel"):
        require_reference(shifted(series, 0.4), own)
    thicker = Geometry.from_spacing(own.shape, own.spacing * 1.1, own.origin, own.direction)
    with pytest.raises(SegmentationError, match="the series"):
        require_reference(thicker, own)
    with pytest.raises(SegmentationError, match="a DICOM series itself"):
        require_reference(own, own)
    plain = Geometry(own.shape, own.ijk_to_lps)
    with pytest.raises(SegmentationError, match="no DICOM series"):
        require_reference(plain, plain)


def test_what_reaches_beyond_the_series_is_refused_before_the_work(series: Volume) -> None:
    for by in (1, 40):
        with pytest.raises(SegmentationError, match="at another place"):
            require_reference(shifted(series, by), series.geometry)
