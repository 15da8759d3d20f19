"""Boxes and other first prompts in whatever form a caller has them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from masam_core.errors import BoxError
from masam_core.prompts.boxes import BoxPrompt
from masam_core.prompts.corrections import Correction
from masam_core.prompts.first import (
    FirstPrompt,
    LinePrompt,
    OpenPrompt,
    PointPrompt,
    SliceBoxPrompt,
)
from masam_core.prompts.readers.reader import Prompt
from masam_core.prompts.readers.registry import read_boxes, read_prompts

if TYPE_CHECKING:
    from masam_core.image.geometry import Geometry

GivenBox = BoxPrompt | Sequence[float] | NDArray[Any] | str | Path
GivenPrompt = GivenBox | OpenPrompt

_EXPECTED = (
    "expected a BoxPrompt, six voxel indices (i0, i1, j0, j1, k0, k1), or the path of a file of "
    "boxes, e.g. a Slicer ROI (.mrk.json)"
)


def one_prompt(given: GivenPrompt, geometry: Geometry) -> FirstPrompt:
    """Read one first prompt: a line, a box on a slice, a click, or a box; see :func:`one_box`.

    A file may hold a line or a click as well.

    Raises:
        BoxError: as :func:`one_box`; a prompt outside the volume, or a file with several prompts.
    """
    if isinstance(given, (LinePrompt, SliceBoxPrompt, PointPrompt)):
        given.require_inside(geometry.canonical_frame())
        return given
    if isinstance(given, (str, Path)):
        found = read_prompts(Path(given), geometry)
        if len(found) == 1 and not isinstance(found[0], (BoxPrompt, Correction)):
            return found[0]
        if any(not isinstance(prompt, BoxPrompt) for prompt in found):
            raise BoxError(
                f"{given} holds {len(found)} prompts; expected one box, line or click. Read them "
                "all with masam_core.segment."
            )
    return one_box(given, geometry)


def all_prompts(given: GivenPrompt, geometry: Geometry) -> list[Prompt]:
    """Read the prompts of a file, or the one that was given; see :func:`one_prompt`."""
    if isinstance(given, (str, Path)):
        return read_prompts(Path(given), geometry)
    return [one_prompt(given, geometry)]


def one_box(given: GivenBox, geometry: Geometry) -> BoxPrompt:
    """Read one box.

    Args:
        given: a box, its six voxel indices i0, i1, j0, j1, k0, k1 (both ends included), or the
            path of a file that holds one, e.g. a Slicer ROI (``masam_core.prompts.readers``).
        geometry: of the volume on which the box is used.

    Raises:
        BoxError: another form, or a file that holds several boxes; see also ``read_boxes``.
    """
    boxes = all_boxes(given, geometry)
    if len(boxes) != 1:
        raise BoxError(
            f"{given} holds {len(boxes)} boxes; expected one. Segment them one by one (read_roi), "
            "or all at once with masam_core.segment."
        )
    return boxes[0]


def all_boxes(given: GivenBox, geometry: Geometry) -> list[BoxPrompt]:
    """Read the boxes of one prompt; as :func:`one_box`, but a file may hold several."""
    if isinstance(given, BoxPrompt):
        return [given]
    if isinstance(given, (str, Path)):
        return read_boxes(Path(given), geometry)
    try:
        ends = [float(end) for end in given]
    except (TypeError, ValueError) as error:
        raise BoxError(f"The box is {given!r}; {_EXPECTED}.") from error
    if len(ends) != 6:
        raise BoxError(f"The box has {len(ends)} numbers, {given!r}; {_EXPECTED}.")
    return [BoxPrompt.from_voxels(*ends)]
