"""Slicer's Markups files (``.mrk.json``): what every kind of them has in common."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from masam_core.errors import BoxError, ConfigError
from masam_core.image.readable import readable
from masam_core.jsonfile import read_json
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


def read_markups(path: Path) -> list[dict[str, Any]]:
    """The markups of a file, with checked types; see :class:`_Markup` for what is looked at.

    Raises:
        BoxError: missing, no JSON, no markups, or an entry of another type; names the file.
    """
    if not path.is_file():
        raise BoxError(f"There is no Markups file at {path}.")
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


def holds_markups(path: Path) -> bool:
    """Whether a JSON file is one of Slicer's Markups, which have a type each."""
    try:
        content = read_json(path, "Slicer Markups file", BoxError, MOST_BYTES)
    except BoxError:
        return False
    markups = content.get("markups") if isinstance(content, dict) else None
    found = markups if isinstance(markups, list) else []
    return any(isinstance(markup, dict) and "type" in markup for markup in found)


def kind_of(markup: dict[str, Any]) -> str:
    """The kind of a markup as Slicer calls it: ROI, Line, Fiducial, Curve, ClosedCurve, ..."""
    return str(markup.get("type") or "of no type")


def to_lps(path: Path, markup: dict[str, Any]) -> NDArray[np.float64]:
    """(3, 3) from a markup's coordinates to LPS; BoxError for others than LPS and RAS in mm."""
    system = str(markup.get("coordinateSystem") or "LPS")
    matrix = _TO_LPS.get(_NUMBERED.get(system, system))
    if matrix is None:
        raise BoxError(f"{path}: unknown coordinate system {system!r}; expected LPS or RAS.")
    units = markup.get("coordinateUnits") or "mm"
    if units != "mm":
        raise BoxError(f"{path}: its coordinateUnits are {units!r}; expected mm.")
    return matrix


def defined_points(
    path: Path, markup: dict[str, Any]
) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """The control points that the user has placed: (n, 3) LPS mm, and their labels.

    Raises:
        BoxError: a point without position, or another frame than LPS and RAS in mm.
    """
    placed = [
        point
        for point in markup.get("controlPoints") or ()
        if (point.get("positionStatus") or "defined") == "defined"
    ]
    for point in placed:
        if len(point.get("position") or ()) != 3:
            raise BoxError(f"{path}: a control point's 'position' must be 3 numbers.")
    positions = np.array([point["position"] for point in placed], dtype=np.float64).reshape(-1, 3)
    labels = tuple(" ".join(readable(point.get("label") or "").split()) for point in placed)
    return positions @ to_lps(path, markup).T, labels


def name_of(path: Path) -> str:
    """A file's name without the ending of Markups files."""
    name = path.name[: -len(ENDING)] if path.name.lower().endswith(ENDING) else path.stem
    return readable(name)


@dataclass(frozen=True)
class _Point:
    """What is used of a control point; Slicer's schema has more."""

    label: str | None = None
    position: tuple[float, ...] | None = None
    positionStatus: str | None = None


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


def _unite(markup: dict[str, Any]) -> None:
    """One type for what Slicer writes in two: the frame's number, and units for each axis."""
    system, units = markup.get("coordinateSystem"), markup.get("coordinateUnits")
    if isinstance(system, int) and not isinstance(system, bool):
        markup["coordinateSystem"] = str(system)
    if isinstance(units, list) and units and all(unit == units[0] for unit in units):
        markup["coordinateUnits"] = units[0]
