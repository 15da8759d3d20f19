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
        ('{"markups": [{"type": "ROI", "roiType": "Cone"}]}', "a ROI of type Cone; expected Box"),
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
    with pytest.raises(BoxError, match="no Markups file"):
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


def _roi(**changes: object) -> dict[str, object]:
    markup = {"type": "ROI", "center": [0.0, 0.0, 0.0], "size": [4.0, 4.0, 4.0]}
    return {"markups": [{**markup, **changes}]}


@pytest.mark.parametrize(
    ("label", "name"),
    [
        (None, "tumour.01.left"),
        ("", "tumour.01.left"),
        ("R", "tumour.01.left"),
        ("R-12", "tumour.01.left"),
        ("R-lung nodule", "R-lung nodule"),
        ("met [/x]", "met [/x]"),
        (" two\n lines ", "two lines"),
        ("None", "None"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_box_has_the_users_name_or_the_whole_name_of_the_file(
    tmp_path: Path, label: str | None, name: str, encoding: str
) -> None:
    path = tmp_path / "tumour.01.left.MRK.JSON"
    content = _roi(center=[1, 2, 3], controlPoints=[{"id": "1", "label": label, "x": [{}]}])
    path.write_text(json.dumps(content), encoding)
    assert [box.name for box in read_roi(path, WIDE)] == [name]


WIDE = Geometry.from_spacing((20, 20, 20), (2.0, 2.0, 2.0), (-20.0, -20.0, -20.0))


@pytest.mark.parametrize(
    ("content", "field"),
    [
        (_roi(controlPoints=5), r"markups\.controlPoints is 5"),
        (_roi(controlPoints={"label": "a"}), r"markups\.controlPoints is"),
        (_roi(controlPoints=["a"]), r"markups\.controlPoints is 'a'"),
        (_roi(controlPoints=[{"label": 7}]), r"controlPoints\.label is 7; expected text"),
        (_roi(center="abc"), r"markups\.center is 'abc'; expected a list of 3"),
        (_roi(center=[1, 2]), r"markups\.center is \[1, 2\]; expected a list of 3"),
        (_roi(size=[1, 2, "x"]), r"markups\.size is 'x'; expected a number"),
        (_roi(size=[1, 2, float("nan")]), r"markups\.size is nan; expected a number"),
        (_roi(size=[1, 2, 10**400]), r"markups\.size is 1000+\.\.\.0+; expected a number"),
        (_roi(orientation=[1, 0, 0]), "'orientation' must be 9 numbers"),
        (_roi(orientation=[0] * 9), "no volume"),
        (_roi(size=[-4, 4, 4]), "longer than zero"),
        (_roi(size=[0, 4, 4]), "longer than zero"),
        (_roi(size=[1e300, 4, 4], orientation=[1e300] * 9), "finite"),
        (_roi(center=[500, 0, 0]), "outside"),
        (_roi(type=[1]), r"markups\.type is \[1\]"),
        (_roi(coordinateSystem=["LPS"]), "coordinateSystem is"),
        (_roi(coordinateUnits="m"), "coordinateUnits are 'm'; expected mm"),
        ({"markups": 7}, "markups is 7; expected a list"),
        ({"markups": {"a": 1}}, "markups is"),
        ({"markups": [_roi()["markups"][0], 5]}, "markups is 5"),  # type: ignore[index]
        ([1, 2], "no 'markups'"),
    ],
)
def test_a_field_that_is_wrong_is_named_with_its_file(
    tmp_path: Path, content: object, field: str
) -> None:
    path = tmp_path / "left.mrk.json"
    path.write_text(json.dumps(content))
    with pytest.raises(BoxError, match=rf"left\.mrk\.json.*{field}"):
        read_roi(path, WIDE)


@pytest.mark.parametrize(
    "data",
    [b"[" * 200_000, b'{"markups": ' * 90_000, b"\xff\xfe\x00", b"\x80abc", b"1" * 5000, b""],
    ids=["deep list", "deep map", "half of UTF-16", "no text", "a long number", "empty"],
)
def test_what_is_no_json_at_all_is_told(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "left.mrk.json"
    path.write_bytes(data)
    with pytest.raises(BoxError, match=r"left\.mrk\.json is no Slicer Markups file"):
        read_roi(path, WIDE)


def test_a_file_without_end_is_not_read_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("masam_core.prompts.markups.MOST_BYTES", 1000)
    path = tmp_path / "left.mrk.json"
    path.write_text(json.dumps(_roi()) + " " * 1000)
    with pytest.raises(BoxError, match="it has more than"):
        read_roi(path, WIDE)


def test_a_sphere_is_the_box_around_it(tmp_path: Path) -> None:
    corners = []
    for kind in ("Box", "Sphere"):
        (tmp_path / "a.mrk.json").write_text(json.dumps(_roi(roiType=kind)))
        corners.append(read_roi(tmp_path / "a.mrk.json", WIDE)[0].corners_ijk)
    assert np.array_equal(*corners)


@pytest.mark.parametrize("units", ["mm", ["mm", "mm", "mm"], None])
@pytest.mark.parametrize("system", ["LPS", 1, "1", None])
def test_what_slicer_writes_in_two_ways_is_read_in_both(
    tmp_path: Path, units: object, system: object
) -> None:
    path = tmp_path / "a.mrk.json"
    content = _roi(center=[4.0, 0.0, 0.0], coordinateUnits=units, coordinateSystem=system)
    path.write_text(json.dumps(content))
    middle = WIDE.lps_from_ijk(read_roi(path, WIDE)[0].corners_ijk).mean(axis=0)
    assert middle == pytest.approx([4.0, 0.0, 0.0])
