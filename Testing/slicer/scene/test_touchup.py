"""Brush and eraser: the voxels they touch, on turned grids too."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from masam_core.errors import SegmentationError
from masam_core.image.geometry import Geometry

from .conftest import Scene, block, rigid


def world(volume: Any, ijk: tuple[float, float, float]) -> np.ndarray:
    """World position of a continuous index, by VTK."""
    import slicer
    import vtk

    matrix = vtk.vtkMatrix4x4()
    volume.GetIJKToRASMatrix(matrix)
    point = np.array(matrix.MultiplyPoint((*ijk, 1.0)))[:3]
    out = [0.0] * 3
    transform = vtk.vtkGeneralTransform()
    slicer.vtkMRMLTransformNode.GetTransformBetweenNodes(
        volume.GetParentTransformNode(), None, transform
    )
    transform.TransformPoint(point.tolist(), out)
    return np.array(out)


def across(volume: Any) -> np.ndarray:
    """World normal of the volume's own slices."""
    step = world(volume, (0, 0, 1)) - world(volume, (0, 0, 0))
    return step / np.linalg.norm(step)


@pytest.fixture
def lesion(make: Scene) -> Any:
    """With a block as its segment, in a volume under a transform."""
    from MASAMSlicerLib.scene.lesions import LesionList
    from MASAMSlicerLib.scene.provenance import Provenance, maskDigest
    from MASAMSlicerLib.scene.segments import newSegmentation, writeSegment

    volume = make.volume()
    make.put_under(volume, rigid((5, 12, -8), (3, 4, -9)))
    lesions = LesionList(make.scene)
    found = lesions.add(volume)
    found.roi.SetSize(5, 5, 5)
    mask = block((4, 8), (5, 9), (6, 10))
    node = newSegmentation(volume, "lesions")
    made = Provenance(found.id, np.zeros((8, 3)), maskHash=maskDigest(mask, (0, 0, 0)))
    written = writeSegment(node, None, volume, mask, (0, 0, 0), found.look, made.tags())
    lesions.recordSegment(found, node, written)
    return lesions.lesion(found.id)


def maskOf(lesion: Any) -> np.ndarray:
    """The segment on the whole grid."""
    from MASAMSlicerLib.scene.segments import readSegment

    crop, (k, j, i) = readSegment(lesion.segmentation, lesion.segmentId, lesion.volume)
    out = np.zeros((12, 14, 16), dtype=bool)
    out[k : k + crop.shape[0], j : j + crop.shape[1], i : i + crop.shape[2]] = crop
    return out


def test_a_stroke_adds_a_disc_in_one_slice_alone(lesion: Any) -> None:
    from MASAMSlicerLib.scene.touchup import Stroke

    before = maskOf(lesion)
    Stroke(lesion, 2.0, erase=False).moveTo(world(lesion.volume, (3, 3, 6)), across(lesion.volume))
    new = maskOf(lesion) & ~before
    j, i = np.mgrid[:14, :16]
    disc = np.hypot((i - 3) * 0.8, (j - 3) * 0.9) <= 2.0  # the grid's spacing
    np.testing.assert_array_equal(new[6], disc & ~before[6])
    assert not new[[*range(6), *range(7, 12)]].any()
    assert (maskOf(lesion) & before).sum() == before.sum()


def test_the_eraser_takes_away_between_two_places(lesion: Any) -> None:
    from MASAMSlicerLib.scene.lesions import LesionList
    from MASAMSlicerLib.scene.touchup import Stroke

    before = maskOf(lesion)
    stroke = Stroke(lesion, 0.5, erase=True)
    stroke.moveTo(world(lesion.volume, (0, 7, 5)), across(lesion.volume))
    np.testing.assert_array_equal(maskOf(lesion), before)
    stroke.moveTo(world(lesion.volume, (15, 7, 5)), across(lesion.volume))
    gone = before & ~maskOf(lesion)
    np.testing.assert_array_equal(gone, before & block((5, 6), (7, 8), (0, 16)))
    assert LesionList(lesion.roi.GetScene()).lesion(lesion.id).status == "edited"


def test_a_whole_segment_can_be_erased_and_painted_again(lesion: Any) -> None:
    from MASAMSlicerLib.scene.touchup import Stroke

    for k in range(12):
        Stroke(lesion, 50.0, erase=True).moveTo(
            world(lesion.volume, (8, 7, k)), across(lesion.volume)
        )
    assert not maskOf(lesion).any()
    Stroke(lesion, 0.1, erase=False).moveTo(world(lesion.volume, (8, 7, 4)), across(lesion.volume))
    np.testing.assert_array_equal(maskOf(lesion), block((4, 5), (7, 8), (8, 9)))


def test_outside_the_volume_nothing_is_painted(lesion: Any) -> None:
    from MASAMSlicerLib.scene.touchup import Stroke

    before = maskOf(lesion)
    stroke = Stroke(lesion, 1.0, erase=False)
    stroke.moveTo(world(lesion.volume, (-40, -40, 5)), across(lesion.volume))
    stroke.moveTo(world(lesion.volume, (-40, 90, 5)), across(lesion.volume))
    np.testing.assert_array_equal(maskOf(lesion), before)


def test_undo_takes_a_stroke_back(lesion: Any) -> None:
    from MASAMSlicerLib.scene.history import History
    from MASAMSlicerLib.scene.touchup import Stroke

    before = maskOf(lesion)
    history = History(lesion.roi.GetScene())
    with history.step("Paint") as touched:
        touched.append((lesion.segmentation, lesion.segmentId))
        stroke = Stroke(lesion, 3.0, erase=False)
        stroke.moveTo(world(lesion.volume, (3, 3, 6)), across(lesion.volume))
        stroke.moveTo(world(lesion.volume, (9, 3, 6)), across(lesion.volume))
    assert maskOf(lesion).sum() > before.sum()
    history.undo()
    np.testing.assert_array_equal(maskOf(lesion), before)


def test_locked_and_empty_lesions_are_refused(lesion: Any, make: Scene) -> None:
    from MASAMSlicerLib.scene.lesions import LesionList
    from MASAMSlicerLib.scene.touchup import Stroke

    lesions = LesionList(make.scene)
    lesions.setLocked(lesion, True)
    with pytest.raises(SegmentationError, match="locked"):
        Stroke(lesion, 1.0, erase=False)
    with pytest.raises(SegmentationError, match="Segment first"):
        Stroke(lesions.add(lesion.volume), 1.0, erase=False)


def test_the_capsule_of_a_coronal_view_is_one_row_thick() -> None:
    from MASAMSlicerLib.scene.touchup import capsule

    geometry = Geometry.from_spacing((10, 20, 30), (1.0, 1.0, 4.0), (0.0, 0.0, 0.0))
    point = geometry.ras_from_ijk(np.array([[15.0, 10.0, 5.0]]))[0]
    where, inside = capsule(geometry, point, point, np.array([0.0, 1.0, 0.0]), 5.0)
    found = np.zeros((10, 20, 30), dtype=bool)
    found[where] = inside
    k, j, i = np.nonzero(found)
    assert set(j) == {10}
    assert (k.min(), k.max()) == (4, 6)
    assert (i.min(), i.max()) == (10, 20)
