"""DICOM objects: lines of reports and presentation states, structures and segments as boxes."""

from __future__ import annotations

from pathlib import Path

from masam_core.errors import BoxError
from masam_core.image.geometry import Geometry
from masam_core.prompts.dicom.found import Found
from masam_core.prompts.dicom.objects import Kind, damage_in_words, kind_of
from masam_core.prompts.dicom.presentations import read_presentation
from masam_core.prompts.dicom.regions import read_regions
from masam_core.prompts.dicom.reports import read_report
from masam_core.prompts.dicom.structures import read_structures
from masam_core.prompts.first import PointPrompt
from masam_core.prompts.per import Per
from masam_core.prompts.readers.reader import Prompt, PromptReader


def read_object(path: Path, geometry: Geometry) -> Found:
    """What a DICOM object holds for a volume, and how much it holds for other images.

    Raises:
        BoxError: no object of prompts, damaged, or of another frame of reference.
    """
    kind = kind_of(path)
    with damage_in_words(path):
        if kind is Kind.REPORT:
            return read_report(path, geometry)
        if kind is Kind.PRESENTATION:
            return read_presentation(path, geometry)
        if kind is Kind.STRUCTURES:
            regions, found = read_structures(path, geometry)
            found.prompts = [*(region.box for region in regions), *found.prompts]
            return found
        if kind is Kind.SEGMENTATION:
            return Found([region.box for region in read_regions(path, geometry)])
    if not path.is_file():
        raise BoxError(f"There is no file of prompts at {path}.")
    words = ", ".join(kind.value for kind in Kind)
    raise BoxError(f"{path} holds no prompts; expected {words}.")


def left_out(path: Path, geometry: Geometry, shown: str = "") -> str:
    """A sentence about shapes of an object that are not taken; mostly empty.

    Those are shapes drawn on other images, and points beside shapes.

    Args:
        path: of the object.
        geometry: of the image.
        shown: what the object is called; its file's name if not given.

    Raises:
        BoxError: as :func:`read_object`.
    """
    if kind_of(path) is None:
        return ""
    found = read_object(path, geometry)
    said = []
    if found.elsewhere:
        shapes = "1 shape is" if found.elsewhere == 1 else f"{found.elsewhere} shapes are"
        said.append(f"{shapes} drawn on other images than these, or in units of a screen.")
    points = sum(isinstance(each, PointPrompt) for each in found.prompts)
    if 0 < points < len(found.prompts):
        markers = "1 point is" if points == 1 else f"{points} points are"
        said.append(f"{markers} beside outlines or lines, and taken for markers, not for lesions.")
    return f"{shown or path.name}: {' '.join(said)}" if said else ""


def _read(path: Path, geometry: Geometry, _per: Per) -> list[Prompt]:
    """A lesion each; a segment or structure is one lesion, however many pieces it has."""
    found = read_object(path, geometry)
    # A point beside shapes (an isocentre, a marker, the tip of an arrow) corrects nothing.
    shapes: list[Prompt] = [p for p in found.prompts if not isinstance(p, PointPrompt)]
    if found.prompts:
        return shapes or list(found.prompts)
    if not found.elsewhere:
        raise BoxError(f"{path} holds no line, outline, point or segment.")
    if geometry.images is None:
        raise BoxError(
            f"{path} is drawn on DICOM images, and the image says of none of its slices which one "
            "it is. Give the DICOM series itself."
        )
    raise BoxError(
        f"{path} is drawn on other images than those of this series ({found.elsewhere} shapes). "
        "Give the series that it was drawn on."
    )


DICOM = PromptReader(
    (".dcm", ".dicom"),
    "a DICOM report, presentation state, structure set or segmentation",
    _read,
    recognises=lambda path: kind_of(path) is not None,
    by_content=True,
)
