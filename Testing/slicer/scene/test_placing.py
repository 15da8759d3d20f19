"""Boxes that were drawn in one slice."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from .conftest import Scene, rigid


def drawn(make: Scene, volume: Any, low: Any, high: Any) -> Any:
    """A ROI from one continuous index to another, of any direction."""
    from MASAMSlicerLib.scene.prompts import alignRoi

    roi = make.scene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "Box")
    alignRoi(roi, volume, np.array(low, float), np.array(high, float))
    return roi


@pytest.mark.parametrize("moved", [False, True])
@pytest.mark.parametrize(
    ("axis", "low", "high", "half"),
    [
        # Sides of 4 and 9 voxels of 0.8 and 0.9 mm: 3.2 mm are 1.28 slices of 2.5 mm, 0.64 a side.
        (2, (2.5, 1.5, 6.0), (6.5, 10.5, 6.0), 0.64),
        # In a plane across j: 6.4 mm wide and 5 mm high, so 5 mm deep: 5.56 rows of 0.9 mm.
        (1, (2.5, 7.0, 3.5), (10.5, 7.0, 5.5), 2.78),
    ],
)
def test_the_depth_is_the_smaller_side_around_the_slice(
    make: Scene, axis: int, low: Any, high: Any, half: float, moved: bool
) -> None:
    from MASAMSlicerLib.scene.placing import completeBox
    from MASAMSlicerLib.scene.prompts import alignedBounds
    from MASAMSlicerLib.scene.transforms import nodeToWorld
    from MASAMSlicerLib.scene.volumes import geometryOf

    volume = make.volume()
    if moved:
        make.put_under(volume, rigid((5, 12, -8), (3, 4, -9)))
    thick = np.array(high, float)
    thick[axis] += 0.3  # Slicer gives what is drawn in a slice some thickness of its own
    roi = drawn(make, volume, low, thick)
    ends = geometryOf(volume).ras_from_ijk(np.stack([np.zeros(3), np.eye(3)[axis]]))
    normal = np.diff(nodeToWorld(volume, ends), axis=0)[0]
    completeBox(roi, volume, normal / np.linalg.norm(normal))
    found = np.array(alignedBounds(roi, volume))
    expected = np.array([low, high], float)
    expected[:, axis] += [-half, half]
    np.testing.assert_allclose(found, expected, atol=0.01)


def test_the_depth_ends_at_the_volumes_end(make: Scene) -> None:
    from MASAMSlicerLib.scene.placing import completeBox
    from MASAMSlicerLib.scene.prompts import alignedBounds

    volume = make.volume(matrix=np.diag([1.0, 1.0, 1.0, 1.0]))
    roi = drawn(make, volume, (2.5, 1.5, 1.0), (12.5, 11.5, 1.1))
    completeBox(roi, volume, np.array([0.0, 0.0, 1.0]))
    low, high = alignedBounds(roi, volume)
    assert low[2] == pytest.approx(-0.5)
    assert high[2] == pytest.approx(6.0)


def test_an_undrawn_lesion_is_used_again_and_not_left_behind(make: Scene) -> None:
    from MASAMSlicerLib.scene import placing
    from MASAMSlicerLib.scene.lesions import LesionList

    lesions, volume = LesionList(make.scene), make.volume()
    first = placing.lesionToPlace(lesions, volume)
    assert placing.lesionToPlace(lesions, volume).id == first.id
    placing.leavePlacing(lesions, first.id)
    assert lesions.lesions() == []
    second = placing.lesionToPlace(lesions, volume)
    second.roi.SetSize(5, 5, 5)
    placing.leavePlacing(lesions, second.id)
    assert [lesion.id for lesion in lesions.lesions()] == [second.id]
