"""Slicer Markups ROI files (``.mrk.json``) as box prompts."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from masam_core.atomic import write_text
from masam_core.errors import BoxError, ConfigError
from masam_core.image.geometry import Geometry
from masam_core.image.readable import readable
from masam_core.jsonfile import read_json
from masam_core.prompts.boxes import BoxPrompt
from masam_core.schema import check

SCHEMA = (
    "https://raw.githubusercontent.com/slicer/slicer/master/Modules/Loadable/Markups/Resources/"
    "Schema/markups-schema-v1.0.3.json#"
)
_TO_LPS = {"LPS": np.eye(3), "RAS": np.diag([-1.0, -1.0, 1.0])}
# Files of Slicer before 5.0 may hold vtkMRMLStorageNode's number instead of the word.
_NUMBERED = {"0": "RAS", "1": "LPS"}
ENDING = ".mrk.json"
MOST_BYTES = 16 << 20
_TYPES = ("Box", "BoundingBox", "Sphere")
_OWN_NUMBER = re.compile(r"R(-\d+)?")


def read_roi(path: Path | str, geometry: Geometry) -> list[BoxPrompt]:
    """Boxes of a Slicer Markups file, in the order they stand in it.

    Orientation is stored row by row with the box's axes as columns; coordinates are LPS or RAS as
    the file says. The name is the first control point's label, or the file's where that is a number
    of Slicer's own (``R-1``). A sphere is taken for the box around it, as in Slicer's own views.

    Args:
        path: ``.mrk.json`` file.
        geometry: of the volume on which the boxes are used.

    Raises:
        BoxError: missing, no JSON, no markups, an entry of another type, other markups than boxes,
            a box without size or wholly outside the volume; names the file.
    """
    path = Path(path)
    markups = _markups(path)
    boxes = []
    for number, markup in enumerate(markups):
        kind = markup.get("type") or "of no type"
        if kind != "ROI":
            raise BoxError(f"{path} holds a Markups {kind}; expected a ROI (box).")
        name = path.name[: -len(ENDING)] if path.name.lower().endswith(ENDING) else path.stem
        name = readable(name)
        if len(markups) > 1:
            name = f"{name} {number + 1}"
        boxes.append(_box(path, markup, name, geometry))
    return boxes


def holds_roi(path: Path) -> bool:
    """Whether a JSON file is one of Slicer's Markups and holds a ROI."""
    try:
        content = read_json(path, "Slicer Markups file", BoxError, MOST_BYTES)
    except BoxError:
        return False
    markups = content.get("markups") if isinstance(content, dict) else None
    found = markups if isinstance(markups, list) else []
    return any(isinstance(markup, dict) and markup.get("type") == "ROI" for markup in found)


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


@dataclass(frozen=True)
class _Point:
    """A control point of the file; Slicer's schema has more."""

    label: str | None = None


@dataclass(frozen=True)
class _Markup:
    """What is used of a markup. Slicer's schema: see SCHEMA."""

    type: str | None = None
    roiType: str | None = None
    coordinateSystem: str | None = None
    coordinateUnits: str | None = None
    center: tuple[float, float, float] | None = None
    size: tuple[float, float, float] | None = None
    orientation: tuple[float, ...] | None = None
    controlPoints: tuple[_Point, ...] | None = None


@dataclass(frozen=True)
class _File:
    markups: tuple[_Markup, ...]


def _markups(path: Path) -> list[dict[str, Any]]:
    if not path.is_file():
        raise BoxError(f"There is no ROI file at {path}.")
    content = read_json(path, "Slicer Markups file (.mrk.json)", BoxError, MOST_BYTES)
    if not isinstance(content, dict) or not content.get("markups"):
        raise BoxError(f"{path} is no Slicer Markups file: it holds no 'markups'.")
    for markup in content["markups"] if isinstance(content["markups"], list) else ():
        if isinstance(markup, dict):
            _unite(markup)
    try:
        return list(check(_File, content, str(path), strict=False)["markups"])
    except ConfigError as error:
        raise BoxError(str(error)) from error


def _unite(markup: dict[str, Any]) -> None:
    """One type for what Slicer writes in two: the frame's number, and units for each axis."""
    system, units = markup.get("coordinateSystem"), markup.get("coordinateUnits")
    if isinstance(system, int) and not isinstance(system, bool):
        markup["coordinateSystem"] = str(system)
    if isinstance(units, list) and units and all(unit == units[0] for unit in units):
        markup["coordinateUnits"] = units[0]


def _box(path: Path, markup: dict[str, Any], name: str, geometry: Geometry) -> BoxPrompt:
    if (markup.get("roiType") or "Box") not in _TYPES:
        raise BoxError(
            f"{path}: a ROI of type {markup['roiType']}; expected Box, BoundingBox or Sphere."
        )
    system = str(markup.get("coordinateSystem") or "LPS")
    to_lps = _TO_LPS.get(_NUMBERED.get(system, system))
    if to_lps is None:
        raise BoxError(f"{path}: unknown coordinate system {system!r}; expected LPS or RAS.")
    units = markup.get("coordinateUnits") or "mm"
    if units != "mm":
        raise BoxError(f"{path}: its coordinateUnits are {units!r}; expected mm.")
    center = _numbers(path, markup, "center", 3)
    size = _numbers(path, markup, "size", 3)
    axes = np.eye(3)
    if markup.get("orientation") is not None:
        axes = _numbers(path, markup, "orientation", 9).reshape(3, 3)
    label = next((point.get("label") for point in markup.get("controlPoints") or ()), None)
    label = " ".join(readable(label or "").split())
    # Slicer numbers labels by itself ("R-1"); such a number says less than the file's name.
    chosen = name if not label or _OWN_NUMBER.fullmatch(label) else label
    try:
        with np.errstate(all="ignore"):  # what is too large is no finite corner
            box = BoxPrompt.from_oriented(to_lps @ center, to_lps @ axes, size, geometry, chosen)
        box.require_inside(geometry.canonical_frame())
    except BoxError as error:
        raise BoxError(f"{path}: {error}") from error
    return box


def _numbers(path: Path, markup: dict[str, Any], key: str, count: int) -> NDArray[np.float64]:
    values = np.array(markup.get(key) or (), dtype=np.float64)
    if values.shape != (count,):
        raise BoxError(f"{path}: the ROI's '{key}' must be {count} numbers.")
    return values
