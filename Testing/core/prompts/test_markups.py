"""Slicer's lines, point lists and curves as prompts; written by the real MRML where it is here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from masam_core.errors import BoxError
from masam_core.image.geometry import Geometry
from masam_core.prompts.corrections import Correction, CorrectionKind
from masam_core.prompts.first import LinePrompt, PointPrompt
from masam_core.prompts.naming import lesion_name, says_negative
from masam_core.prompts.pointwise import read_correction
from masam_core.prompts.readers.registry import read_boxes, read_prompts

GRID = Geometry.from_spacing((20, 30, 40), (0.8, 1.1, 3.0), (-30.0, 20.0, 100.0))
POINTS = np.array([[-28.0, 25.0, 110.0], [-10.0, 31.0, 110.0], [-15.0, 44.0, 110.0]])


def write(path: Path, kind: str, points: Any, labels: Any = (), **changes: Any) -> Path:
    control = [
        {"label": labels[n] if n < len(labels) else f"F-{n + 1}", "position": list(map(float, p))}
        for n, p in enumerate(points)
    ]
    markup = {"type": kind, "coordinateSystem": "LPS", "controlPoints": control, **changes}
    path.write_text(json.dumps({"markups": [markup]}))
    return path


@pytest.mark.parametrize(
    ("node", "kind"),
    [("Line", None), ("Fiducial", None), ("Curve", "scribble"), ("ClosedCurve", "lasso")],
)
def test_what_slicer_writes_is_read_where_slicer_has_it(
    tmp_path: Path, node: str, kind: str | None
) -> None:
    slicer = pytest.importorskip("slicer", reason="3D Slicer's core (slicer-core) is not installed")
    if not hasattr(slicer, "vtkMRMLMarkupsJsonStorageNode"):
        pytest.skip("3D Slicer's core (slicer-core) is not installed")
    scene = slicer.vtkMRMLScene()
    markups = getattr(slicer, f"vtkMRMLMarkups{node}Node")()
    storage = slicer.vtkMRMLMarkupsJsonStorageNode()
    markups.SetName("Knot")
    scene.AddNode(markups)
    scene.AddNode(storage)
    points = POINTS[:2] if node == "Line" else POINTS
    for x, y, z in points:
        markups.AddControlPoint(-x, -y, z)  # Slicer's scene is in RAS
    path = tmp_path / "a.mrk.json"
    storage.SetFileName(str(path))
    assert storage.WriteData(markups)
    found = read_prompts(path, GRID)
    if node == "Fiducial":
        assert [type(each) for each in found] == [PointPrompt] * 3
        assert [each.name for each in found] == ["Knot 1", "Knot 2", "Knot 3"]
        assert np.allclose([each.position_lps for each in found], points)
        return
    (prompt,) = found
    if node == "Line":
        assert isinstance(prompt, LinePrompt)
        assert np.allclose(prompt.ends_lps, points)
        assert prompt.name == "Knot"
        return
    assert isinstance(prompt, Correction)
    assert (prompt.kind.value, prompt.positive) == (kind, True)
    assert np.allclose(prompt.points_lps, points)


@pytest.mark.parametrize(
    ("name", "labels", "positive"),
    [
        ("a", ["F-1"], True),
        ("a", ["neg-1"], False),
        ("a", ["-1"], False),
        ("neg", ["F-1"], False),
        ("scan7_negative", ["F-1"], False),
        ("not vessel", ["F-1"], False),
        ("nodule", ["Nodule-1"], True),
        ("annotation", ["F-1"], True),
    ],
)
def test_names_say_what_does_not_belong(
    tmp_path: Path, name: str, labels: list[str], positive: bool
) -> None:
    path = write(tmp_path / f"{name}.mrk.json", "Fiducial", POINTS[:1], labels)
    (found,) = read_prompts(path, GRID)
    assert isinstance(found, PointPrompt if positive else Correction)
    assert isinstance(found, PointPrompt) or not found.positive
    curve = write(tmp_path / f"{name}.mrk.json", "Curve", POINTS, labels)
    (scribble,) = read_prompts(curve, GRID)
    assert isinstance(scribble, Correction)
    assert scribble.positive == positive


def test_names_of_lesions_are_the_users_not_slicers() -> None:
    for label in ("F-1", "L-12", "F_2-3", "neg-1", "", "7"):
        assert lesion_name(label) == ""
    assert lesion_name("Liver-2") == "Liver"
    assert not says_negative("in", "N1", "N-2", "nodule", "no contrast agent", "", "_", "12")


def test_points_that_were_not_placed_are_left_out_and_ras_is_turned(tmp_path: Path) -> None:
    path = tmp_path / "a.mrk.json"
    write(path, "Fiducial", POINTS * (-1, -1, 1), coordinateSystem="RAS")
    content = json.loads(path.read_text())
    content["markups"][0]["controlPoints"][1]["positionStatus"] = "undefined"
    path.write_text(json.dumps(content))
    found = read_prompts(path, GRID)
    assert np.allclose([each.position_lps for each in found], POINTS[[0, 2]])  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("kind", "points", "words"),
    [
        ("Angle", POINTS, "a Markups Angle; expected a ROI"),
        ("Line", POINTS, "needs 2 positions; got 3"),
        ("Line", [POINTS[0], POINTS[0]], "no length"),
        ("Line", [POINTS[0], [900, 0, 0]], "The line lies outside the volume: R -900.0"),
        ("Fiducial", [[900, 0, 0]], "The click lies outside"),
        ("Fiducial", [], "has no point that was placed"),
        ("ClosedCurve", POINTS[:2], "3 to 10000 positions"),
        ("Curve", [[0, 0]], "'position' must be 3 numbers"),
        ("Curve", [["a", 0, 0]], r"position.* is 'a'; expected a number"),
    ],
)
def test_what_is_no_prompt_is_named_with_its_file(
    tmp_path: Path, kind: str, points: Any, words: str
) -> None:
    path = tmp_path / "a.mrk.json"
    control = [{"position": list(p)} for p in points]
    path.write_text(json.dumps({"markups": [{"type": kind, "controlPoints": control}]}))
    with pytest.raises(BoxError, match=rf"a\.mrk\.json.*{words}"):
        read_prompts(path, GRID)


def test_a_line_is_no_box(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mrk.json", "Line", POINTS[:2])
    with pytest.raises(BoxError, match="holds other prompts than boxes"):
        read_boxes(path, GRID)


def test_any_points_may_be_taken_for_a_scribble_or_a_lasso(tmp_path: Path) -> None:
    for markup in ("Fiducial", "Curve", "ClosedCurve"):
        path = write(tmp_path / "not this.mrk.json", markup, POINTS)
        (lasso,) = read_correction(path, CorrectionKind.LASSO)
        assert (lasso.kind.value, lasso.positive) == ("lasso", False)
        (forced,) = read_correction(path, CorrectionKind.SCRIBBLE, positive=True)
        assert (forced.kind.value, forced.positive) == ("scribble", True)
    with pytest.raises(BoxError, match=r"not this\.mrk\.json holds a Markups ROI; expected one of"):
        read_correction(write(path, "ROI", []), CorrectionKind.LASSO)
    with pytest.raises(BoxError, match=r"not this\.mrk\.json: A lasso needs 3"):
        read_correction(write(path, "Line", POINTS[:2]), CorrectionKind.LASSO)
