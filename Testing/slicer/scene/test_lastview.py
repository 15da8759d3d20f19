"""The view that was used last, by the crosshair that follows the mouse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from Testing.slicer.scene.conftest import Scene, rigid


@pytest.fixture
def crosshair(scene: Any) -> Any:
    import slicer

    node = scene.GetFirstNodeByClass("vtkMRMLCrosshairNode")
    return node or scene.AddNode(slicer.vtkMRMLCrosshairNode())


# Normal of a view's slices, and the direction to its right.
VIEWS = {
    "Sagittal": ((1, 0, 0), (0, -1, 0)),
    "Coronal": ((0, 1, 0), (-1, 0, 0)),
    "Axial": ((0, 0, 1), (-1, 0, 0)),
}


def view(scene: Any, orientation: str) -> Any:
    """A slice node of a view."""
    import slicer

    node = slicer.vtkMRMLSliceNode()
    node.SetLayoutName(f"Test {orientation}")
    node = scene.AddNode(node)
    normal, right = VIEWS[orientation]
    node.SetSliceToRASByNTP(*normal, *right, 0, 0, 0, 0)
    return node


def test_plane_and_place_are_those_of_the_view_where_the_mouse_was(
    scene: Any, make: Scene, crosshair: Any
) -> None:
    from MASAMSlicerLib.scene.lastview import LastView

    volume = make.volume(matrix=np.diag([2.0, -2.0, 3.0, 1.0]))
    changes: list[str] = []
    last = LastView(scene, lambda: changes.append("changed"))
    last.watch()
    last.watch()  # once is enough
    for number, (orientation, plane) in enumerate(
        (("Sagittal", "sagittal"), ("Coronal", "coronal"), ("Axial", "axial")), 1
    ):
        node = view(scene, orientation)
        node.JumpSliceByCentering(5.0, -6.0, 7.0)
        crosshair.SetCursorPositionXYZ([3.0, 4.0, 0.0], node)
        crosshair.SetCursorPositionXYZ([4.0, 4.0, 0.0], node)
        assert last.plane(volume) == plane
        assert np.allclose(last.point(volume), [5.0, -6.0, 7.0], atol=1e-6)
        crosshair.SetCursorPositionInvalid()  # the mouse leaves for the buttons
        assert last.plane(volume) == plane
        assert len(changes) == number
    scene.RemoveNode(node)
    assert last.plane(volume) == "axial"  # of the acquisition
    last.stop()


def test_a_turned_volume_is_asked_for_its_own_planes(
    scene: Any, make: Scene, crosshair: Any
) -> None:
    from MASAMSlicerLib.scene.lastview import LastView

    volume = make.volume(matrix=np.diag([2.0, 2.0, 3.0, 1.0]))
    make.put_under(volume, rigid((80, 0, 0), (0, 0, 0)))  # its axial slices stand nearly upright
    last = LastView(scene, lambda: None)
    last.watch()
    crosshair.SetCursorPositionXYZ([3.0, 4.0, 0.0], view(scene, "Coronal"))
    assert last.plane(volume) == "axial"
    last.stop()
