"""Slicer's Markups files: ROIs, lines, point lists, curves."""

from __future__ import annotations

from pathlib import Path

from masam_core.errors import BoxError
from masam_core.image.geometry import Geometry
from masam_core.prompts.markups import ENDING, holds_markups, kind_of, name_of, read_markups
from masam_core.prompts.per import Per
from masam_core.prompts.pointwise import KINDS, prompts_of
from masam_core.prompts.readers.reader import Prompt, PromptReader
from masam_core.prompts.roi import box_of


def _read(path: Path, geometry: Geometry, _per: Per) -> list[Prompt]:
    markups = read_markups(path)
    found: list[Prompt] = []
    for number, markup in enumerate(markups, 1):
        kind, name = kind_of(markup), name_of(path)
        if kind == "ROI":
            numbered = f"{name} {number}" if len(markups) > 1 else name
            found.append(box_of(path, markup, numbered, geometry))
        elif kind in KINDS:
            found += prompts_of(path, markup, geometry)
        else:
            raise BoxError(
                f"{path} holds a Markups {kind}; expected a ROI (box), or one of "
                f"{', '.join(KINDS)}."
            )
    return found


def _recognise(path: Path) -> bool:
    """Tell Slicer's files from other JSON files, such as those beside images (BIDS)."""
    return path.name.lower().endswith(ENDING) or holds_markups(path)


SLICER_MARKUPS = PromptReader(
    (ENDING, ".json"),
    "a Slicer Markups file: a ROI, a line, points or a curve",
    _read,
    recognises=_recognise,
)
