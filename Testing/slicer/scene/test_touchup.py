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


def paint(lesion: Any, radius: float, erase: bool, *spots: tuple[float, float, float]) -> Any:
    """One stroke in the volume's own slices; the history, to take it back."""
    from MASAMSlicerLib.session.handwork import Brush, HandWork
    from MASAMSlicerLib.session.session import Session

    session = Session(lesion.roi.GetScene(), lambda: None)  # type: ignore[arg-type,return-value]
    points = [world(lesion.volume, spot) for spot in spots]
    HandWork(session).paint(lesion.id, Brush(erase, radius=radius), points)
    return session.history


def test_a_stroke_adds_a_disc_in_one_slice_alone(lesion: Any) -> None:
    before = maskOf(lesion)
    paint(lesion, 2.0, False, (3, 3, 6))
    new = maskOf(lesion) & ~before
    j, i = np.mgrid[:14, :16]
    disc = np.hypot((i - 3) * 0.8, (j - 3) * 0.9) <= 2.0  # the grid's spacing
    np.testing.assert_array_equal(new[6], disc & ~before[6])
    assert not new[[*range(6), *range(7, 12)]].any()
    assert (maskOf(lesion) & before).sum() == before.sum()


def test_the_eraser_takes_away_between_two_places(lesion: Any) -> None:
    from MASAMSlicerLib.scene.lesions import LesionList

    before = maskOf(lesion)
    paint(lesion, 1.0, True, (0, 7, 5))
    np.testing.assert_array_equal(maskOf(lesion), before)
    paint(lesion, 1.0, True, (0, 7, 5), (15, 7, 5))
    gone = before & ~maskOf(lesion)
    np.testing.assert_array_equal(gone, before & block((5, 6), (6, 9), (0, 16)))
    assert LesionList(lesion.roi.GetScene()).lesion(lesion.id).status == "edited"


def test_a_whole_segment_can_be_erased_and_painted_again(lesion: Any) -> None:
    for k in range(12):
        paint(lesion, 25.0, True, (8, 7, k))
    assert not maskOf(lesion).any()
    paint(lesion, 1.0, False, (8, 7, 4))
    np.testing.assert_array_equal(
        maskOf(lesion)[4, 6:9, 7:10], [[False, True, False], [True] * 3, [False, True, False]]
    )
    assert maskOf(lesion).sum() == 5


def test_the_smallest_brush_paints_the_voxel_under_it() -> None:
    from MASAMSlicerLib.scene.touchup import touchedBy

    geometry = Geometry.from_spacing((5, 6, 7), (3.0, 3.0, 3.0), (0.0, 0.0, 0.0))
    point = geometry.ras_from_ijk(np.array([[2.4, 3.4, 1.4]]))
    for normal in (np.array([0.0, 0.0, 1.0]), None):
        assert np.argwhere(touchedBy(geometry, point, 0.1, normal)).tolist() == [[1, 3, 2]]


def test_outside_the_volume_nothing_is_painted(lesion: Any) -> None:
    before = maskOf(lesion)
    paint(lesion, 1.0, False, (-40, -40, 5), (-40, 90, 5))
    np.testing.assert_array_equal(maskOf(lesion), before)


def test_undo_takes_a_stroke_back(lesion: Any) -> None:
    before = maskOf(lesion)
    history = paint(lesion, 3.0, False, (3, 3, 6), (9, 3, 6))
    assert maskOf(lesion).sum() > before.sum()
    history.undo()
    np.testing.assert_array_equal(maskOf(lesion), before)


def test_locked_lesions_are_refused_and_one_without_a_mask_gets_its_first(
    lesion: Any, make: Scene
) -> None:
    from MASAMSlicerLib.scene.lesions import LesionList

    lesions = LesionList(make.scene)
    lesions.setLocked(lesion, True)
    with pytest.raises(SegmentationError, match="locked"):
        paint(lesion, 1.0, False, (8, 7, 4))
    new = lesions.add(lesion.volume)
    paint(new, 1.0, False, (8, 7, 4))
    assert lesions.lesion(new.id).provenance.byHand


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
