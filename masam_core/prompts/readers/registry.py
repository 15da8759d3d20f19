"""Every kind of file that holds boxes, by the ending that chooses it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from masam_core.errors import BoxError
from masam_core.prompts.per import Per
from masam_core.prompts.readers.label_image import LABEL_IMAGE
from masam_core.prompts.readers.reader import PromptReader
from masam_core.prompts.readers.slicer_roi import SLICER_ROI

if TYPE_CHECKING:
    from masam_core.image.geometry import Geometry
    from masam_core.prompts.boxes import BoxPrompt

READERS: list[PromptReader] = [SLICER_ROI, LABEL_IMAGE]


def read_boxes(path: Path, geometry: Geometry, per: Per = Per.COMPONENT) -> list[BoxPrompt]:
    """Read the boxes of a file.

    Args:
        path: its ending says what it is.
        geometry: of the volume on which the boxes are used.
        per: with label images, what gets a box of its own.

    Raises:
        BoxError: an ending that is not known, a missing file, or what the reader raises.
        VolumeError: a label image that can't be read.
    """
    reader = reader_of(path)
    if reader is None:
        known = ", ".join(f"{', '.join(r.endings)} ({r.title})" for r in READERS)
        raise BoxError(f"'{path.name}' is no file of boxes that is known; expected {known}.")
    return reader.read(path, geometry, per)


def reader_of(path: Path) -> PromptReader | None:
    """The reader that a file's name chooses, or None."""
    name = path.name.lower()
    fitting = [r for r in READERS if name.endswith(r.endings)]
    # Of a name that several kinds claim, the one with the longest ending: .seg.json, not .json.
    return max(fitting, key=lambda reader: len(ending_of(path, reader)), default=None)


def ending_of(path: Path, reader: PromptReader) -> str:
    """The ending of a file's name by which a reader knows it; empty if it does not."""
    name = path.name.lower()
    return max((e for e in reader.endings if name.endswith(e)), key=len, default="")
