"""Slicer's markups that are made of points: lines, point lists, curves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from masam_core.errors import BoxError
from masam_core.image.geometry import Geometry
from masam_core.prompts.corrections import Correction, CorrectionKind
from masam_core.prompts.first import LinePrompt, PointPrompt
from masam_core.prompts.markups import defined_points, kind_of, name_of, read_markups
from masam_core.prompts.naming import lesion_name, says_negative

KINDS = ("Line", "Fiducial", "Curve", "ClosedCurve")
Prompt = LinePrompt | PointPrompt | Correction


def prompts_of(path: Path, markup: dict[str, Any], geometry: Geometry) -> list[Prompt]:
    """The prompts of one markup, on the volume with this geometry.

    A Line is a diameter; each point of a point list a click; a Curve a scribble and a ClosedCurve
    a lasso, both by their control points joined with straight lines. What its file's name or its
    label marks as negative (``masam_core.prompts.naming``) does not belong to the lesion.

    Raises:
        BoxError: points that are missing or make no prompt, or one that starts a lesion outside
            the volume; names the file.
    """
    kind, file_name = kind_of(markup), name_of(path)
    points, labels = defined_points(path, markup)
    try:
        if not len(points):
            raise BoxError(f"the Markups {kind} has no point that was placed.")
        if kind == "Line":
            line = LinePrompt(points, None, lesion_name(labels[0]) or file_name)
            line.require_inside(geometry.canonical_frame())
            return [line]
        if kind == "Fiducial":
            return _clicks(points, labels, file_name, geometry)
        positive = not says_negative(file_name, labels[0])
        chosen = CorrectionKind.LASSO if kind == "ClosedCurve" else CorrectionKind.SCRIBBLE
        return [Correction(chosen, points, positive)]
    except BoxError as error:
        raise BoxError(f"{path}: {error}") from error


def read_correction(
    path: Path, kind: CorrectionKind, positive: bool | None = None
) -> list[Correction]:
    """Each markup of a file as a correction of one kind: the points of a Curve, a Line, a list.

    Args:
        path: ``.mrk.json`` file.
        kind: what its points are taken for.
        positive: whether it belongs to the lesion; None takes what the names say.

    Raises:
        BoxError: no Markups file, markups of another type, or points that make no correction;
            names the file.
    """
    found = []
    for markup in read_markups(path):
        if kind_of(markup) not in KINDS:
            raise BoxError(
                f"{path} holds a Markups {kind_of(markup)}; expected one of {', '.join(KINDS)}, "
                f"whose points are taken for a {kind.value}."
            )
        points, labels = defined_points(path, markup)
        belongs = not says_negative(name_of(path), *labels[:1]) if positive is None else positive
        try:
            found.append(Correction(kind, points, belongs))
        except BoxError as error:
            raise BoxError(f"{path}: {error}") from error
    return found


def _clicks(
    points: Any, labels: tuple[str, ...], file_name: str, geometry: Geometry
) -> list[Prompt]:
    """A click each; negative ones are corrections."""
    frame = geometry.canonical_frame()
    whole = says_negative(file_name)
    found: list[Prompt] = []
    for number, (point, label) in enumerate(zip(points, labels, strict=True), 1):
        if whole or says_negative(label):
            found.append(Correction(CorrectionKind.POINT, point[None], positive=False))
            continue
        name = lesion_name(label) or file_name
        # Slicer numbers a list's labels: those of one name are told apart by their place.
        same = sum((lesion_name(other) or file_name) == name for other in labels) > 1
        click = PointPrompt(point, f"{name} {number}" if same else name)
        click.require_inside(frame)
        found.append(click)
    return found
