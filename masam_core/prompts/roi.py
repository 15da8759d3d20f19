"""Slicer Markups ROI files (``.mrk.json``) as box prompts."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from masam_core.atomic import write_text
from masam_core.errors import BoxError
from masam_core.image.geometry import Geometry
from masam_core.image.readable import readable
from masam_core.prompts.boxes import BoxPrompt
from masam_core.prompts.markups import SCHEMA, kind_of, name_of, read_markups, to_lps

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
    markups = read_markups(path)
    names = [name_of(path)] if len(markups) == 1 else _numbered(name_of(path), len(markups))
    for markup in markups:
        if kind_of(markup) != "ROI":
            raise BoxError(f"{path} holds a Markups {kind_of(markup)}; expected a ROI (box).")
    return [
        box_of(path, markup, name, geometry) for markup, name in zip(markups, names, strict=True)
    ]


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


def box_of(path: Path, markup: dict[str, Any], name: str, geometry: Geometry) -> BoxPrompt:
    """The box of a Markups ROI; BoxError where it is none or lies outside the volume.

    Args:
        path: of the file, for messages.
        markup: see ``read_markups``.
        name: for a ROI whose own label says nothing.
        geometry: of the volume.
    """
    if (markup.get("roiType") or "Box") not in _TYPES:
        raise BoxError(
            f"{path}: a ROI of type {markup['roiType']}; expected Box, BoundingBox or Sphere."
        )
    matrix = to_lps(path, markup)
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
            box = BoxPrompt.from_oriented(matrix @ center, matrix @ axes, size, geometry, chosen)
        box.require_inside(geometry.canonical_frame())
    except BoxError as error:
        raise BoxError(f"{path}: {error}") from error
    return box


def _numbers(path: Path, markup: dict[str, Any], key: str, count: int) -> NDArray[np.float64]:
    values = np.array(markup.get(key) or (), dtype=np.float64)
    if values.shape != (count,):
        raise BoxError(f"{path}: the ROI's '{key}' must be {count} numbers.")
    return values


def _numbered(name: str, count: int) -> list[str]:
    return [f"{name} {number}" for number in range(1, count + 1)]
