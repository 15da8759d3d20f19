"""Measurements in a DICOM report: what was drawn for its numbers (PS3.16, TID 1500 and others).

Any report will do in which numbers or regions stand beside coordinates: the groups of its tree are
the lesions.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from masam_core.image.formats.dicom.headers import clean
from masam_core.image.geometry import Geometry
from masam_core.prompts.dicom.found import Found
from masam_core.prompts.dicom.objects import open_object, same_place
from masam_core.prompts.dicom.shapes import Shape, pixels_to_lps, prompts_of

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_TRACKING_NAME, _TRACKING_UID = "112039", "112040"
# Long, major; short, minor, perpendicular axis: SNOMED CT, and its codes of earlier years (SRT).
_ROLES = {
    **dict.fromkeys(("103339001", "G-A185", "131187009", "G-A193"), "long"),
    **dict.fromkeys(("103340004", "G-A186", "131188004", "G-A194", "131189007"), "short"),
}
_DEEPEST = 30  # levels of a tree


def read_report(path: Path, geometry: Geometry) -> Found:
    """What was drawn for the numbers of a report, on the images of a volume.

    Raises:
        BoxError: the file can't be read.
    """
    root = open_object(path)
    found = Found()
    for group in _groups(root, 0):
        name, uid = _tracking(group)
        shapes = []
        for item, role in _coordinates(group):
            shape = _shape(item, role, root, geometry)
            if shape is None:
                found.elsewhere += 1
            else:
                shapes.append(shape)
        found.prompts += prompts_of(shapes, geometry, name, uid)
    return found


def _groups(item: Dataset, depth: int) -> Iterator[Dataset]:
    """Containers with coordinates of their own, not counting those in containers below."""
    if any(True for _ in _coordinates(item)):
        yield item
    for child in _children(item):
        if child.get("ValueType") == "CONTAINER" and depth < _DEEPEST:
            yield from _groups(child, depth + 1)


def _coordinates(group: Dataset) -> Iterator[tuple[Dataset, str]]:
    """Coordinates of a group, beside its numbers or below them, and the role of the number."""
    for child in _children(group):
        kind = child.get("ValueType")
        if kind in ("SCOORD", "SCOORD3D"):
            yield child, ""
        elif kind == "NUM":
            role = _ROLES.get(_code(child), "")
            for inner in _children(child):
                if inner.get("ValueType") in ("SCOORD", "SCOORD3D"):
                    yield inner, role


def _shape(item: Dataset, role: str, root: Dataset, geometry: Geometry) -> Shape | None:
    """Coordinates in LPS mm; None where they are not on these images."""
    kind = clean(item.get("GraphicType"))
    data = [float(v) for v in np.ravel(item.get("GraphicData") or [])]
    if item.get("ValueType") == "SCOORD3D":
        if len(data) % 3 or not data or not np.isfinite(data).all():
            return None
        if not same_place(item.get("ReferencedFrameOfReferenceUID"), geometry):
            return None
        return Shape(kind, np.reshape(data, (-1, 3)), role)
    number = _slice(item, root, geometry)
    if number is None or len(data) % 2 or not data or not np.isfinite(data).all():
        return None
    return Shape(kind, pixels_to_lps(data, number, geometry), role)


def _slice(item: Dataset, root: Dataset, geometry: Geometry) -> int | None:
    """Index along k of the image that coordinates were selected from."""
    if geometry.images is None:
        return None
    for child in _children(item):
        image = _resolved(child, root)
        for reference in [] if image is None else image.get("ReferencedSOPSequence") or []:
            frames = np.ravel(reference.get("ReferencedFrameNumber") or [0])
            number = geometry.images.number_of(
                clean(reference.get("ReferencedSOPInstanceUID")), int(frames[0])
            )
            if number is not None:
                return number
    return None


def _resolved(item: Dataset, root: Dataset) -> Dataset | None:
    """An item, or the one elsewhere in the tree that stands for it."""
    place = item.get("ReferencedContentItemIdentifier")
    if place is None:
        return item
    here = root
    for number in np.ravel(place).astype(int)[1:]:
        children = _children(here)
        if not 1 <= number <= len(children):
            return None
        here = children[number - 1]
    return here


def _tracking(group: Dataset) -> tuple[str, str]:
    name = uid = ""
    for child in _children(group):
        if _code(child) == _TRACKING_NAME:
            name = clean(child.get("TextValue"))
        elif _code(child) == _TRACKING_UID:
            uid = clean(child.get("UID"))
    return name, uid


def _code(item: Dataset) -> str:
    names = item.get("ConceptNameCodeSequence")
    return clean(names[0].get("CodeValue")) if names else ""


def _children(item: Dataset) -> list[Any]:
    return list(item.get("ContentSequence") or [])
