"""Slicer ROI files: round trips, frames, and the real MRML as judge."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from masam_core.errors import BoxError
from masam_core.image.geometry import Geometry
from masam_core.prompts.roi import read_roi, write_roi

AXES = Rotation.from_euler("xyz", (10, 25, -40), degrees=True).as_matrix()
GEOMETRY = Geometry.from_spacing(
    (30, 40, 50),
    (0.9, 0.9, 3.0),
    (-30, 20, 100),
    Rotation.from_euler("x", 15, degrees=True).as_matrix(),
)
CENTER, SIZE = np.array([-12.0, 34.0, 140.0]), np.array([20.0, 12.0, 30.0])


def lps_corners(center: np.ndarray, axes: np.ndarray, size: np.ndarray) -> np.ndarray:
    signs = [[(n & 1), (n >> 1) & 1, (n >> 2) & 1] for n in range(8)]
    return np.array([center + axes @ ((np.array(s) - 0.5) * size) for s in signs])


def test_a_rotated_roi_comes_back_with_all_eight_corners(tmp_path: Path) -> None:
    path = tmp_path / "left thigh.mrk.json"
    write_roi(path, CENTER, SIZE, AXES, name="Sarcoma")
    (box,) = read_roi(path, GEOMETRY)
    assert box.name == "Sarcoma"
    got = GEOMETRY.lps_from_ijk(box.corners_ijk)
    assert np.allclose(got, lps_corners(CENTER, AXES, SIZE), atol=1e-6)


def test_coordinates_in_ras_mean_the_same_box(tmp_path: Path) -> None:
    path = tmp_path / "box.mrk.json"
    write_roi(path, CENTER, SIZE, AXES)
    content = json.loads(path.read_text())
    flip = np.diag([-1.0, -1.0, 1.0])
    for word in ("RAS", "0"):
        markup = content["markups"][0]
        markup["coordinateSystem"] = word
        markup["center"] = (flip @ CENTER).tolist()
        markup["orientation"] = (flip @ AXES).flatten().tolist()
        path.write_text(json.dumps(content))
        (box,) = read_roi(path, GEOMETRY)
        got = GEOMETRY.lps_from_ijk(box.corners_ijk)
        assert np.allclose(got, lps_corners(CENTER, AXES, SIZE), atol=1e-6)


def test_several_rois_in_a_file_are_several_boxes_named_after_it(tmp_path: Path) -> None:
    path = tmp_path / "nodes.mrk.json"
    write_roi(path, CENTER, SIZE)
    content = json.loads(path.read_text())
    content["markups"] = content["markups"] * 2
    path.write_text(json.dumps(content))
    assert [b.name for b in read_roi(path, GEOMETRY)] == ["nodes 1", "nodes 2"]


def _without(key: str) -> dict[str, object]:
    markup: dict[str, object] = {"type": "ROI", "center": [0, 0, 0], "size": [1, 1, 1]}
    markup.pop(key)
    return {"markups": [markup]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("no json", "can't be read as JSON"),
        ("{}", "no 'markups'"),
        ('{"markups": []}', "no 'markups'"),
        ('{"markups": [{"type": "Fiducial"}]}', "Markups Fiducial; expected a ROI"),
        ('{"markups": [{"type": "ROI", "roiType": "Sphere"}]}', "expected Box"),
        (json.dumps(_without("size")), "'size' must be 3 numbers"),
        (json.dumps(_without("center")), "'center' must be 3 numbers"),
        (
            '{"markups": [{"type": "ROI", "center": [0, 0, 0], "size": [1, 0, 1]}]}',
            "longer than zero",
        ),
        (
            '{"markups": [{"type": "ROI", "coordinateSystem": "XYZ", "center": [0, 0, 0], '
            '"size": [1, 1, 1]}]}',
            "expected LPS or RAS",
        ),
    ],
)
def test_other_files_are_refused_with_what_they_are(
    tmp_path: Path, content: str, message: str
) -> None:
    path = tmp_path / "box.mrk.json"
    path.write_text(content)
    with pytest.raises(BoxError, match=message):
        read_roi(path, GEOMETRY)


def test_missing_files_and_folders_are_named(tmp_path: Path) -> None:
    with pytest.raises(BoxError, match="no ROI file"):
        read_roi(tmp_path / "none.mrk.json", GEOMETRY)
    with pytest.raises(BoxError, match="Make it first"):
        write_roi(tmp_path / "none" / "box.mrk.json", CENTER, SIZE)


@pytest.fixture
def mrml() -> Any:
    """An empty ROI node of the real Slicer, with its storage node."""
    slicer = pytest.importorskip("slicer", reason="3D Slicer's core (slicer-core) is not installed")
    if not hasattr(slicer, "vtkMRMLMarkupsROIJsonStorageNode"):
        pytest.skip("3D Slicer's core (slicer-core) is not installed")
    scene = slicer.vtkMRMLScene()
    node = slicer.vtkMRMLMarkupsROINode()
    storage = slicer.vtkMRMLMarkupsROIJsonStorageNode()
    scene.AddNode(node)
    scene.AddNode(storage)
    return SimpleNamespace(scene=scene, node=node, storage=storage)


def world_matrix(node: Any) -> np.ndarray:
    world = node.GetObjectToWorldMatrix()
    return np.array([[world.GetElement(r, c) for c in range(4)] for r in range(4)])


def test_slicers_own_roi_file_is_read_as_slicer_places_it(mrml: Any, tmp_path: Path) -> None:
    import vtk

    flip = np.diag([-1.0, -1.0, 1.0])
    mrml.node.SetSize(*SIZE)
    matrix = vtk.vtkMatrix4x4()
    for row in range(3):
        matrix.SetElement(row, 3, (flip @ CENTER)[row])
        for col in range(3):
            matrix.SetElement(row, col, (flip @ AXES)[row, col])
    mrml.node.SetAndObserveObjectToNodeMatrix(matrix)
    path = tmp_path / "slicer.mrk.json"
    mrml.storage.SetFileName(str(path))
    assert mrml.storage.WriteData(mrml.node)
    (box,) = read_roi(path, GEOMETRY)
    placed = world_matrix(mrml.node)
    size = np.array(mrml.node.GetSize())
    assert np.allclose(size, SIZE)
    expected = lps_corners(flip @ placed[:3, 3], flip @ placed[:3, :3], size)
    assert np.allclose(GEOMETRY.lps_from_ijk(box.corners_ijk), expected, atol=1e-4)


def test_our_roi_file_opens_in_slicer_where_we_meant_it(mrml: Any, tmp_path: Path) -> None:
    path = tmp_path / "ours.mrk.json"
    write_roi(path, CENTER, SIZE, AXES, name="Sarcoma")
    mrml.storage.SetFileName(str(path))
    assert mrml.storage.ReadData(mrml.node)
    assert np.allclose(mrml.node.GetSize(), SIZE)
    flip = np.diag([-1.0, -1.0, 1.0])
    placed = world_matrix(mrml.node)
    assert np.allclose(placed[:3, 3], flip @ CENTER, atol=1e-4)
    assert np.allclose(placed[:3, :3], flip @ AXES, atol=1e-4)
