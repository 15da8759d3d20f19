"""Masks into segments and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from masam_core.errors import SegmentationError
from Testing.slicer.scene.conftest import Scene, block, rigid


def look() -> Any:
    from MASAMSlicerLib.scene.segments import Look

    return Look("Lesion", (0.25, 0.5, 0.75), "a~b~c")


def as_array(node: Any, identity: str, volume: Any) -> np.ndarray:
    import slicer

    return slicer.util.arrayFromSegmentBinaryLabelmap(node, identity, volume) > 0


def test_a_mask_becomes_a_segment_voxel_by_voxel(make: Scene) -> None:
    from MASAMSlicerLib.scene.segments import newSegmentation, readSegment, tagOf, writeSegment

    volume = make.volume()
    make.put_under(volume, rigid((5, 6, 7), (1, 2, 3)))
    node = newSegmentation(volume, "result")
    rng = np.random.default_rng(1)
    mask = rng.random((4, 5, 6)) > 0.5
    mask[0, 0, 0] = mask[-1, -1, -1] = True
    identity = writeSegment(node, None, volume, mask, (3, 2, 7), look(), {"MASAM.Lesion": "x"})
    expected = np.zeros((12, 14, 16), dtype=bool)
    expected[3:7, 2:7, 7:13] = mask
    assert np.array_equal(as_array(node, identity, volume), expected)
    found, offset = readSegment(node, identity, volume)
    assert (offset, found.shape) == ((3, 2, 7), mask.shape)
    assert np.array_equal(found, mask)
    segment = node.GetSegmentation().GetSegment(identity)
    assert segment.GetName() == "Lesion"
    assert np.allclose(segment.GetColor(), (0.25, 0.5, 0.75))
    assert tagOf(segment, "TerminologyEntry") == "a~b~c"
    assert tagOf(segment, "MASAM.Lesion") == "x"
    assert node.GetTransformNodeID() == volume.GetTransformNodeID()


def test_writing_again_replaces_the_whole_mask_and_keeps_name_and_colour(make: Scene) -> None:
    from MASAMSlicerLib.scene.segments import newSegmentation, writeSegment

    volume = make.volume()
    node = newSegmentation(volume, "result")
    big, small = np.ones((6, 6, 6), bool), np.ones((2, 2, 2), bool)
    identity = writeSegment(node, None, volume, big, (1, 1, 1), look(), {})
    node.GetSegmentation().GetSegment(identity).SetName("renamed")
    assert writeSegment(node, identity, volume, small, (8, 8, 8), look(), {}) == identity
    assert np.array_equal(as_array(node, identity, volume), block((8, 10), (8, 10), (8, 10)))
    assert node.GetSegmentation().GetSegment(identity).GetName() == "renamed"
    assert node.GetSegmentation().GetNumberOfSegments() == 1


def test_neighbours_in_the_same_labelmap_keep_every_voxel(make: Scene) -> None:
    from MASAMSlicerLib.scene.segments import writeSegment

    volume = make.volume()
    blocks = [block((1, 5), (1, 5), (1, 5)), block((1, 5), (6, 10), (1, 5))]
    node = make.segmentation(volume, *blocks)
    assert node.GetSegmentation().GetNumberOfLayers() == 1
    mask = np.ones((6, 8, 6), dtype=bool)
    writeSegment(node, "s0", volume, mask, (0, 0, 0), look(), {})
    assert np.array_equal(as_array(node, "s1", volume), blocks[1])
    assert np.array_equal(as_array(node, "s0", volume), block((0, 6), (0, 8), (0, 6)))


def test_a_surface_follows_its_segment(make: Scene) -> None:
    from MASAMSlicerLib.scene.segments import newSegmentation, writeSegment

    volume = make.volume(matrix=np.diag([1.0, 1.0, 1.0, 1.0]))
    node = newSegmentation(volume, "result")
    identity = writeSegment(node, None, volume, np.ones((4, 4, 4), bool), (1, 1, 1), look(), {})
    node.CreateClosedSurfaceRepresentation()

    def bounds(segment: str) -> np.ndarray:
        values = np.zeros(6)
        node.GetSegmentation().GetSegment(segment).GetBounds(values)
        return values

    before = bounds(identity)
    writeSegment(node, identity, volume, np.ones((4, 4, 4), bool), (7, 1, 1), look(), {})
    moved = node.GetClosedSurfaceInternalRepresentation(identity).GetBounds()
    assert moved[4] > before[4] + 4
    other = writeSegment(node, None, volume, np.ones((3, 3, 3), bool), (1, 8, 8), look(), {})
    assert node.GetClosedSurfaceInternalRepresentation(other) is not None


def test_a_locked_segment_is_left_alone(make: Scene) -> None:
    import slicer
    from MASAMSlicerLib.scene.segments import isLocked, setLocked, writeSegment

    volume = make.volume()
    node = make.segmentation(volume, block((1, 5), (1, 5), (1, 5)))
    segment = node.GetSegmentation().GetSegment("s0")
    logic = slicer.vtkSlicerSegmentationsModuleLogic
    for lock in (
        lambda: setLocked(segment, True),
        lambda: logic.SetSegmentStatus(segment, logic.Completed),
    ):
        lock()
        assert isLocked(segment)
        with pytest.raises(SegmentationError, match="'s0' is locked"):
            writeSegment(node, "s0", volume, np.ones((2, 2, 2), bool), (0, 0, 0), look(), {})
        setLocked(segment, False)
        assert not isLocked(segment)
    assert np.array_equal(as_array(node, "s0", volume), block((1, 5), (1, 5), (1, 5)))


def test_a_segmentation_under_another_transform_is_refused(make: Scene) -> None:
    from MASAMSlicerLib.scene.segments import writeSegment

    volume = make.volume()
    node = make.segmentation(volume, block((1, 5), (1, 5), (1, 5)))
    make.put_under(volume, np.eye(4))
    with pytest.raises(SegmentationError, match="another transform"):
        writeSegment(node, None, volume, np.ones((2, 2, 2), bool), (0, 0, 0), look(), {})
    assert node.GetSegmentation().GetNumberOfSegments() == 1


def test_a_segment_on_another_grid_is_read_on_the_volumes(make: Scene) -> None:
    from MASAMSlicerLib.scene.segments import readSegment

    fine = make.volume(np.zeros((24, 28, 32), np.int16), np.diag([1.0, 1.0, 1.0, 1.0]), "fine")
    matrix = np.diag([2.0, 2.0, 2.0, 1.0])
    matrix[:3, 3] = 0.5  # a coarse voxel covers two fine ones along each axis
    coarse = make.volume(np.zeros((12, 14, 16), np.int16), matrix, "coarse")
    mask = block((4, 12), (6, 14), (8, 20), (24, 28, 32))
    node = make.segmentation(fine, mask)
    found, offset = readSegment(node, "s0", coarse)
    assert (offset, found.shape) == ((2, 3, 4), (4, 4, 6))
    assert found.all()


def test_an_empty_and_a_missing_segment(make: Scene) -> None:
    from MASAMSlicerLib.scene.segments import readSegment

    volume = make.volume()
    node = make.segmentation(volume)
    node.GetSegmentation().AddEmptySegment("none", "none")
    assert readSegment(node, "none", volume)[0].size == 0
    with pytest.raises(SegmentationError, match="no segment 'gone'"):
        readSegment(node, "gone", volume)
