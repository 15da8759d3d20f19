"""Slicer Markups ROI files (``.mrk.json``) as box prompts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from masam_core.atomic import write_text
from masam_core.errors import BoxError
from masam_core.image.geometry import Geometry
from masam_core.prompts.boxes import BoxPrompt

SCHEMA = (
    "https://raw.githubusercontent.com/slicer/slicer/master/Modules/Loadable/Markups/Resources/"
    "Schema/markups-schema-v1.0.3.json#"
)
_TO_LPS = {"LPS": np.eye(3), "RAS": np.diag([-1.0, -1.0, 1.0])}
# Files of Slicer before 5.0 may hold vtkMRMLStorageNode's number instead of the word.
_NUMBERED = {"0": "RAS", "1": "LPS"}


def read_roi(path: Path | str, geometry: Geometry) -> list[BoxPrompt]:
    """Boxes of a Slicer Markups file, in the order they stand in it.

    Orientation is stored row by row with the box's axes as columns; coordinates are LPS or RAS as
    the file says. The name is the first control point's label (Slicer writes ``R-1``), or the
    file's.

    Args:
        path: ``.mrk.json`` file.
        geometry: of the volume on which the boxes are used.

    Raises:
        BoxError: missing, no JSON, no markups, other markups than boxes, a box without size.
    """
    path = Path(path)
    markups = _markups(path)
    boxes = []
    for number, markup in enumerate(markups):
        kind = markup.get("type", "unknown")
        if kind != "ROI":
            raise BoxError(f"{path} holds a Markups {kind}; expected a ROI (box).")
        if markup.get("roiType", "Box") not in ("Box", "BoundingBox"):
            raise BoxError(f"{path}: a ROI of type {markup['roiType']}; expected Box.")
        name = path.name.split(".")[0]
        if len(markups) > 1:
            name = f"{name} {number + 1}"
        boxes.append(_box(path, markup, name, geometry))
    return boxes


def write_roi(
    path: Path | str,
    center_lps: ArrayLike,
    size_mm: ArrayLike,
    orientation: ArrayLike | None = None,
    name: str = "",
) -> None:
    """Write a ROI that Slicer opens, atomically.

    Args:
        path: target, ``.mrk.json``.
        center_lps: (3,) mm.
        size_mm: (3,) mm along the box's axes.
        orientation: (3, 3), columns the box's axes in LPS; None is the identity.
        name: label of the box.

    Raises:
        BoxError: the folder can't be written.
    """
    axes = np.eye(3) if orientation is None else np.asarray(orientation, float)
    center = [float(v) for v in np.asarray(center_lps, float)]
    markup = {
        "type": "ROI",
        "coordinateSystem": "LPS",
        "coordinateUnits": "mm",
        "locked": False,
        "roiType": "Box",
        "center": center,
        "orientation": [float(v) for v in axes.reshape(-1)],
        "size": [float(v) for v in np.asarray(size_mm, float)],
        "insideOut": False,
        "controlPoints": [
            {
                "id": "1",
                "label": name or "R-1",
                "position": center,
                "selected": True,
                "locked": False,
                "visibility": True,
                "positionStatus": "defined",
            }
        ],
    }
    text = json.dumps({"@schema": SCHEMA, "markups": [markup]}, indent=2)
    write_text(Path(path), text, BoxError)


def _markups(path: Path) -> list[dict[str, Any]]:
    if not path.is_file():
        raise BoxError(f"There is no ROI file at {path}.")
    try:
        content = json.loads(path.read_text("utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise BoxError(
            f"{path} is no Slicer Markups file (.mrk.json): it can't be read as JSON."
        ) from error
    markups = content.get("markups") if isinstance(content, dict) else None
    if not isinstance(markups, list) or not markups or not isinstance(markups[0], dict):
        raise BoxError(f"{path} is no Slicer Markups file: it holds no 'markups'.")
    return markups


def _box(path: Path, markup: dict[str, Any], name: str, geometry: Geometry) -> BoxPrompt:
    system = str(markup.get("coordinateSystem", "LPS"))
    to_lps = _TO_LPS.get(_NUMBERED.get(system, system))
    if to_lps is None:
        raise BoxError(f"{path}: unknown coordinate system {system!r}; expected LPS or RAS.")
    center = _numbers(path, markup, "center", 3)
    size = _numbers(path, markup, "size", 3)
    axes = np.eye(3)
    if "orientation" in markup:
        axes = _numbers(path, markup, "orientation", 9).reshape(3, 3)
    points = markup.get("controlPoints") or [{}]
    label = str(points[0].get("label", "")) if isinstance(points[0], dict) else ""
    # Slicer numbers labels by itself ("R-1"); such a number says less than the file's name.
    chosen = label if label and not label.startswith("R-") else name
    return BoxPrompt.from_oriented(to_lps @ center, to_lps @ axes, size, geometry, chosen)


def _numbers(path: Path, markup: dict[str, Any], key: str, count: int) -> NDArray[np.float64]:
    try:
        values = np.array(markup[key], dtype=np.float64)
    except (KeyError, TypeError, ValueError):
        values = np.empty(0)
    if values.shape != (count,) or not np.isfinite(values).all():
        raise BoxError(f"{path}: the ROI's '{key}' must be {count} numbers.")
    return values
