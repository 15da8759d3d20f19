"""Slicer's ROIs (Markups files)."""

from __future__ import annotations

from pathlib import Path

from masam_core.image.geometry import Geometry
from masam_core.prompts.boxes import BoxPrompt
from masam_core.prompts.per import Per
from masam_core.prompts.readers.reader import PromptReader
from masam_core.prompts.roi import ENDING, holds_roi, read_roi


def _read(path: Path, geometry: Geometry, _per: Per) -> list[BoxPrompt]:
    return read_roi(path, geometry)


def _recognise(path: Path) -> bool:
    """Tell Slicer's files from other JSON files, such as those beside images (BIDS)."""
    return path.name.lower().endswith(ENDING) or holds_roi(path)


SLICER_ROI = PromptReader((ENDING, ".json"), "a Slicer ROI file", _read, recognises=_recognise)
