"""Surface distances against hand-computed cases and SimpleITK."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from masam_core.image.geometry import Geometry
from masam_core.scoring.metrics import dice, iou, surface_distances


def ball(centre: tuple[float, float, float], radius: float) -> np.ndarray:
    k, j, i = np.indices((24, 30, 34))
    offsets = (k - centre[0]) * 2.0, (j - centre[1]) * 1.0, (i - centre[2]) * 0.5
    return sum(o**2 for o in offsets) <= radius**2


GEOMETRY = Geometry.from_spacing((24, 30, 34), (0.5, 1.0, 2.0))


def test_a_shifted_slab_is_as_far_as_its_shift() -> None:
    a, b = np.zeros((2, 24, 30, 34), dtype=bool)
    a[4:8, 5:25, 5:29] = True
    b[7:11, 5:25, 5:29] = True
    distances = surface_distances(a, b, GEOMETRY)
    assert distances is not None
    assert distances[0] == pytest.approx(6.0)  # three slices of 2 mm
    assert surface_distances(a, a, GEOMETRY) == (0.0, 0.0)


def test_the_mean_distance_agrees_with_simpleitks_distance_maps() -> None:
    a, b = ball((11, 14, 16), 6.0), ball((12, 15, 15), 5.0)
    images = []
    for mask in (a, b):
        image = sitk.GetImageFromArray(mask.astype(np.uint8))
        image.SetSpacing((0.5, 1.0, 2.0))
        images.append(image)
    surfaces = [
        sitk.GetArrayFromImage(sitk.BinaryContour(i, fullyConnected=False)) > 0 for i in images
    ]
    maps = []
    for surface in surfaces:
        outline = sitk.GetImageFromArray(surface.astype(np.uint8))
        outline.SetSpacing((0.5, 1.0, 2.0))
        away = sitk.SignedMaurerDistanceMap(outline, squaredDistance=False, useImageSpacing=True)
        maps.append(np.abs(sitk.GetArrayFromImage(away)))
    there, back = maps[1][surfaces[0]], maps[0][surfaces[1]]
    expected = np.concatenate([there, back])
    distances = surface_distances(a, b, GEOMETRY)
    assert distances is not None
    assert distances[1] == pytest.approx(expected.mean(), rel=0.02)
    assert distances[0] == pytest.approx(
        max(np.percentile(there, 95), np.percentile(back, 95)), rel=0.05
    )


def test_an_empty_mask_has_no_surface() -> None:
    empty = np.zeros((24, 30, 34), dtype=bool)
    assert surface_distances(empty, ball((11, 14, 16), 6.0), GEOMETRY) is None
    assert surface_distances(empty, empty, GEOMETRY) is None


def test_iou_is_the_share_of_the_union() -> None:
    a, b = ball((11, 14, 16), 6.0), ball((12, 15, 15), 5.0)
    assert iou(a, b) == pytest.approx((a & b).sum() / (a | b).sum())
    assert iou(a, a) == 1.0
    assert dice(a, b) == pytest.approx(2 * iou(a, b) / (1 + iou(a, b)))
