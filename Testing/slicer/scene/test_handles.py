"""Handles of lesions' boxes: off while the mouse is in 3D, and the user's own in every file."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from Testing.slicer.scene.conftest import Scene


@pytest.fixture
def box(make: Scene, scene: Any) -> Any:
    """A lesion's box, its display node and what keeps it in place."""
    from MASAMSlicerLib.scene.handles import MoveHandles
    from MASAMSlicerLib.scene.lesions import LesionList

    roi = make.roi(np.eye(4), (10, 10, 10))
    roi.CreateDefaultDisplayNodes()
    LesionList(scene).add(make.volume(), None, roi)
    return SimpleNamespace(roi=roi, display=roi.GetDisplayNode(), handles=MoveHandles(scene))


def movable(box: Any) -> tuple[bool, bool]:
    """Whether the handle and the centre point can be taken hold of."""
    handle = box.display.GetTranslationHandleVisibility()
    return bool(handle), bool(box.roi.GetNthControlPointVisibility(0))


def test_handle_and_centre_are_off_only_while_the_mouse_is_in_3D(box: Any) -> None:
    box.handles.refresh()
    assert movable(box) == (True, True)
    box.handles.mouseIn3D(True)
    assert movable(box) == (False, False)
    box.handles.refresh()
    box.handles.mouseIn3D(False)
    assert movable(box) == (True, True)


def test_a_box_that_comes_while_the_mouse_is_in_3D_is_kept_in_place(
    box: Any, make: Scene, scene: Any
) -> None:
    from MASAMSlicerLib.scene.lesions import LesionList

    box.handles.mouseIn3D(True)
    other = make.roi(np.eye(4), (5, 5, 5))
    other.CreateDefaultDisplayNodes()
    LesionList(scene).add(make.volume(), None, other)
    box.handles.refresh()
    assert not other.GetDisplayNode().GetTranslationHandleVisibility()
    scene.RemoveNode(other)  # and one that goes is no trouble
    box.handles.mouseIn3D(False)
    assert movable(box) == (True, True)


def test_what_the_user_has_switched_off_stays_off(box: Any) -> None:
    box.display.SetTranslationHandleVisibility(False)
    box.roi.SetNthControlPointVisibility(0, False)
    for leave in (lambda: box.handles.mouseIn3D(False), box.handles.release):
        box.handles.mouseIn3D(True)
        leave()
        assert movable(box) == (False, False)


def test_boxes_of_others_are_left_alone(box: Any, make: Scene) -> None:
    other = make.roi(np.eye(4), (5, 5, 5))
    other.CreateDefaultDisplayNodes()
    box.handles.mouseIn3D(True)
    assert other.GetDisplayNode().GetTranslationHandleVisibility()


def test_a_box_saved_while_the_module_is_shown_has_its_handles(box: Any, tmp_path: Path) -> None:
    box.handles.mouseIn3D(True)
    box.handles.mouseIn3D(False)  # to the dialog that saves
    box.handles.refresh()
    box.roi.AddDefaultStorageNode()
    box.roi.GetStorageNode().SetFileName(str(tmp_path / "box.mrk.json"))
    assert box.roi.GetStorageNode().WriteData(box.roi)
    (saved,) = json.loads((tmp_path / "box.mrk.json").read_text())["markups"]
    assert saved["display"]["translationHandleVisibility"] is True
    assert saved["controlPoints"][0]["visibility"] is True


def test_a_scene_written_from_3D_has_the_handles_too(box: Any, scene: Any, tmp_path: Path) -> None:
    from MASAMSlicerLib.scene.scenefile import saveScene

    box.handles.mouseIn3D(True)
    with box.handles.released():
        saveScene(scene, tmp_path / "scene.mrb")
    assert movable(box) == (False, False)
    with zipfile.ZipFile(tmp_path / "scene.mrb") as bundle:
        texts = [
            bundle.read(n).decode() for n in bundle.namelist() if n.endswith((".mrml", ".json"))
        ]
    assert len(texts) == 2
    together = " ".join(texts).replace(" ", "")
    assert 'translationHandleVisibility="true"' in together
    assert '"translationHandleVisibility":true' in together
    assert '"visibility":false' not in together
