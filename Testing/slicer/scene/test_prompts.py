"""ROIs as boxes: all eight corners, through every transform; and ROIs laid on a volume."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from masam_core.errors import BoxError
from Testing.slicer.scene.conftest import OBLIQUE, Scene, rigid

ROI = rigid((25, 5, -40), (9, -30, 12))
SIZE = (5.0, 6.0, 9.0)


def expected_corners(*chain: np.ndarray) -> np.ndarray:
    """The ROI's corners through matrices (last first), by homogeneous coordinates."""
    signs = np.array([s[::-1] for s in product((-0.5, 0.5), repeat=3)])
    points = np.c_[signs * SIZE, np.ones(8)]
    for matrix in reversed(chain):
        points = points @ matrix.T
    return points[:, :3]


def test_corners_go_through_the_transforms_of_roi_and_volume(make: Scene) -> None:
    from MASAMSlicerLib.scene.prompts import boxFromRoi

    over_roi, over_volume = rigid((0, 30, 10), (3, 4, 5)), rigid((70, 0, -20), (-9, 2, 1))
    volume, roi = make.volume(), make.roi(ROI, SIZE)
    make.put_under(roi, over_roi)
    make.put_under(volume, over_volume)
    to_ijk = np.linalg.inv(over_volume @ OBLIQUE)
    expected = expected_corners(to_ijk, over_roi, ROI)
    assert np.allclose(boxFromRoi(roi, volume).corners_ijk, expected, atol=1e-6)


def test_a_transform_that_is_not_linear_is_undone_corner_by_corner(make: Scene) -> None:
    import vtk
    from MASAMSlicerLib.scene.prompts import boxFromRoi
    from MASAMSlicerLib.selftest import addWarp

    volume, roi = make.volume(), make.roi(ROI, SIZE)
    warp = addWarp()
    volume.SetAndObserveTransformNodeID(warp.GetID())
    corners = boxFromRoi(roi, volume).corners_ijk
    # Forwards again: index to the volume's space, through the warp, must be the ROI's corners.
    own = np.c_[corners, np.ones(8)] @ OBLIQUE.T
    transform = vtk.vtkGeneralTransform()
    warp.GetTransformToWorld(transform)
    world = np.array([transform.TransformPoint(*p[:3]) for p in own])
    assert np.allclose(world, expected_corners(ROI), atol=1e-2)
    assert not np.allclose(own[:, :3], world, atol=0.5)


def test_a_roi_that_was_not_drawn_is_refused(make: Scene) -> None:
    from MASAMSlicerLib.scene.prompts import boxFromRoi

    with pytest.raises(BoxError, match="has no size yet"):
        boxFromRoi(make.roi(ROI, (0.0, 1.0, 1.0)), make.volume())
    with pytest.raises(BoxError, match="Draw a box"):
        boxFromRoi(None, make.volume())


def test_a_roi_around_a_mask_is_tight(make: Scene) -> None:
    from MASAMSlicerLib.scene.prompts import boxFromRoi, roiFromMask

    volume, roi = make.volume(), make.roi(np.eye(4), SIZE)
    make.put_under(roi, rigid((5, 6, 7), (1, 2, 3)))
    make.put_under(volume, rigid((-5, 60, 7), (10, 2, 3)))

    @given(
        low=st.tuples(*[st.integers(0, 6)] * 3),
        size=st.tuples(*[st.integers(1, 6)] * 3),
    )
    def is_tight(low: tuple[int, int, int], size: tuple[int, int, int]) -> None:
        roiFromMask(roi, volume, np.ones(size, dtype=bool), low)
        corners = boxFromRoi(roi, volume).corners_ijk
        first = np.array(low[::-1])
        assert np.allclose(corners.min(axis=0), first - 0.5, atol=1e-5)
        assert np.allclose(corners.max(axis=0), first + np.array(size[::-1]) - 0.5, atol=1e-5)

    is_tight()


def test_there_is_no_box_around_nothing(make: Scene) -> None:
    from MASAMSlicerLib.scene.prompts import roiFromMask

    with pytest.raises(BoxError, match="no voxel"):
        roiFromMask(make.roi(ROI, SIZE), make.volume(), np.zeros((2, 2, 2), bool), (0, 0, 0))
